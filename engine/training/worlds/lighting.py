"""Where light comes from: sun, sky, lamps, and maps of what it reaches."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from engine.training.worlds.casting import Projector, cast
from engine.training.worlds.meshes.casting import Meshes
from engine.training.worlds.shapes import Shapes

Colour = tuple[float, float, float]


@dataclass(frozen=True)
class Lamp:
    """A point of light at `position` (world metres); `power` is its light at one metre."""

    position: Colour
    power: Colour


@dataclass(frozen=True)
class Lighting:
    """Light of a world, in linear units where white paper in full light is about 1.

    Attributes:
        to_sun: unit vector towards the sun.
        sun, sky_light, ground_light: direct light, light from above and from below.
        lamps: points of light; the first one casts shadows.
        haze: colour of far air; haze_distance: metres to 63 % haze, inf for clear air.
        zenith, horizon: sky colours; cloud: its texture (−1 none), cloud_light its colour.
        indoor_height: height of the ceiling, inf outdoors.
    """

    to_sun: Colour
    sun: Colour
    sky_light: Colour
    ground_light: Colour
    lamps: tuple[Lamp, ...] = ()
    haze: Colour = (0.7, 0.75, 0.8)
    haze_distance: float = float("inf")
    zenith: Colour = (0.25, 0.45, 0.8)
    horizon: Colour = (0.75, 0.82, 0.9)
    cloud: int = -1
    cloud_light: Colour = (0.95, 0.95, 0.95)
    indoor_height: float = float("inf")


@dataclass(frozen=True)
class DepthMap:
    """Distances seen along a projection, for shadows and for how enclosed a place is."""

    projector: Projector
    depth: Tensor  # (S, S)


@dataclass(frozen=True)
class LightMaps:
    """What of the light is worked out once a world: shadows, and heights of the ground plan."""

    sun: DepthMap | None
    lamp: DepthMap | None
    plan: tuple[DepthMap, ...]


@dataclass(frozen=True)
class Light:
    """Where light comes from, and what was worked out about it."""

    source: Lighting
    maps: LightMaps


def _grid_sample(grid: Tensor, u: Tensor, v: Tensor) -> Tensor:
    """Bilinear values of (S, S) at u, v in [0, 1] (n,), clamped at the border."""
    at = torch.stack([u * 2 - 1, v * 2 - 1], dim=-1)[None, None]
    return torch.nn.functional.grid_sample(
        grid[None, None], at, mode="bilinear", padding_mode="border", align_corners=False
    )[0, 0, 0]


def visible(shadow: DepthMap, point: Tensor) -> Tensor:
    """Share of the light (n,) that reaches points (3, n): a 2×2 percentage-closer lookup."""
    u, v, z = shadow.projector.project(point)
    size = shadow.depth.shape[0]
    x, y = u * size - 0.5, v * size - 0.5
    x0, y0 = x.floor(), y.floor()
    ax, ay = x - x0, y - y0
    xa, ya = x0.to(torch.int64).clamp(0, size - 2), y0.to(torch.int64).clamp(0, size - 2)
    base = ya * size + xa
    corners = torch.stack([base, base + 1, base + size, base + size + 1])
    stored = shadow.depth.flatten().index_select(0, corners.flatten()).view_as(corners)
    weights = torch.stack([(1 - ax) * (1 - ay), ax * (1 - ay), (1 - ax) * ay, ax * ay])
    lit = ((stored > z - 0.03).to(weights.dtype) * weights).sum(0)
    inside = (u > 0) & (u < 1) & (v > 0) & (v < 1) & (z > 0)
    return torch.where(inside, lit, 1.0)


def openness(point: Tensor, normal: Tensor, maps: LightMaps, ceiling: float) -> Tensor:
    """Ambient light that reaches points: 1 in the open, less near floors, walls, under things.

    Heights of the ground plan, blurred at two widths, stand in for what surrounds a point.
    """
    open_ = torch.ones_like(point[0])
    for plan, reach in zip(maps.plan, (0.25, 0.9), strict=False):
        probe = point + normal * reach
        u, v, _ = plan.projector.project(probe)
        above = _grid_sample(plan.depth, u, v) - probe[2]
        open_ = open_ * (1 - 0.5 * torch.sigmoid(above / reach * 3 - 0.3))
    if ceiling < float("inf"):
        gap = (ceiling - point[2]).clamp(min=0)
        open_ = open_ * (1 - 0.3 * torch.exp(-gap / 0.3) * (1 - normal[2].abs()))
    return open_ * 1.25


def sun_map(
    shapes: Shapes,
    light: Lighting,
    centre: Tensor,
    radius: float,
    size: int,
    meshes: Meshes | None = None,
) -> DepthMap:
    """Distances seen from the sun over a disc of `radius` metres around `centre` (3,)."""
    forward = -torch.tensor(light.to_sun, device=centre.device)
    projector = _parallel(forward, centre - forward * radius * 3, radius)
    return DepthMap(projector, _shadow(shapes, meshes, projector, size))


def _shadow(shapes: Shapes, meshes: Meshes | None, projector: Projector, size: int) -> Tensor:
    """Distances (S, S) to the first of what casts shadows."""
    hits = cast(shapes.subset(shapes.shadows), projector, size, size)
    if meshes is not None:
        hits = meshes.over(hits, projector, len(shapes))
    return hits.depth


def lamp_map(
    shapes: Shapes, lamp: Lamp, reach: float, size: int, meshes: Meshes | None = None
) -> DepthMap:
    """z-depths seen from a lamp looking straight down; `reach` is the tangent of half its view."""
    R = torch.tensor([[1.0, 0, 0], [0, -1.0, 0], [0, 0, -1.0]]).to(shapes.A.device)
    origin = torch.tensor(lamp.position, device=shapes.A.device)
    lens = (0.5 / reach, 0.5 / reach, 0.5, 0.5)
    projector = Projector(R, origin, lens)
    return DepthMap(projector, _shadow(shapes, meshes, projector, size))


def plan_maps(
    shapes: Shapes,
    centre: Tensor,
    radius: float,
    top: float,
    size: int,
    meshes: Meshes | None = None,
) -> tuple[DepthMap, ...]:
    """Heights of the highest surface below `top`, blurred over about 0.25 and 0.9 metres."""
    down = torch.tensor([0.0, 0.0, -1.0], device=centre.device)
    reach = shapes.M[:, 2].abs().sum(1)
    below = shapes.subset(shapes.shadows & (shapes.centre[:, 2] - reach < top - 0.1))
    sky = top + 100.0
    start = torch.stack([centre[0], centre[1], centre.new_tensor(sky)])
    projector = _parallel(down, start, radius)
    hits = cast(below, projector, size, size)
    if meshes is not None:
        hits = meshes.over(hits, projector, len(shapes), near=100.0)
    depth = hits.depth
    height = torch.where(torch.isfinite(depth), sky - depth, -1.0).clamp(max=top)
    pixel = 2 * radius / size
    out = []
    for width in (0.25, 0.9):
        k = max(1, round(width / pixel)) * 2 + 1
        padded = torch.nn.functional.pad(height[None, None], (k // 2,) * 4, mode="replicate")
        blurred = torch.nn.functional.avg_pool2d(padded, k, stride=1)
        out.append(DepthMap(projector, blurred[0, 0]))
    return tuple(out)


def _parallel(forward: Tensor, start: Tensor, radius: float) -> Projector:
    side = torch.tensor([0.0, 1.0, 0.0], device=forward.device)
    right = torch.linalg.cross(side, forward)
    right = right / right.norm()
    R = torch.stack([right, torch.linalg.cross(forward, right), forward], dim=1)
    lens = (0.5 / radius, 0.5 / radius, 0.5, 0.5)
    return Projector(R, start, lens, parallel=True)
