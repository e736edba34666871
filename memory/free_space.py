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
import torch
from torch import Tensor

from engine.geometry.cameras import Camera
from engine.geometry.filters import precision
from engine.geometry.rays import pixel_centres
from memory.views import View

#: What lies less than this (relative) before a surface of the photo is taken for that surface.
SLACK = 0.03
#: A depth in free space is tried this much (relative) further on, up to so many times as deep.
STEP, FARTHEST = 0.02, 100.0
#: A depth that stands for the sky's, scene units; and points of a ray that are tried.
_FAR, _TRIED = 1e6, 8
#: So many points are tried together.
_TOGETHER = 1 << 20


@dataclass(frozen=True, eq=False)
class FreeSpace:
    """Attributes:
    camera: the photo's.
    reach: (H, W) z-depth of what each pixel shows, in scene units; inf for sky, 0 where nothing
        is known.
    """

    camera: Camera
    reach: Tensor

    @staticmethod
    def of(photo: View, device: torch.device | str = "cpu") -> FreeSpace:
        """
        Args:
            device: where it is asked about depths.

        Raises:
            ValueError: the view has no depth.
        """
        if photo.depth is None:
            raise ValueError(f"view {photo.id} has no depth, so it shows no free space")
        depth = torch.tensor(photo.depth, device=device)
        return FreeSpace(photo.camera, depth.nan_to_num(nan=0.0, posinf=math.inf))

    def left_by(self, depth: Tensor, camera: Camera) -> Tensor:
        """A drawn depth picture (H, W) with what stands in free space moved back to its end.

        Each such pixel's ray is followed until the photo cannot see past it: to a surface, into
        what something near hides, or out of the photo's sight. Sky where it never gets there.
        """
        height, width = depth.shape
        rays = self._rays(camera, height, width)
        left = depth.reshape(-1).clone()
        at = self.holds(depth, camera).view(-1).nonzero()[:, 0]
        z, steps, together = left[at], math.ceil(math.log(FARTHEST) / math.log1p(STEP)), 1
        while at.numel() and steps:
            # Most rays end soon; the others are followed many steps at a time.
            together = max(1, min(2 * together, steps, _TOGETHER // at.numel()))
            places = []
            for _ in range(together):
                z = z * (1.0 + STEP)
                places.append(z)
            tried = torch.stack(places)
            closed = ~self._open(rays, at, tried, 1.0)
            first = closed.to(torch.uint8).argmax(0)
            ends, reached = closed.any(0), tried.gather(0, first[None])[0]
            left[at[ends]] = reached[ends]
            at, z, steps = at[~ends], z[~ends], steps - together
        left[at] = math.inf
        return left.view(height, width)

    def holds(self, depth: Tensor, camera: Camera) -> Tensor:
        """(H, W) bool: the points of a depth picture (H, W) that stand where the photo looks
        through."""
        height, width = depth.shape
        at = (torch.isfinite(depth) & (depth > 0)).view(-1).nonzero()[:, 0]
        rays = self._rays(camera, height, width)
        found = torch.zeros(height * width, dtype=torch.bool, device=depth.device)
        found[at] = self._open(rays, at, depth.reshape(-1)[at][None], 1.0 - SLACK)[0]
        return found.view(height, width)

    def hides(self, first: Tensor, last: Tensor, camera: Camera) -> Tensor:
        """(H, W) bool: rays that lie in the photo's frame and behind what it shows there, all the
        way from one depth picture (H, W) to another, inf = sky."""
        height, width = first.shape
        rays = self._rays(camera, height, width)
        near, far = ((1.0 / d).view(-1).to(rays[0]) for d in (first, last))
        at = ((first > 0) & (last > 0)).view(-1).nonzero()[:, 0]
        share = torch.linspace(0.0, 1.0, _TRIED, dtype=near.dtype, device=near.device)[:, None]
        inverse = torch.lerp(near[at], far[at], share).clamp_min(1.0 / _FAR)
        pixel, inside, deep = self._seen(rays, at, 1.0 / inverse)
        hidden = inside & (deep > (1.0 - SLACK) * self.reach.view(-1)[pixel])
        found = torch.zeros(height * width, dtype=torch.bool, device=first.device)
        found[at] = hidden.all(0)
        return found.view(height, width)

    def _rays(self, camera: Camera, height: int, width: int) -> tuple[Tensor, Tensor]:
        """A (3, N), b (3, 1): the point at depth z of pixel n is A z + b in the photo's pixels,
        times its depth there."""
        T_photo_camera = self.camera.T_camera_world @ camera.T_world_camera
        K = self.camera.intrinsics.matrix(self.reach.shape[1], self.reach.shape[0])
        turn = K @ T_photo_camera[:3, :3] @ np.linalg.inv(camera.intrinsics.matrix(width, height))
        device = self.reach.device
        A, b = (
            torch.tensor(x, dtype=precision(device), device=device)
            for x in (turn, K @ T_photo_camera[:3, 3:])
        )
        return A @ pixel_centres(height, width, device), b

    def _open(self, rays: tuple[Tensor, Tensor], at: Tensor, z: Tensor, part: float) -> Tensor:
        """(K, N) the points of rays `at` (N,) at depths `z` (K, N) that lie nearer than this part
        of `reach`."""
        pixel, inside, deep = self._seen(rays, at, z)
        there: Tensor = inside & (deep < part * self.reach.view(-1)[pixel])
        return there

    def _seen(
        self, rays: tuple[Tensor, Tensor], at: Tensor, z: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Of the points of rays `at` (N,) at depths `z` (K, N), each (K, N): the photo's pixel,
        whether it is one, and the depth from there."""
        A, b = rays
        x, y, deep = A[:, None, at] * z + b[..., None]
        ahead = deep > 0
        safe = torch.where(ahead, deep, 1.0)
        column, row = (x / safe).floor(), (y / safe).floor()
        height, width = self.reach.shape
        inside = ahead & (column >= 0) & (column < width) & (row >= 0) & (row < height)
        return torch.where(inside, row * width + column, 0.0).to(torch.int64), inside, deep
