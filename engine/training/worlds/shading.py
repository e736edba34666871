"""Colour of what rays meet: texture, sun with shadows, lamps, ambient light, haze, sky."""

from __future__ import annotations

import torch
from torch import Tensor

from engine.training.worlds.lighting import Colour, Light, Lighting, openness, visible
from engine.training.worlds.surfaces import Surface
from engine.training.worlds.terrain import Terrain
from engine.training.worlds.textures import TexturePage


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
    open_ = openness(point + normal * 0.02, normal, maps, source.indoor_height)
    up = normal[2] * 0.5 + 0.5
    ambient = _column(source.ground_light, up) * (1 - up) + _column(source.sky_light, up) * up
    total = ambient * open_
    mirrored = view + 2 * slant * normal
    fresnel = gloss * (0.06 + 0.94 * (1 - slant) ** 5)
    shine = ambient * 0.9 * (0.6 + 0.8 * mirrored[2:3].clamp(0, 1))
    if maps.sun is not None:
        to_sun = _column(source.to_sun, up)
        lit = (normal * to_sun).sum(0).clamp(min=0)
        lit = lit * visible(maps.sun, point + normal * 0.06)
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
            lit = lit * visible(maps.lamp, point + normal * 0.04)
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
