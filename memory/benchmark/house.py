"""A house of boxes with exact pictures and depths, and an endless walk through its rooms."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from engine.geometry.cameras import Camera, Intrinsics
from engine.geometry.rays import camera_directions
from memory.views import View

_ROOM, _HEIGHT, _WALL, _DOOR = 5.0, 2.7, 0.12, 1.2
_COLUMNS, _ROWS = 3, 2
#: Tiles of this size (world units) alternate on every surface.
_TILE = 0.23
_STEP = 0.12
Corners = tuple[float, float, float]


@dataclass(frozen=True)
class Boxes:
    """Axis-aligned boxes: corners `low` and `high` (B, 3), `colours` (B, 3); y points down."""

    low: Tensor
    high: Tensor
    colours: Tensor

    @staticmethod
    def of(corners: list[tuple[Corners, Corners]], seed: int = 0) -> Boxes:
        """Boxes with random colours."""
        both = torch.tensor(corners)
        noise = torch.Generator().manual_seed(seed)
        colours = 0.25 + 0.6 * torch.rand(len(corners), 3, generator=noise)
        return Boxes(both[:, 0], both[:, 1], colours)

    def view(self, view_id: int, camera: Camera, height: int, width: int) -> View:
        """The exact picture and depth from `camera`; sky where no box is hit."""
        rays = camera_directions(camera, height, width).reshape(-1, 3)
        T = torch.tensor(camera.T_world_camera, dtype=torch.float32)
        rays, origin = rays @ T[:3, :3].T, T[:3, 3]
        inverse = 1 / torch.where(rays.abs() < 1e-9, 1e-9, rays)
        nearest = torch.full((len(rays),), torch.inf)
        hit = torch.zeros(len(rays), dtype=torch.int64)
        for i, (low, high) in enumerate(zip(self.low, self.high, strict=True)):
            one, other = (low - origin) * inverse, (high - origin) * inverse
            enter = torch.minimum(one, other).amax(dim=1)
            leave = torch.maximum(one, other).amin(dim=1)
            closer = (enter > 0) & (enter < leave) & (enter < nearest)
            nearest = torch.where(closer, enter, nearest)
            hit = torch.where(closer, i, hit)
        rgb = self._colours_at(origin + rays * nearest.nan_to_num(0.0, 0.0)[:, None], hit)
        rgb = torch.where(torch.isinf(nearest)[:, None], torch.tensor([0.5, 0.7, 0.9]), rgb)
        return View(
            view_id,
            camera,
            (rgb * 255).round().to(torch.uint8).view(height, width, 3).numpy(),
            nearest.view(height, width).numpy(),
        )

    def _colours_at(self, points: Tensor, hit: Tensor) -> Tensor:
        cells = torch.floor(points / _TILE + 0.013).sum(dim=1)
        shade = 0.75 + 0.25 * (cells.remainder(2))
        ripple = 1 + 0.1 * torch.sin(points * 9.0).sum(dim=1)
        return (self.colours[hit] * (shade * ripple)[:, None]).clamp(0, 1)


def house() -> Boxes:
    """Two rows of three rooms, doors between neighbours, a table and a shelf in each."""
    boxes: list[tuple[Corners, Corners]] = []
    wide, deep = _COLUMNS * _ROOM, _ROWS * _ROOM
    boxes.append(((0.0, 0.0, 0.0), (wide, 0.1, deep)))  # floor
    boxes.append(((0.0, -_HEIGHT - 0.1, 0.0), (wide, -_HEIGHT, deep)))
    half = _WALL / 2
    for x in range(_COLUMNS + 1):
        for z in range(_ROWS):
            parts = _wall_parts(z * _ROOM, door=0 < x < _COLUMNS)
            at = x * _ROOM
            boxes += [((at - half, -_HEIGHT, a), (at + half, 0.0, b)) for a, b in parts]
    for z in range(_ROWS + 1):
        for x in range(_COLUMNS):
            parts = _wall_parts(x * _ROOM, door=0 < z < _ROWS)
            at = z * _ROOM
            boxes += [((a, -_HEIGHT, at - half), (b, 0.0, at + half)) for a, b in parts]
    for x in range(_COLUMNS):
        for z in range(_ROWS):
            left, front = x * _ROOM, z * _ROOM
            boxes.append(((left + 0.6, -0.75, front + 0.6), (left + 1.7, -0.7, front + 1.4)))
            boxes.append(((left + 0.1, -1.9, front + 3.9), (left + 0.5, 0.0, front + 4.8)))
    return Boxes.of(boxes)


def _wall_parts(start: float, door: bool) -> list[tuple[float, float]]:
    end, middle = start + _ROOM, start + _ROOM / 2
    if not door:
        return [(start, end)]
    return [(start, middle - _DOOR / 2), (middle + _DOOR / 2, end)]


def walk_through(views: int, fov_degrees: float = 75.0, aspect: float = 16 / 9) -> list[Camera]:
    """Round and round through all rooms, looking left and right."""
    rooms = [(0, 0), (1, 0), (2, 0), (2, 1), (1, 1), (0, 1)]
    corners = np.array([((x + 0.5) * _ROOM, (z + 0.5) * _ROOM) for x, z in rooms])
    lens = Intrinsics.from_fov(fov_degrees, aspect)
    cameras = []
    for i in range(views):
        way = i * _STEP / _ROOM
        leg, part = int(way) % len(corners), way - int(way)
        here, there = corners[leg], corners[(leg + 1) % len(corners)]
        x, z = here + (there - here) * part
        heading = np.arctan2(*(there - here)) + 0.9 * np.sin(0.11 * i)
        T = np.eye(4)
        c, s = np.cos(heading), np.sin(heading)
        T[:3, :3] = [[c, 0, s], [0, 1, 0], [-s, 0, c]]
        T[:3, 3] = (x, -1.5, z)
        cameras.append(Camera(T, lens))
    return cameras


def disturbed(view: View, amount: float, seed: int) -> View:
    """The view with a depth that is wrong by a smooth field of relative size `amount`."""
    assert view.depth is not None
    noise = torch.Generator().manual_seed(seed)
    coarse = torch.randn(1, 1, 4, 6, generator=noise)
    field = torch.nn.functional.interpolate(
        coarse, size=view.depth.shape, mode="bicubic", align_corners=True
    )[0, 0]
    wrong = view.depth * (1 + amount * field.numpy())
    return view.with_depth(wrong.astype(np.float32), None)
