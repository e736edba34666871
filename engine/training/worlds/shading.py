"""Colour of what rays meet: texture, sun with shadows, lamps, ambient light, haze, sky."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from engine.training.worlds.casting import Projector, cast
from engine.training.worlds.shapes import QUADRIC, Shapes
from engine.training.worlds.terrain import Terrain
from engine.training.worlds.textures import TexturePage

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


def shade(
    surface: Surface, eye: Tensor, footprint: Tensor, page: TexturePage, light: Light
) -> Tensor:
    """Linear colours (3, n). `footprint` (n,) is the pixel's width in metres at the point."""
    view, _ = _unit(surface.point - eye[:, None])
    slant = (view * surface.normal).sum(0).abs().clamp(min=0.08)
    texels = footprint * surface.density * page.size * slant.rsqrt()
    level = texels.clamp(min=1e-6).log2() - 0.2
    m = surface.material
    albedo = page.sample(m[0].to(torch.int64), surface.u, surface.v, level).T
    albedo = m[1:4] * (albedo * m[5] + (1 - m[5]) * 0.6)
    return lit_colour(surface.point, surface.normal, albedo, m[6], m[7], eye, light)


def shade_ground(
    terrain: Terrain, point: Tensor, eye: Tensor, footprint: Tensor, page: TexturePage, light: Light
) -> Tensor:
    """Linear colours (3, n) of land: grass, rock where it is steep, snow or sand above a line."""
    x, y = point[0], point[1]
    normal = terrain.normal(x, y, footprint.clamp(min=0.15, max=25.0))
    grain = noise_at(page, terrain.textures[1], x, y, 37.0, footprint)
    steep = (1 - normal[2]) * 6 + (grain - 0.35) * 1.2 + terrain.rockiness
    rock = torch.sigmoid((steep - 1.0) * 6)
    snow = torch.sigmoid((point[2] - terrain.snow_line + (grain - 0.3) * 160) / 25) * (1 - rock)
    albedo = torch.zeros_like(point)
    for i, share in enumerate((1 - rock - snow, rock, snow)):
        fine = _ground_texture(page, terrain.textures[i], x, y, 2.3, footprint)
        broad = _ground_texture(page, terrain.textures[i], y, x, 61.0, footprint)
        albedo = albedo + fine * broad.sqrt() * (terrain.tints[i][:, None] * share * 1.3)
    zero = torch.zeros_like(x)
    return lit_colour(point, normal, albedo, zero, zero, eye, light, terrain.lit(x, y))


def _ground_texture(
    page: TexturePage, index: int, x: Tensor, y: Tensor, metres: float, footprint: Tensor
) -> Tensor:
    level = (footprint / metres * page.size * 1.6).clamp(min=1e-6).log2()
    which = torch.full_like(x, index, dtype=torch.int64)
    return page.sample(which, x / metres, y / metres, level).T


def noise_at(
    page: TexturePage, index: int, x: Tensor, y: Tensor, metres: float, footprint: Tensor
) -> Tensor:
    """Brightness (n,) of a texture laid over the ground."""
    return _ground_texture(page, index, x, y, metres, footprint).mean(0)


def lit_colour(
    point: Tensor,
    normal: Tensor,
    albedo: Tensor,
    gloss: Tensor,
    glow: Tensor,
    eye: Tensor,
    light: Light,
    sun_share: Tensor | None = None,
) -> Tensor:
    """Linear colours (3, n) that reach the eye from lit points; `albedo` (3, n)."""
    source, maps = light.source, light.maps
    view, distance = _unit(point - eye[:, None])
    facing = -(view * normal).sum(0)
    normal = torch.where(facing < 0, -normal, normal)
    slant = facing.abs().clamp(min=0.08)
    open_ = _openness(point + normal * 0.02, normal, maps, source.indoor_height)
    up = normal[2] * 0.5 + 0.5
    ambient = _column(source.ground_light, up) * (1 - up) + _column(source.sky_light, up) * up
    total = ambient * open_
    mirrored = view + 2 * slant * normal
    fresnel = gloss * (0.06 + 0.94 * (1 - slant) ** 5)
    shine = ambient * 0.9 * (0.6 + 0.8 * mirrored[2:3].clamp(0, 1))
    if maps.sun is not None:
        to_sun = _column(source.to_sun, up)
        lit = (normal * to_sun).sum(0).clamp(min=0)
        lit = lit * _visible(maps.sun, point + normal * 0.06)
        if sun_share is not None:
            lit = lit * sun_share
        total = total + _column(source.sun, up) * lit
        spot = (mirrored * to_sun).sum(0).clamp(min=0) ** 60
        shine = shine + _column(source.sun, up) * (spot * (lit > 0)) * 4
    for i, lamp in enumerate(source.lamps):
        way, far = _unit(_column(lamp.position, up) - point)
        far2 = (far * far).clamp(min=0.04)
        lit = (normal * way).sum(0).clamp(min=0) / far2
        if i == 0 and maps.lamp is not None:
            lit = lit * _visible(maps.lamp, point + normal * 0.04)
        total = total + _column(lamp.power, up) * lit
        spot = (mirrored * way).sum(0).clamp(min=0) ** 40
        shine = shine + _column(lamp.power, up) * (spot * (lit > 0) / far2)
    colour = albedo * (total * (1 - fresnel) + glow) + shine * fresnel
    if source.haze_distance < float("inf"):
        clear = torch.exp(-distance / source.haze_distance)
        colour = colour * clear + _column(source.haze, up) * (1 - clear)
    return colour


def _unit(v: Tensor) -> tuple[Tensor, Tensor]:
    """Directions (3, n) of unit length, and their lengths (n,)."""
    length = (v * v).sum(0).clamp(min=1e-12).sqrt()
    return v / length, length


def sky(direction: Tensor, page: TexturePage, light: Lighting) -> Tensor:
    """Linear colours (3, n) of the sky along world directions (3, n)."""
    d = direction * (direction * direction).sum(0).rsqrt()
    height = d[2].clamp(min=0)
    rise = 1 - torch.exp(-height * 3.5)
    colour = _column(light.horizon, rise) * (1 - rise) + _column(light.zenith, rise) * rise
    glow = (d * _column(light.to_sun, rise)).sum(0).clamp(min=0)
    colour = colour + _column(light.sun, rise) * (0.12 * glow**8 + 0.5 * glow**200)
    if light.cloud >= 0:
        reach = 1 / (height + 0.12)
        index = torch.full_like(height, light.cloud, dtype=torch.int64)
        level = (reach * 0.35).log2().clamp(min=0)
        cover = page.sample(index, d[0] * reach * 0.16, d[1] * reach * 0.16, level).T
        cover = cover.sqrt() * (height * 12).clamp(0, 1)
        colour = colour * (1 - cover) + _column(light.cloud_light, rise) * cover
    return colour


def _column(colour: Colour, like: Tensor) -> Tensor:
    return torch.tensor(colour, dtype=like.dtype, device=like.device)[:, None]


def _grid_sample(grid: Tensor, u: Tensor, v: Tensor) -> Tensor:
    """Bilinear values of (S, S) at u, v in [0, 1] (n,), clamped at the border."""
    at = torch.stack([u * 2 - 1, v * 2 - 1], dim=-1)[None, None]
    return torch.nn.functional.grid_sample(
        grid[None, None], at, mode="bilinear", padding_mode="border", align_corners=False
    )[0, 0, 0]


def _visible(shadow: DepthMap, point: Tensor) -> Tensor:
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


def _openness(point: Tensor, normal: Tensor, maps: LightMaps, ceiling: float) -> Tensor:
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


def sun_map(shapes: Shapes, light: Lighting, centre: Tensor, radius: float, size: int) -> DepthMap:
    """Distances seen from the sun over a disc of `radius` metres around `centre` (3,)."""
    forward = -torch.tensor(light.to_sun, device=centre.device)
    projector = _parallel(forward, centre - forward * radius * 3, radius)
    return DepthMap(projector, cast(shapes.subset(shapes.shadows), projector, size, size).depth)


def lamp_map(shapes: Shapes, lamp: Lamp, reach: float, size: int) -> DepthMap:
    """z-depths seen from a lamp looking straight down; `reach` is the tangent of half its view."""
    R = torch.tensor([[1.0, 0, 0], [0, -1.0, 0], [0, 0, -1.0]]).to(shapes.A.device)
    origin = torch.tensor(lamp.position, device=shapes.A.device)
    lens = (0.5 / reach, 0.5 / reach, 0.5, 0.5)
    projector = Projector(R, origin, lens)
    return DepthMap(projector, cast(shapes.subset(shapes.shadows), projector, size, size).depth)


def plan_maps(
    shapes: Shapes, centre: Tensor, radius: float, top: float, size: int
) -> tuple[DepthMap, ...]:
    """Heights of the highest surface below `top`, blurred over about 0.25 and 0.9 metres."""
    down = torch.tensor([0.0, 0.0, -1.0], device=centre.device)
    reach = shapes.M[:, 2].abs().sum(1)
    below = shapes.subset(shapes.shadows & (shapes.centre[:, 2] - reach < top - 0.1))
    sky = top + 100.0
    start = torch.stack([centre[0], centre[1], centre.new_tensor(sky)])
    projector = _parallel(down, start, radius)
    depth = cast(below, projector, size, size).depth
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
