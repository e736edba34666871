"""Hills and mountains as a height field, met exactly by rays from one eye.

For a fixed eye every ray lies in an upright half-plane. Along it the slope (height − eye) /
distance of the ground is tabulated at growing distances; its running maximum is monotone, so the
first meeting of a ray of slope m is a binary search. A few secant steps make it exact.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from engine.training.worlds.casting import Projector
from engine.training.worlds.procedural import Random, noise

_RADII = 144
_NEAREST, _FARTHEST = 0.4, 6000.0
_STEEPEST = 40.0


@dataclass(frozen=True)
class Terrain:
    """Height in metres over the ground: a wide grid plus a repeating grid of small bumps.

    Attributes:
        wide: (n, n) heights over [−extent, extent]²; x runs along the last axis.
        bumps: (m, m) heights that repeat every `period` metres.
        shade: (n, n) share of sunlight that reaches the ground.
        textures: grass, rock, snow or sand: numbers in the texture page.
        snow_line: height where the third texture begins.
    """

    wide: Tensor
    extent: float
    bumps: Tensor
    period: float
    shade: Tensor
    textures: tuple[int, int, int]
    tints: Tensor  # (3, 3)
    snow_line: float
    rockiness: float

    def height(self, x: Tensor, y: Tensor) -> Tensor:
        """Ground height at (n,) positions."""
        return _sample(self.wide, x / self.extent, y / self.extent) + _sample(
            self.bumps, _wrapped(x / self.period), _wrapped(y / self.period)
        )

    def normal(self, x: Tensor, y: Tensor, step: Tensor) -> Tensor:
        """Upward unit normals (3, n) from differences over `step` metres (n,)."""
        dx = (self.height(x + step, y) - self.height(x - step, y)) / (2 * step)
        dy = (self.height(x, y + step) - self.height(x, y - step)) / (2 * step)
        n = torch.stack([-dx, -dy, torch.ones_like(dx)])
        return n * (n * n).sum(0).rsqrt()

    def height_at(self, x: float, y: float) -> float:
        at = self.wide.new_tensor([[x], [y]])
        return float(self.height(at[0], at[1])[0])

    def lit(self, x: Tensor, y: Tensor) -> Tensor:
        """Share of sunlight (n,)."""
        return _sample(self.shade, x / self.extent, y / self.extent)


def _wrapped(x: Tensor) -> Tensor:
    """Position in a repeating grid, in (−1, 1)."""
    return (x - x.floor()) * 2 - 1


def _sample(grid: Tensor, x: Tensor, y: Tensor) -> Tensor:
    at = torch.stack([x, y], dim=-1)[None, None]
    return torch.nn.functional.grid_sample(
        grid[None, None], at, mode="bilinear", padding_mode="border", align_corners=True
    )[0, 0, 0]


@dataclass(frozen=True)
class SlopeTable:
    """Slopes of the ground seen from one eye; see the module's text."""

    terrain: Terrain
    projector: Projector
    first: float
    step: float
    radii: Tensor  # (K,)
    ladder: Tensor  # (bins · K,) float64, running maxima, rows raised to be sorted as a whole

    def meet(self, u: Tensor, v: Tensor) -> Tensor:
        """Ray parameters (n,) of picture positions; inf where the ray meets no ground."""
        _, d = self.projector.rays(u.flatten(), v.flatten())
        flat = (d[0] ** 2 + d[1] ** 2).sqrt().clamp(min=1e-6)
        slope = (d[2] / flat).clamp(-_STEEPEST, _STEEPEST)
        bins = self.ladder.numel() // self.radii.numel()
        row = (((_turn(d, self.projector) - self.first) / self.step).round()).clamp(0, bins - 1)
        wanted = slope.double() + row.double() * (4 * _STEEPEST)
        place = torch.searchsorted(self.ladder, wanted) - row.long() * self.radii.numel()
        met = place < self.radii.numel()
        place = place.clamp(0, self.radii.numel() - 1)
        far = self.radii[place]
        near = torch.where(place > 0, self.radii[(place - 1).clamp(min=0)], 0.02)
        r = self._refined(d / flat, slope, near, far)
        return torch.where(met, r / flat, torch.inf).view(u.shape)

    def _refined(self, way: Tensor, slope: Tensor, near: Tensor, far: Tensor) -> Tensor:
        eye = self.projector.origin

        def above(r: Tensor) -> Tensor:
            ground = self.terrain.height(eye[0] + way[0] * r, eye[1] + way[1] * r)
            return eye[2] + slope * r - ground

        a, b, fa, fb = near, far, above(near), above(far)
        for _ in range(4):
            share = (fa / (fa - fb + 1e-9)).clamp(0.08, 0.92)
            m = a + (b - a) * share
            fm = above(m)
            inside = fm < 0
            a, fa = torch.where(inside, a, m), torch.where(inside, fa, fm)
            b, fb = torch.where(inside, m, b), torch.where(inside, fm, fb)
        return a + (b - a) * (fa / (fa - fb + 1e-9)).clamp(0, 1)


def _turn(d: Tensor, projector: Projector) -> Tensor:
    """Angle of directions (3, n) about up, measured from the projector's forward axis."""
    forward = projector.R[:, 2]
    along = d[0] * forward[0] + d[1] * forward[1]
    aside = d[1] * forward[0] - d[0] * forward[1]
    return torch.atan2(aside, along)


def slope_table(terrain: Terrain, projector: Projector, bins: int) -> SlopeTable:
    """Tabulates the ground around the projector's eye over its field of view."""
    edge = torch.linspace(-0.01, 1.01, 9, device=terrain.wide.device)
    u = torch.cat([edge, edge, torch.zeros_like(edge), torch.ones_like(edge)])
    v = torch.cat([torch.zeros_like(edge), torch.ones_like(edge), edge, edge])
    angle = _turn(projector.rays(u, v)[1], projector)
    first, last = float(angle.min()), float(angle.max())
    step = max((last - first) / (bins - 1), 1e-6)
    f = projector.R[:, 2]
    heading = math.atan2(float(f[1]), float(f[0]))
    azimuth = heading + first + step * torch.arange(bins, device=u.device)
    radii = torch.logspace(math.log10(_NEAREST), math.log10(_FARTHEST), _RADII, device=u.device)
    x = projector.origin[0] + azimuth.cos()[:, None] * radii
    y = projector.origin[1] + azimuth.sin()[:, None] * radii
    ground = terrain.height(x.flatten(), y.flatten()).view(bins, -1)
    slopes = ((ground - projector.origin[2]) / radii).clamp(-_STEEPEST, _STEEPEST)
    ladder = slopes.cummax(dim=1).values.double()
    ladder = ladder + torch.arange(bins, device=u.device)[:, None] * (4 * _STEEPEST)
    return SlopeTable(terrain, projector, first, step, radii, ladder.flatten())


@dataclass(frozen=True)
class Relief:
    """What kind of land: heights in metres."""

    mountains: float  # height of the far range
    hills: float  # height of hills nearby
    bumps: float
    flat_radius: float  # land is calmer within this distance of the origin
    ridges: float  # 0 rounded, 1 sharp
    basin: float = 0.0  # depth of a bowl in front, for a lake


def shape_land(rng: Random, relief: Relief, n: int = 384, extent: float = 3000.0) -> Tensor:
    """Heights (n, n), about 0 at the origin."""
    axis = np.linspace(-extent, extent, n)
    x, y = np.meshgrid(axis, axis)
    r = np.hypot(x, y)
    rough = noise(rng, n, 1.9)
    ridged = 1.2 - np.abs(noise(rng, n, 1.75)) * 1.5 + 0.35 * noise(rng, n, 1.5)
    form = rough * (1 - relief.ridges) + ridged * relief.ridges
    rise = 1 / (1 + np.exp(-(r - extent * 0.22) / (extent * 0.08)))
    land = np.maximum(form, -0.4) * relief.mountains * rise
    calm = 1 - np.exp(-((r / max(relief.flat_radius, 1.0)) ** 2))
    land = land + noise(rng, n, 2.0) * relief.hills * calm * (1 - 0.5 * rise)
    if relief.basin:
        a, d = rng.uniform(0, 2 * np.pi), rng.uniform(150, 420)
        bowl = np.hypot(x - d * np.cos(a), y - d * np.sin(a)) / rng.uniform(150, 300)
        land = land - relief.basin * np.exp(-(bowl**2))
    k = n // 2
    return torch.as_tensor(land - land[k, k], dtype=torch.float32)


def shadows(wide: Tensor, extent: float, to_sun: tuple[float, float, float]) -> Tensor:
    """Share of sunlight (n, n): soft steps where land towards the sun rises above the ray."""
    n = 160
    small = torch.nn.functional.interpolate(wide[None, None], (n, n), mode="area")[0, 0]
    axis = torch.linspace(-1, 1, n, device=wide.device)
    y, x = torch.meshgrid(axis, axis, indexing="ij")
    level = math.hypot(to_sun[0], to_sun[1])
    climb = to_sun[2] / max(level, 1e-6)
    blocked = torch.full_like(small, -torch.inf)
    for r in np.geomspace(30.0, 1800.0, 28).tolist():
        dx, dy = to_sun[0] / level * r / extent, to_sun[1] / level * r / extent
        there = _sample(small, (x + dx).flatten(), (y + dy).flatten()).view(n, n)
        blocked = torch.maximum(blocked, (there - small - climb * r) / (0.08 * r + 5.0))
    lit = (0.5 - blocked).clamp(0, 1)
    return torch.nn.functional.interpolate(lit[None, None], wide.shape, mode="bilinear")[0, 0]
