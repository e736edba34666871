"""Exact visibility of a world's shapes: which solid a ray meets first, and how far away.

The picture is cut into tiles of 8×8 rays; a shape is tested only in tiles that its projected
bounding box touches. All (shape, tile) pairs are tested at once, kind by kind.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from engine.geometry.cameras import Camera
from engine.training.worlds.shapes import Shapes
from engine.training.worlds.solids import NEAR, SOLIDS

TILE = 8

#: Maps a world's own axes (z up) to the project's (x right, y down, z forward).
PUBLIC_FROM_WORLD = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, 1.0, 0.0]])

_CORNERS = torch.tensor([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)]).float()
_EDGES = torch.tensor([[i, j] for i in range(8) for j in range(i + 1, 8) if (i ^ j) in (1, 2, 4)])


@dataclass(frozen=True)
class Projector:
    """A pinhole or parallel projection in world axes.

    Attributes:
        R: (3, 3) columns right, down, forward.
        origin: (3,) centre of projection, or the centre of the plane that rays start from.
        lens: (fx, fy, cx, cy) divided by the picture's size; per metre when parallel.
        parallel: rays all run along forward.
    """

    R: Tensor
    origin: Tensor
    lens: tuple[float, float, float, float]
    parallel: bool = False

    @staticmethod
    def from_camera(camera: Camera, device: torch.device | str = "cpu") -> Projector:
        T = camera.T_world_camera
        k = camera.intrinsics
        R = torch.as_tensor(PUBLIC_FROM_WORLD.T @ T[:3, :3], dtype=torch.float32)
        origin = torch.as_tensor(PUBLIC_FROM_WORLD.T @ T[:3, 3], dtype=torch.float32)
        return Projector(R.to(device), origin.to(device), (k.fx, k.fy, k.cx, k.cy))

    def plane(self, u: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
        """Camera-frame x, y of picture positions (divided by size); at z = 1 for a pinhole."""
        fx, fy, cx, cy = self.lens
        return (u - cx) / fx, (v - cy) / fy

    def rays(self, u: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
        """World origins and directions (3, ...) of picture positions; broadcastable shapes."""
        x, y = self.plane(u, v)
        ones = (1,) * x.dim()
        axes = [self.R[:, i].view(3, *ones) for i in range(3)]
        origin = self.origin.view(3, *ones)
        across = axes[0] * x + axes[1] * y
        return (origin + across, axes[2]) if self.parallel else (origin, across + axes[2])

    def project(self, points: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """World points (3, n) to picture positions u, v (divided by size) and z."""
        fx, fy, cx, cy = self.lens
        p = self.R.T @ (points - self.origin[:, None])
        if self.parallel:
            return p[0] * fx + cx, p[1] * fy + cy, p[2]
        z = p[2].clamp(min=1e-6)
        return p[0] / z * fx + cx, p[1] / z * fy + cy, p[2]


@dataclass(frozen=True)
class Hits:
    """First meetings of rays.

    Attributes:
        depth: (H, W) ray parameter: z-depth in metres for a pinhole; inf where nothing is met.
        shape: (H, W) int64 index of the shape; −1 where nothing is met.
    """

    depth: Tensor
    shape: Tensor


def cast(shapes: Shapes, projector: Projector, height: int, width: int) -> Hits:
    """One ray through each pixel centre. Height and width must be multiples of 8."""
    if height % TILE or width % TILE:
        raise ValueError(f"the picture size {width}x{height} must be a multiple of {TILE}")
    rows, columns = height // TILE, width // TILE
    touched = _touched_tiles(shapes, projector, rows, columns)  # (P, T)
    pair_shape, pair_tile = touched.nonzero(as_tuple=True)
    if pair_shape.numel() == 0:
        empty = torch.full((height, width), torch.inf, device=touched.device)
        return Hits(empty, torch.full_like(empty, -1, dtype=torch.int64))
    rank, deepest = _ranks(pair_tile, rows * columns)
    t = _pairs_depth(shapes, projector, height, width, pair_shape, pair_tile)  # (N, 64)
    slots = t.new_full((rows * columns * deepest, TILE * TILE), torch.inf)
    slot = pair_tile * deepest + rank
    slots[slot] = t
    owner = torch.full((slots.shape[0],), -1, dtype=torch.int64, device=t.device)
    owner[slot] = pair_shape
    depth, first = slots.view(rows * columns, deepest, -1).min(dim=1)
    base = torch.arange(rows * columns, device=t.device)[:, None] * deepest
    shape = owner[base + first]
    shape = torch.where(torch.isfinite(depth), shape, -1)
    return Hits(_untile(depth, rows, columns), _untile(shape, rows, columns))


def _ranks(tile: Tensor, tiles: int) -> tuple[Tensor, int]:
    """Place of each pair within its tile (n,), and the number of pairs in the fullest tile."""
    order = torch.argsort(tile, stable=True)
    held = torch.bincount(tile, minlength=tiles)
    start = held.cumsum(0) - held
    rank = torch.empty_like(tile)
    rank[order] = torch.arange(tile.numel(), device=tile.device) - start[tile[order]]
    return rank, int(held.max())


def _untile(x: Tensor, rows: int, columns: int) -> Tensor:
    x = x.view(rows, columns, TILE, TILE).permute(0, 2, 1, 3)
    return x.reshape(rows * TILE, columns * TILE)


def _tile_positions(height: int, width: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """u, v (T, 64) of every tile's rays."""
    u = (torch.arange(width, device=device) + 0.5) / width
    v = (torch.arange(height, device=device) + 0.5) / height
    rows, columns = height // TILE, width // TILE
    uu = u.view(1, columns, 1, TILE).expand(rows, columns, TILE, TILE)
    vv = v.view(rows, 1, TILE, 1).expand(rows, columns, TILE, TILE)
    return uu.reshape(rows * columns, -1), vv.reshape(rows * columns, -1)


def _pairs_depth(
    shapes: Shapes, projector: Projector, height: int, width: int, pair: Tensor, tile: Tensor
) -> Tensor:
    """Ray parameter of every (shape, tile) pair, (N, 64)."""
    u, v = _tile_positions(height, width, shapes.A.device)
    x, y = projector.plane(u, v)
    plane = torch.stack([x, y, torch.ones_like(x)], dim=1)  # (T, 3, 64)
    local = shapes.A @ projector.R  # (P, 3, 3): local coordinates from camera coordinates
    origin = (shapes.A @ (projector.origin - shapes.centre)[:, :, None])[pair]  # (N, 3, 1)
    if projector.parallel:
        flat = local.clone()
        flat[:, :, 2] = 0
        o = torch.baddbmm(origin, flat[pair], plane[tile])
        d = local[pair][:, :, 2:3]
    else:
        o, d = origin, torch.bmm(local[pair], plane[tile])
    ends = torch.tensor(np.cumsum(shapes.counts), device=pair.device)
    cut = [0, *torch.searchsorted(pair, ends).tolist()]
    coefficients = shapes.coefficients[pair][:, :, None]
    parts = []
    for i, solid in enumerate(SOLIDS):
        a, b = cut[i], cut[i + 1]
        if b > a:
            parts.append(solid(o[a:b], d[a:b], coefficients[a:b]))
    return torch.cat(parts)


def _touched_tiles(shapes: Shapes, projector: Projector, rows: int, columns: int) -> Tensor:
    """(P, rows·columns): whether a shape's projected bounding box may touch a tile."""
    low, high, seen = _bounds(shapes, projector)
    size = torch.tensor([columns, rows], device=low.device)
    first = (low * size - 1e-3).floor()
    last = (high * size + 1e-3).floor()
    x = torch.arange(columns, device=low.device)
    y = torch.arange(rows, device=low.device)
    in_x = (x >= first[:, :1]) & (x <= last[:, :1]) & seen[:, None]
    in_y = (y >= first[:, 1:]) & (y <= last[:, 1:])
    return (in_y[:, :, None] & in_x[:, None, :]).flatten(1)


def _reach(shapes: Shapes) -> Tensor:
    """Half sizes (P, 3, 1) in local units: more than 1 where a solid widens upwards."""
    k = shapes.coefficients
    solid = torch.arange(len(shapes), device=k.device) < shapes.counts[0] + shapes.counts[1]
    alpha = (-k[:, 2]).clamp(min=1e-6).sqrt()
    top = torch.where(k[:, 0] > 0, 1.0, alpha - k[:, 1] / (2 * alpha)).clamp(min=1.0)
    x = torch.where(solid, 1 - k[:, 0].clamp(max=0), top)
    y = torch.where(solid, 1 - k[:, 1].clamp(max=0), top)
    return torch.stack([x, y, torch.ones_like(x)], dim=1)[:, :, None]


def _bounds(shapes: Shapes, projector: Projector) -> tuple[Tensor, Tensor, Tensor]:
    """Picture rectangles (P, 2), (P, 2) of the bounding boxes cut at the near plane."""
    corners = _CORNERS.to(shapes.M.device)
    into = projector.R.T @ shapes.M  # camera from local
    p = (
        into @ (corners.T * _reach(shapes))
        + (projector.R.T @ (shapes.centre - projector.origin).T).T[:, :, None]
    )
    edges = _EDGES.to(p.device)
    a, b = p[:, :, edges[:, 0]], p[:, :, edges[:, 1]]  # (P, 3, 12)
    fx, fy, cx, cy = projector.lens
    if projector.parallel:
        u, v, seen = p[:, 0] * fx + cx, p[:, 1] * fy + cy, p[:, 2] > 0
        alive = seen.any(dim=1)
        return (
            torch.stack([u.amin(1), v.amin(1)], 1),
            torch.stack([u.amax(1), v.amax(1)], 1),
            alive,
        )
    crosses = (a[:, 2] > NEAR) != (b[:, 2] > NEAR)
    gap = b[:, 2] - a[:, 2]
    s = (NEAR - a[:, 2]) / torch.where(gap.abs() < 1e-9, 1e-9, gap)
    cut = a + s[:, None].clamp(0, 1) * (b - a)
    points = torch.cat([p, cut], dim=2)  # (P, 3, 20)
    seen = torch.cat([p[:, 2] > NEAR, crosses], dim=1)
    z = points[:, 2].clamp(min=NEAR * 0.5)
    u, v = points[:, 0] / z * fx + cx, points[:, 1] / z * fy + cy
    uv = torch.stack([u, v], dim=2)
    low = torch.where(seen[:, :, None], uv, torch.inf).amin(1)
    high = torch.where(seen[:, :, None], uv, -torch.inf).amax(1)
    return low, high, seen.any(1)
