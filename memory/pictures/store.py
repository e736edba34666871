"""The pictures of a walk: the latest used of them in RAM, the others where they were recorded."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable

import numpy as np

from engine.geometry.cameras import Camera
from memory.pictures.picture import Picture
from memory.pictures.source import Source

#: Reads a view's picture from where it was recorded; None where it has none.
ReadPicture = Callable[[int], Picture | None]


class PictureStore:
    """Sources by view id.

    Args:
        read: where pictures are that are no longer in RAM; None keeps all of them there.
        in_ram: how many stay in RAM where they can be read again; the photo always does.
    """

    def __init__(self, read: ReadPicture | None = None, in_ram: int = 12) -> None:
        if in_ram < 1:
            raise ValueError(f"at least one picture must stay in RAM, not {in_ram}")
        self._read, self._in_ram = read, in_ram
        self._cameras: dict[int, Camera] = {}
        self._recent: OrderedDict[int, Picture | Source] = OrderedDict()

    def __contains__(self, view_id: int) -> bool:
        return view_id in self._cameras

    @property
    def ids(self) -> list[int]:
        """Views whose pictures are known."""
        return list(self._cameras)

    def put(self, view_id: int, camera: Camera, picture: Picture) -> None:
        """Adds a picture, or replaces the one of that view."""
        self._cameras[view_id] = camera
        self._keep(view_id, picture)

    def standing_at(self, camera: Camera) -> int | None:
        """The earliest view that was seen by just this camera; None where there is none."""
        for view_id, own in self._cameras.items():
            if own is camera or (
                own.intrinsics == camera.intrinsics
                and np.array_equal(own.T_world_camera, camera.T_world_camera)
            ):
                return view_id
        return None

    def picture(self, view_id: int) -> Picture | None:
        """A view's picture; None where it has none."""
        if view_id not in self._cameras:
            return None
        found = self._recent.get(view_id)
        if isinstance(found, Source):
            return found.picture
        if found is None and self._read is not None:
            found = self._read(view_id)
        return found

    def remove(self, view_id: int) -> None:
        """Forgets a view's picture, where there is one."""
        self._cameras.pop(view_id, None)
        self._recent.pop(view_id, None)

    def source(self, view_id: int) -> Source | None:
        """A view ready to be looked into; None where its picture or its depth is missing."""
        if view_id not in self._cameras:
            return None
        found = self._recent.get(view_id)
        if found is None and self._read is not None:
            found = self._read(view_id)
        if found is None or (isinstance(found, Picture) and found.depth is None):
            return None
        if isinstance(found, Picture):
            found = Source.of(view_id, self._cameras[view_id], found)
        self._keep(view_id, found)
        return found

    def _keep(self, view_id: int, kept: Picture | Source) -> None:
        self._recent[view_id] = kept
        self._recent.move_to_end(view_id)
        if self._read is None:
            return
        for oldest in list(self._recent)[: max(0, len(self._recent) - self._in_ram)]:
            if oldest:
                del self._recent[oldest]
