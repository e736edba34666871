"""What a retrieval strategy is given, and what it gives back."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from engine.geometry.cameras import Camera

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Retrieved:
    """A view worth looking at again.

    Attributes:
        view_id: which.
        share: part of the asked picture that it sees, in [0, 1], as far as the strategy can tell.
    """

    view_id: int
    share: float


@dataclass(frozen=True, eq=False)
class Poses:
    """All remembered cameras, in the order of their ids.

    Attributes:
        ids: (V,) int64.
        T_world_camera: (V, 4, 4).
        lenses: (V, 4) fx, fy, cx, cy, divided by picture size.
    """

    ids: NDArray[np.int64]
    T_world_camera: Array
    lenses: Array

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def positions(self) -> Array:
        """(V, 3)."""
        return self.T_world_camera[:, :3, 3]


@dataclass(frozen=True, eq=False)
class Sight:
    """What is known of the asked picture, at S of its pixels; hidden surfaces are not in it.

    Attributes:
        pixels: how many pixels the picture has at this resolution; S or more.
        positions: (S, 3) points on the nearest surface.
        normals: (S, 3).
        depth: (S,) z-depth from the asked camera.
        seen_by: (S, SLOTS) int32 ids of views that see the point, −1 for none.
        sky_views: (T,) int32: for each pixel of known sky, the view that drew it.
    """

    pixels: int
    positions: Tensor
    normals: Tensor
    depth: Tensor
    seen_by: Tensor
    sky_views: Tensor


@dataclass(frozen=True, eq=False)
class Query:
    """A camera that asks which views to look at.

    Attributes:
        camera: the asked camera.
        count: how many views at most.
        poses: all remembered cameras; at least one.
        scale: the scene's scale in scene units.
        sight: what is known of the asked picture.
    """

    camera: Camera
    count: int
    poses: Poses
    scale: float
    sight: Sight


def pose_distances(poses: Poses, T_world_camera: Array, scale: float) -> Array:
    """(V,) angle of rotation in radians plus 0.1 of the way in units of `scale` (VMem, §3.2)."""
    trace = np.einsum("vij,ij->v", poses.T_world_camera[:, :3, :3], T_world_camera[:3, :3])
    angle = np.arccos(np.clip((trace - 1) / 2, -1, 1))
    away = np.linalg.norm(poses.positions - T_world_camera[:3, 3], axis=1)
    return np.asarray(angle + 0.1 * away / scale)
