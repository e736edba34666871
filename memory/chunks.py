"""Neighbouring surfels in chunks, so that rendering costs what is visible and not what is known.

A chunk is what one view added in one tile of its picture, at about one distance. Within a chunk
the surfels are in the order of a Bayer matrix, so that the first half of them is the same surface
on a checkerboard, the first quarter on every second row and column, and so on. So a far chunk is
drawn from a few larger discs (an order for levels of detail as in QSplat, Rusinkiewicz & Levoy
2000), and a chunk outside the picture is not touched at all.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from engine.geometry.cameras import Camera
from engine.geometry.surfels import Surfels

_TILE_BITS = 5
#: Side of a tile, pixels.
TILE = 1 << _TILE_BITS
#: Levels of detail; each has half the discs of the one before.
LEVELS = 2 * _TILE_BITS
_RANKS = TILE * TILE
#: Distances that differ by more than this factor are different chunks.
_DEPTH_RATIO = 1.5


@dataclass(frozen=True)
class Chunks:
    """C chunks; surfels of chunk i are start[i] … start[i] + counts[i, 0].

    Attributes:
        centres: (C, 3) and radii (C,) of spheres around them, world units.
        spacing: (C,) typical distance of neighbouring surfels, world units.
        start: (C,) int64.
        counts: (C, LEVELS) int64, how many surfels make up each level of detail.
    """

    centres: Tensor
    radii: Tensor
    spacing: Tensor
    start: Tensor
    counts: Tensor

    def __len__(self) -> int:
        return int(self.start.shape[0])

    @staticmethod
    def empty(device: torch.device | str) -> Chunks:
        def zeros(*shape: int, dtype: torch.dtype = torch.float32) -> Tensor:
            return torch.zeros(shape, dtype=dtype, device=device)

        whole = torch.int64
        return Chunks(
            zeros(0, 3), zeros(0), zeros(0), zeros(0, dtype=whole), zeros(0, LEVELS, dtype=whole)
        )

    def followed_by(self, others: Chunks) -> Chunks:
        return Chunks(
            torch.cat([self.centres, others.centres]),
            torch.cat([self.radii, others.radii]),
            torch.cat([self.spacing, others.spacing]),
            torch.cat([self.start, others.start]),
            torch.cat([self.counts, others.counts]),
        )


@dataclass(frozen=True)
class Selection:
    """Surfels to draw: index (M,) int64 and by how much each disc is enlarged, (M,)."""

    index: Tensor
    enlarged: Tensor


@dataclass(frozen=True)
class Ordering:
    """How new surfels are laid down: `order` (N,), and for each in that order the index of its
    chunk (N,) and its rank in the tile (N,)."""

    order: Tensor
    chunk: Tensor
    rank: Tensor


def chunk_order(pixels: Tensor, depth: Tensor, width: int) -> Ordering:
    """Sort surfels by chunk, then progressively.

    Args:
        pixels: (N,) row · width + column, each at most once.
        depth: (N,) distance from the view, for chunks of about one distance.
        width: of the view's picture.
    """
    x, y = pixels % width, pixels // width
    tile = (y >> _TILE_BITS) * (width // TILE + 1) + (x >> _TILE_BITS)
    shell = (depth.log() / math.log(_DEPTH_RATIO)).floor().to(torch.int64)
    rank = torch.zeros_like(pixels)
    for bit in range(_TILE_BITS):
        high = 2 * (_TILE_BITS - 1 - bit)
        rank += ((((x ^ y) >> bit) & 1) << (high + 1)) + (((y >> bit) & 1) << high)
    shells = shell - shell.min() if len(shell) else shell
    name = tile * 4096 + shells.clamp_max(4095)
    key = name * _RANKS + rank
    key, order = torch.sort(key)
    _, chunk = torch.unique_consecutive(key // _RANKS, return_inverse=True)
    return Ordering(order, chunk, key % _RANKS)


def chunks_of(surfels: Surfels, ordering: Ordering, start: int) -> Chunks:
    """The chunks of surfels that are laid down in order from index `start` on."""
    device = surfels.positions.device
    chunk = ordering.chunk
    count = int(chunk[-1]) + 1 if len(chunk) else 0
    sizes = torch.bincount(chunk, minlength=count)
    sums = torch.zeros(count, 3, device=device).index_add_(0, chunk, surfels.positions)
    centres = sums / sizes[:, None]
    reach = surfels.long_axes.norm(dim=-1)
    away = (surfels.positions - centres[chunk]).norm(dim=-1) + reach
    radii = torch.zeros(count, device=device).scatter_reduce_(0, chunk, away, "amax")
    apart = (reach * surfels.radii).sqrt()
    spacing = torch.zeros(count, device=device).index_add_(0, chunk, apart) / sizes
    levels = [
        torch.bincount(chunk[ordering.rank < (_RANKS >> level)], minlength=count)
        for level in range(LEVELS)
    ]
    first = start + torch.cumsum(sizes, 0) - sizes
    return Chunks(centres, radii, spacing, first, torch.stack(levels, dim=1))


@dataclass(frozen=True)
class Touched:
    """Chunks that reach into a picture.

    Attributes:
        chunk: (K,) int64, which.
        centres: (K, 3) of their spheres in the camera's frame.
        radii: (K,).
        level: (K,) int64, the level of detail that suits the picture.
    """

    chunk: Tensor
    centres: Tensor
    radii: Tensor
    level: Tensor

    def __getitem__(self, chosen: Tensor) -> Touched:
        """Those of a boolean mask."""
        return Touched(
            self.chunk[chosen], self.centres[chosen], self.radii[chosen], self.level[chosen]
        )


def touched_chunks(
    chunks: Chunks, camera: Camera, height: int, width: int, sharpness: float
) -> Touched:
    """The chunks in the picture, none of them finer than it can show.

    `sharpness` is the spacing in pixels that a coarser level may have at most.
    """
    T = torch.tensor(camera.T_camera_world, dtype=torch.float32, device=chunks.centres.device)
    centres = chunks.centres @ T[:3, :3].T + T[:3, 3]
    inside = _inside(centres, chunks.radii, camera).nonzero()[:, 0]
    centres, radii = centres[inside], chunks.radii[inside]
    focal = max(camera.intrinsics.fx * width, camera.intrinsics.fy * height)
    near = (centres.norm(dim=-1) - radii).clamp_min(1e-12)
    pixels = chunks.spacing[inside] * focal / near
    level = 2 * (sharpness / pixels).clamp_min(1).log2()  # half the discs are √2 as far apart
    return Touched(inside, centres, radii, level.floor().to(torch.int64).clamp_max(LEVELS - 1))


def selected(chunks: Chunks, touched: Touched, coarser: int = 0) -> Selection:
    """The surfels of some chunks, optionally by some levels coarser than suits the picture."""
    level = (touched.level + coarser).clamp_max(LEVELS - 1)
    counts = chunks.counts[touched.chunk].gather(1, level[:, None])[:, 0]
    ends = torch.cumsum(counts, 0)
    total = int(ends[-1]) if len(ends) else 0
    shift = torch.repeat_interleave(chunks.start[touched.chunk] - (ends - counts), counts)
    return Selection(
        index=torch.arange(total, device=shift.device) + shift,
        enlarged=torch.repeat_interleave(torch.exp2(level.float() / 2), counts),
    )


def _inside(centres: Tensor, radii: Tensor, camera: Camera) -> Tensor:
    """(C,) bool: spheres in the camera's frame that reach into its field of view."""
    k = camera.intrinsics
    x, y, z = centres.unbind(-1)
    inside = z > -radii
    for along, focal, centre in ((x, k.fx, k.cx), (y, k.fy, k.cy)):
        low, high = -centre / focal, (1 - centre) / focal
        inside &= (along - low * z) / math.hypot(1, low) > -radii
        inside &= (high * z - along) / math.hypot(1, high) > -radii
    return inside
