"""What shading has to know of met points: normals and positions on textures."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from engine.training.worlds.shapes import QUADRIC, Shapes


@dataclass(frozen=True)
class Surface:
    """What shading knows of n met points; all (3, n) or (n,)."""

    point: Tensor
    normal: Tensor
    u: Tensor
    v: Tensor
    density: Tensor  # repeats of the texture per metre
    material: Tensor  # (8, n)


def surface_at(shapes: Shapes, index: Tensor, point: Tensor) -> Surface:
    """Normals and texture positions on shapes `index` (n,) at world points (3, n)."""
    row = shapes.table.index_select(0, index).T.contiguous()  # (21, n)
    A = row[:9].view(3, 3, -1)
    p = (A * (point - row[9:12])).sum(1)
    p = p.clamp(-1.5, 1.5)
    half, kind = row[15:18], row[18]
    normal, axis = _local_normal(p, row[12:15], kind)
    world = (A * normal[:, None]).sum(0)
    world = world * (world * world).sum(0).clamp(min=1e-18).rsqrt()
    upright = axis == 2
    material = shapes.materials.index_select(
        0, torch.where(upright, row[20], row[19]).to(torch.int64)
    ).T.contiguous()
    metres = material[4]
    stretched = metres == 0
    across, up = p * half, -p * half
    flip = torch.where(axis == 0, -p[0].sign(), p[1].sign())
    angle = torch.atan2(p[1], p[0]) * half[0]
    u = torch.where(
        axis == 0, across[1] * -flip, torch.where(axis == 1, -across[0] * flip, across[0])
    )
    v = torch.where(upright, across[1], up[2])
    is_tube = (kind == QUADRIC) & (row[12] <= 0) & ~upright
    u = torch.where(is_tube, angle, u)
    size_u = torch.where(axis == 0, half[1], half[0])
    size_v = torch.where(upright, half[1], half[2])
    scale = 1 / metres.clamp(min=1e-6)
    u = torch.where(stretched, u / (2 * size_u) + 0.5, u * scale + row[9] * 0.137)
    v = torch.where(stretched, v / (2 * size_v) + 0.5, v * scale)
    density = torch.where(stretched, 0.5 * torch.rsqrt(size_u * size_v), scale)
    return Surface(point, world, u, v, density, material)


def _local_normal(p: Tensor, coefficients: Tensor, kind: Tensor) -> tuple[Tensor, Tensor]:
    """Gradient (3, n) of the unit solid's nearest face, and the face's axis (n,)."""
    ka, kb, kc = coefficients
    round_ = kind == QUADRIC
    kx, ky = torch.where(round_, 0.0, ka), torch.where(round_, 0.0, kb)
    away_x = p[0].abs() + kx * (p[2] + 1) / 2
    away_y = p[1].abs() + ky * (p[2] + 1) / 2
    away_z = p[2].abs()
    radial = (p[0] ** 2 + p[1] ** 2 + ka * p[2] ** 2 + kb * p[2] + kc).abs()
    cap = torch.where(
        round_, (away_z - 1).abs() < radial * 0.5, away_z >= torch.maximum(away_x, away_y)
    )
    cap = cap & (~round_ | (ka <= 0))
    x_side = away_x > away_y
    sx, sy, sz = p[0].sign(), p[1].sign(), p[2].sign()
    zero = torch.zeros_like(sx)
    flat_x = torch.where(x_side, sx, zero)
    flat_y = torch.where(x_side, zero, sy)
    flat_z = torch.where(x_side, kx, ky) / 2
    nx = torch.where(cap, zero, torch.where(round_, p[0], flat_x))
    ny = torch.where(cap, zero, torch.where(round_, p[1], flat_y))
    nz = torch.where(cap, sz, torch.where(round_, ka * p[2] + 0.5 * kb, flat_z))
    steepest_z = cap | (round_ & (ka > 0) & (away_z > torch.maximum(p[0].abs(), p[1].abs())))
    x_side = torch.where(round_, p[0].abs() > p[1].abs(), x_side)
    axis = torch.where(steepest_z, 2, torch.where(x_side, 0, 1))
    return torch.stack([nx, ny, nz]), axis
