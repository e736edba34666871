"""Where rays meet unit solids, in closed form, and what follows for single rays and points."""

from __future__ import annotations

import torch
from torch import Tensor

from engine.training.worlds.shapes import Shapes

#: Meetings nearer than this ray parameter do not count.
NEAR = 0.02


def _first(enter: Tensor, leave: Tensor) -> Tensor:
    """The nearest of an interval's ends in front of the ray's start; inf if there is none."""
    t = torch.where(enter > NEAR, enter, leave)
    return torch.where((enter <= leave) & (leave > NEAR), t, torch.inf)


def meet_box(o: Tensor, d: Tensor, coefficients: Tensor) -> Tensor:
    """o, d (N, 3, n or 1) in the unit solid's frame; returns (N, n)."""
    inverse = 1.0 / torch.where(d.abs() < 1e-9, 1e-9, d)
    middle, half = -o * inverse, inverse.abs()
    near, far = middle - half, middle + half
    enter = torch.maximum(torch.maximum(near[:, 0], near[:, 1]), near[:, 2])
    leave = torch.minimum(torch.minimum(far[:, 0], far[:, 1]), far[:, 2])
    return _first(enter, leave)


def meet_tapered(o: Tensor, d: Tensor, coefficients: Tensor) -> Tensor:
    """Four slanted sides n·p ≤ 1 − k/2 and the slab |z| ≤ 1; as `meet_box`."""
    enter, leave = _slab(o[:, 2], d[:, 2])
    for axis in (0, 1):
        k = coefficients[:, axis] / 2
        for sign in (1.0, -1.0):
            speed = sign * d[:, axis] + k * d[:, 2]
            room = 1 - k - sign * o[:, axis] - k * o[:, 2]
            t = room / torch.where(speed.abs() < 1e-9, 1e-9, speed)
            enter = torch.where(speed < 0, torch.maximum(enter, t), enter)
            leave = torch.where(speed < 0, leave, torch.minimum(leave, t))
    return _first(enter, leave)


def meet_quadric(o: Tensor, d: Tensor, coefficients: Tensor) -> Tensor:
    """x² + y² + a z² + b z + c ≤ 0 within |z| ≤ 1; as `meet_box`."""
    a, b, c = coefficients[:, 0], coefficients[:, 1], coefficients[:, 2]
    ox, oy, oz = o[:, 0], o[:, 1], o[:, 2]
    dx, dy, dz = d[:, 0], d[:, 1], d[:, 2]
    qa = dx * dx + dy * dy + a * dz * dz
    qb = ox * dx + oy * dy + (a * oz + 0.5 * b) * dz
    qc = ox * ox + oy * oy + (a * oz + b) * oz + c
    qa = torch.where(qa.abs() < 1e-12, 1e-12, qa)
    square = qb * qb - qa * qc
    real = square >= 0
    root = square.clamp(min=0).sqrt()
    t0, t1 = (-qb - root) / qa, (-qb + root) / qa
    low, high = torch.minimum(t0, t1), torch.maximum(t0, t1)
    enter, leave = _slab(oz, dz)
    # Where qa < 0 the ray is inside before `low` and after `high`; the solid is convex within
    # its slab, so only one of the two stretches meets it.
    early = (enter <= low) | ~real
    open_enter = torch.where(early, enter, torch.maximum(enter, high))
    open_leave = torch.where(early & real, torch.minimum(leave, low), leave)
    closed_enter = torch.where(real, torch.maximum(enter, low), torch.inf)
    closed_leave = torch.minimum(leave, high)
    enter = torch.where(qa > 0, closed_enter, open_enter)
    leave = torch.where(qa > 0, closed_leave, open_leave)
    return _first(enter, leave)


def _slab(o: Tensor, d: Tensor) -> tuple[Tensor, Tensor]:
    inverse = 1.0 / torch.where(d.abs() < 1e-9, 1e-9, d)
    middle, half = -o * inverse, inverse.abs()
    return middle - half, middle + half


#: In the order of the kinds in `shapes`.
SOLIDS = (meet_box, meet_tapered, meet_quadric)


def cast_rays(shapes: Shapes, origin: Tensor, directions: Tensor) -> Tensor:
    """First ray parameter of a few rays (3, n) from one origin (3,) against every shape: (n,)."""
    d = shapes.A @ directions  # (P, 3, n)
    o = shapes.A @ (origin - shapes.centre)[:, :, None]
    nearest = directions.new_full((directions.shape[1],), torch.inf)
    start = 0
    for solid, count in zip(SOLIDS, shapes.counts, strict=True):
        part = slice(start, start + count)
        start += count
        if count:
            t = solid(o[part], d[part], shapes.coefficients[part][:, :, None])
            nearest = torch.minimum(nearest, t.min(dim=0).values)
    return nearest


def inside_any(shapes: Shapes, point: Tensor) -> bool:
    """Whether a world point (3,) lies within a solid."""
    p = (shapes.A @ (point - shapes.centre)[:, :, None])[:, :, 0]
    n_flat = shapes.counts[0] + shapes.counts[1]
    x, y, z = p[:, 0], p[:, 1], p[:, 2]
    k = shapes.coefficients
    reach_x = 1 - k[:, 0] * (z + 1) / 2
    reach_y = 1 - k[:, 1] * (z + 1) / 2
    flat = (x.abs() <= reach_x) & (y.abs() <= reach_y)
    round_ = x * x + y * y + k[:, 0] * z * z + k[:, 1] * z + k[:, 2] <= 0
    is_flat = torch.arange(len(shapes), device=p.device) < n_flat
    return bool((torch.where(is_flat, flat, round_) & (z.abs() <= 1)).any())
