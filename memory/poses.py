"""The cameras of all views as arrays that grow."""

from __future__ import annotations

import numpy as np

from engine.geometry.cameras import Camera
from memory.retrieval.query import Poses


class PoseTable:
    """Cameras in the order of their view ids."""

    def __init__(self) -> None:
        self._size = 0
        self._ids = np.zeros(64, dtype=np.int64)
        self._T_world_camera = np.zeros((64, 4, 4))
        self._lenses = np.zeros((64, 4))

    def __len__(self) -> int:
        return self._size

    def __contains__(self, view_id: int) -> bool:
        return view_id in self._ids[: self._size]

    @property
    def poses(self) -> Poses:
        """All of them; valid until the next is appended."""
        n = self._size
        return Poses(self._ids[:n], self._T_world_camera[:n], self._lenses[:n])

    def shrink(self, count: int) -> None:
        """Forget all but the first `count` cameras."""
        self._size = min(self._size, count)

    def append(self, view_id: int, camera: Camera) -> None:
        """Add a camera; ids must rise."""
        if self._size == len(self._ids):
            self._ids = np.concatenate([self._ids, np.zeros_like(self._ids)])
            self._T_world_camera = np.concatenate(
                [self._T_world_camera, np.zeros_like(self._T_world_camera)]
            )
            self._lenses = np.concatenate([self._lenses, np.zeros_like(self._lenses)])
        k = camera.intrinsics
        self._ids[self._size] = view_id
        self._T_world_camera[self._size] = camera.T_world_camera
        self._lenses[self._size] = (k.fx, k.fy, k.cx, k.cy)
        self._size += 1
