"""What the photo was seen to look through, where no surface may be drawn later.

What opens up behind something near is drawn softly, its depth half-way between near and far. Seen
from the photo's place again, such points stand in the air before what the photo shows there. As in
space carving (Kutulakos and Seitz 2000), a picture that was seen has the last word on where nothing
is; that of drawn ones would carry their errors on.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.geometry.cameras import Array, Camera
from memory.views import View

Floats = NDArray[np.float32]
Index = NDArray[np.int64]

#: What lies less than this (relative) before a surface of the photo is taken for that surface.
SLACK = 0.03
#: A depth in free space is tried this much (relative) further on, up to so many times as deep.
STEP, FARTHEST = 0.02, 100.0


@dataclass(frozen=True, eq=False)
class FreeSpace:
    """Attributes:
    camera: the photo's.
    reach: (H, W) z-depth of what each pixel shows, in scene units; inf for sky, 0 where nothing
        is known.
    """

    camera: Camera
    reach: Floats

    @staticmethod
    def of(photo: View) -> FreeSpace:
        """
        Raises:
            ValueError: the view has no depth.
        """
        if photo.depth is None:
            raise ValueError(f"view {photo.id} has no depth, so it shows no free space")
        return FreeSpace(photo.camera, np.nan_to_num(photo.depth, nan=0.0, posinf=np.inf))

    def left_by(self, depth: Floats, camera: Camera) -> Floats:
        """A drawn depth picture (H, W) with what stands in free space moved back to its end.

        Each such pixel's ray is followed until the photo cannot see past it: to a surface, into
        what something near hides, or out of the photo's sight. Sky where it never gets there.
        """
        rays = self._rays(camera, *depth.shape)
        left = depth.copy().reshape(-1)
        at = np.flatnonzero(np.isfinite(left) & (left > 0))
        at = at[self._open(rays, at, left[at], 1.0 - SLACK)]
        z = left[at]
        for _ in range(math.ceil(math.log(FARTHEST) / math.log1p(STEP))):
            if not at.size:
                break
            z = (z * (1.0 + STEP)).astype(np.float32)
            still = self._open(rays, at, z, 1.0)
            left[at[~still]] = z[~still]
            at, z = at[still], z[still]
        left[at] = np.inf
        return left.reshape(depth.shape)

    def _rays(self, camera: Camera, height: int, width: int) -> tuple[Array, Array]:
        """A (3, N), b (3, 1): the point at depth z of pixel n is A z + b in the photo's pixels,
        times its depth there."""
        v, u = np.mgrid[:height, :width] + 0.5
        pixels = np.stack([u.ravel(), v.ravel(), np.ones(u.size)])
        directions = np.linalg.inv(camera.intrinsics.matrix(width, height)) @ pixels
        T_photo_camera = self.camera.T_camera_world @ camera.T_world_camera
        K = self.camera.intrinsics.matrix(self.reach.shape[1], self.reach.shape[0])
        return K @ T_photo_camera[:3, :3] @ directions, K @ T_photo_camera[:3, 3:]

    def _open(
        self, rays: tuple[Array, Array], at: Index, z: Floats, part: float
    ) -> NDArray[np.bool_]:
        """(N,) the points of rays `at` at depth `z` that lie nearer than this part of `reach`."""
        A, b = rays
        x, y, deep = A[:, at] * z + b
        ahead = deep > 0
        safe = np.where(ahead, deep, 1.0)
        column, row = np.floor(x / safe), np.floor(y / safe)
        height, width = self.reach.shape
        inside = ahead & (column >= 0) & (column < width) & (row >= 0) & (row < height)
        pixel = np.where(inside, row * width + column, 0.0).astype(np.int64)
        there = deep < part * self.reach.reshape(-1)[pixel]
        return np.asarray(inside & there)
