"""What is surely hidden behind a depth picture (hierarchical z-buffer, Greene 1993)."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from engine.geometry.cameras import Camera
from engine.geometry.splatting import LARGEST_HALF


class DepthPyramid:
    """The farthest depth over ever larger squares of a depth picture.

    Args:
        depth: (H, W) z-depth from `camera`; whatever is not finite hides nothing. Rims may be off
            by a pixel: each pixel counts as far as the farthest of its neighbours.
    """

    def __init__(self, depth: Tensor, camera: Camera) -> None:
        self._camera = camera
        safe = torch.where(torch.isfinite(depth), depth, torch.inf)
        level = F.max_pool2d(safe[None, None], 3, stride=1, padding=1)
        levels = [level]
        while max(level.shape[-2:]) > 1:
            level = F.max_pool2d(level, 2, ceil_mode=True)
            levels.append(level)
        device = depth.device
        self._flat = torch.cat([one.reshape(-1) for one in levels])
        sizes = torch.tensor([one.shape[-2:] for one in levels], device=device)
        self._heights, self._widths = sizes[:, 0], sizes[:, 1]
        areas = self._heights * self._widths
        self._starts = torch.cumsum(areas, 0) - areas

    def hides(self, centres: Tensor, radii: Tensor, slack: float) -> Tensor:
        """(C,) bool: spheres, centres (C, 3) in the camera's frame, that lie behind the picture
        wherever they project, by more than `slack` of the depth there."""
        k = self._camera.intrinsics
        x, y, z = centres.unbind(-1)
        near = z - radii
        front = near > 0
        safe, far = torch.where(front, near, 1.0), z + radii
        width, height = int(self._widths[0]), int(self._heights[0])
        left, right = _span(x, radii, safe, far, k.fx, k.cx, width)
        top, bottom = _span(y, radii, safe, far, k.fy, k.cy, height)
        # Squares at least half as long as the span: three of them hold it, however it lies.
        longest = (torch.maximum(right - left, bottom - top) / 2).clamp_min(1)
        level = longest.log2().ceil().to(torch.int64).clamp_max(len(self._starts) - 1)
        step = 2**level
        behind = torch.zeros_like(z)
        for column in (left, (left + right) // 2, right):
            for row in (top, (top + bottom) // 2, bottom):
                at = row // step * self._widths[level] + column // step + self._starts[level]
                behind = torch.maximum(behind, self._flat[at])
        return front & (near > behind * (1 + slack))


@dataclass(frozen=True)
class PicturePoints:
    """Oriented points in a picture.

    Attributes:
        u, v: (N,) in [0, 1] within the picture.
        z: (N,) z-depth.
        visible: (N,) bool: facing the camera, and within the picture or close to its rim.
    """

    u: Tensor
    v: Tensor
    z: Tensor
    visible: Tensor

    @staticmethod
    def of(
        positions: Tensor, normals: Tensor, camera: Camera, height: int, width: int
    ) -> PicturePoints:
        """From positions and normals (3, N) in the world; those without a normal are invisible."""
        T = torch.tensor(camera.T_camera_world, dtype=torch.float32, device=positions.device)
        x, y, z = torch.addmm(T[:3, 3:], T[:3, :3], positions)
        normals = T[:3, :3] @ normals
        k, inverse = camera.intrinsics, 1 / z
        u, v = x * inverse * k.fx + k.cx, y * inverse * k.fy + k.cy
        visible = (z > 0) & (normals[0] * x + normals[1] * y + normals[2] * z < 0)
        visible &= (u - 0.5).abs() < 0.5 + LARGEST_HALF / width
        visible &= (v - 0.5).abs() < 0.5 + LARGEST_HALF / height
        return PicturePoints(u, v, z, visible)

    def depth(self, rows: int, columns: int) -> Tensor:
        """(rows, columns): the nearest visible point in each cell, inf where there is none."""
        rows, columns = max(1, rows), max(1, columns)
        nearest = torch.full((rows * columns,), torch.inf, device=self.z.device)
        # Of those not visible the depth becomes infinite, faster than by a choice.
        z = self.z.abs() / (self.visible & self._inside).float()
        cells = self._cells(rows, columns)
        return nearest.scatter_reduce_(0, cells, z, "amin").view(rows, columns)

    def in_front(self, depth: Tensor, slack: float) -> Tensor:
        """Indices of the visible points that are not behind `depth` by more than `slack`.

        The farthest of neighbouring cells decides, and beyond the rim nothing is hidden: a steep
        surface may go on there.
        """
        framed = F.pad(depth[None, None], (1, 1, 1, 1), value=torch.inf)
        farthest = F.max_pool2d(framed, 3, stride=1).view(-1)
        limit = (farthest * (1 + slack)).index_select(0, self._cells(*depth.shape))
        return (self.visible & ((self.z <= limit) | ~self._inside)).nonzero()[:, 0]

    @property
    def _inside(self) -> Tensor:
        return (self.u - 0.5).square().maximum((self.v - 0.5).square()) <= 0.25

    def _cells(self, rows: int, columns: int) -> Tensor:
        row = (self.v * rows).nan_to_num(0.0).clamp(0, rows - 1).to(torch.int64)
        column = (self.u * columns).nan_to_num(0.0).clamp(0, columns - 1).to(torch.int64)
        return row * columns + column


def _span(
    along: Tensor, radii: Tensor, near: Tensor, far: Tensor, focal: float, centre: float, size: int
) -> tuple[Tensor, Tensor]:
    """First and last pixel (C,) int64 that spheres reach along one axis, within the picture."""
    low, high = along - radii, along + radii
    least = torch.minimum(low / near, low / far) * focal + centre
    most = torch.maximum(high / near, high / far) * focal + centre
    return (
        (least * size).floor().clamp(0, size - 1).to(torch.int64),
        (most * size).floor().clamp(0, size - 1).to(torch.int64),
    )
