"""Mountains, hills and lakes seen from a slope or a path."""

from __future__ import annotations

import math

import torch

from engine.training.worlds.blueprint import Blueprint, Look
from engine.training.worlds.lights import daylight
from engine.training.worlds.objects.buildings import cottage
from engine.training.worlds.objects.plants import bush, conifer, tree
from engine.training.worlds.procedural import noise
from engine.training.worlds.shapes import Builder
from engine.training.worlds.surveying import WalkStyle
from engine.training.worlds.terrain import Relief, Terrain, shadows, shape_land

_EXTENT = 3000.0


def build_valley(look: Look) -> Blueprint:
    """Land with a far range, perhaps water, trees and rocks near the walker."""
    b = Builder()
    kind = str(look.rng.choice(["mountains", "hills", "desert", "snow"], p=[0.5, 0.3, 0.1, 0.1]))
    light = daylight(look, haze=(900.0, 9000.0))
    land = _land(look, kind, light.to_sun)
    lake = look.chance(0.55)
    if lake:
        _water(b, look, land)
    else:
        # A world needs a solid; this one lies below everything.
        b.box((0, 0, -900), (10, 10, 1), look.paint((0.3,) * 3))
    _plants(b, look, land, kind)
    _rocks(b, look, land)
    if look.chance(0.3):
        _huts(b, look, land)
    words = {"mountains": "mountains", "hills": "green hills", "desert": "dry hills"}
    caption = f"{words.get(kind, 'snowy mountains')}{' with a lake' if lake else ''}"
    style = WalkStyle(
        areas=((-25.0, -25.0, 25.0, 25.0),),
        eye_height=(1.4, 4.0) if look.chance(0.75) else (6.0, 25.0),
        clearance=0.6,
        fov=(45.0, 80.0),
        pitch=(-2.0, 5.0),
        ceiling=1e4,
        step_range=(2.0, 60.0),
    )
    return Blueprint(b, light, caption, style, (0.0, 0.0), 30.0, 1.2, land)


def _land(look: Look, kind: str, to_sun: tuple[float, float, float]) -> Terrain:
    sharp = kind in ("mountains", "snow")
    relief = Relief(
        mountains=look.between(350, 1200) if sharp else look.between(80, 300),
        hills=look.between(20, 90),
        bumps=look.between(0.08, 0.35),
        flat_radius=look.between(40, 250),
        ridges=look.between(0.6, 1.0) if sharp else look.between(0.0, 0.4),
        basin=look.between(20, 80) if look.chance(0.7) else 0.0,
    )
    wide = shape_land(look.rng, relief, extent=_EXTENT)
    small = noise(look.rng, 128, 1.5) * relief.bumps
    small[-1], small[:, -1] = small[0], small[:, 0]
    grass = look.rough("grass", photo="photo_leaves")
    names = {"desert": look.rough("soil", "soil", photo="photo_rough"), "snow": ("snow",)}
    top = "soil" if kind == "desert" else "snow"
    textures = (
        look.bank.pick(look.rng, look.split, *names.get(kind, grass)),
        look.bank.pick(look.rng, look.split, *look.rough("rock", photo="photo_rough")),
        look.bank.pick(look.rng, look.split, top),
    )
    tints = 1 + 0.12 * torch.as_tensor(look.rng.standard_normal((3, 3)), dtype=torch.float32)
    snow = relief.mountains * look.between(0.35, 1.3) if sharp else 1e5
    return Terrain(
        wide=wide,
        extent=_EXTENT,
        bumps=torch.as_tensor(small, dtype=torch.float32),
        period=look.between(25, 50),
        shade=shadows(wide, _EXTENT, to_sun),
        textures=textures,
        tints=tints.clamp(0.6, 1.3),
        snow_line=-1e5 if kind == "snow" and look.chance(0.3) else snow,
        rockiness=look.between(-0.5, 0.5) if sharp else look.between(-1.0, -0.3),
    )


def _water(b: Builder, look: Look, land: Terrain) -> None:
    """A level between the lowest ground near by and the walker's feet."""
    k = land.wide.shape[0]
    middle = land.wide[k // 2 - 60 : k // 2 + 60, k // 2 - 60 : k // 2 + 60]
    level = min(float(torch.quantile(middle.flatten(), look.between(0.08, 0.3))), -2.0)
    water = look.material("water", metres=14.0, gloss=0.75, vary=0.2)
    b.box((0, 0, level - 0.5), (2 * _EXTENT, 2 * _EXTENT, 1.0), water)


def _spot(look: Look, low: float, high: float) -> tuple[float, float]:
    """A place on the ground; nearer ones are likelier."""
    r, a = low * (high / low) ** look.between(0, 1), look.between(0, 2 * math.pi)
    return r * math.cos(a), r * math.sin(a)


def _plants(b: Builder, look: Look, land: Terrain, kind: str) -> None:
    if kind == "desert" and look.chance(0.6):
        return
    dark = look.chance(0.6)
    for _ in range(look.count(0, 45)):
        x, y = _spot(look, 6, 130)
        with b.placed(x, y, land.height_at(x, y) - 0.1):
            far = math.hypot(x, y) > 45
            if dark:
                conifer(b, look, look.between(4, 14), layers=2 if far else 4)
            elif far or look.chance(0.5):
                bush(b, look, look.between(0.8, 3.5))
            else:
                tree(b, look, look.between(4, 10))


def _rocks(b: Builder, look: Look, land: Terrain) -> None:
    stone = look.material(*look.rough("rock", "stone", photo="photo_rough"), metres=2.0)
    for _ in range(look.count(0, 30)):
        x, y = _spot(look, 3, 50)
        s = look.between(0.3, 1.0) ** 2 * look.between(0.6, 4.0)
        size = (s * look.between(0.8, 1.8), s, s * look.between(0.5, 0.9))
        at, turn = (x, y, land.height_at(x, y) + s * 0.12), look.between(0, 3)
        if look.chance(0.4):
            b.tapered(at, size, (0.5, 0.6), stone, yaw=turn, pitch=0.2, roll=0.3)
        else:
            b.ellipsoid(at, size, stone, yaw=turn, pitch=look.between(-0.3, 0.3))


def _huts(b: Builder, look: Look, land: Terrain) -> None:
    for _ in range(look.count(1, 4)):
        x, y = _spot(look, 14, 90)
        with b.placed(x, y, land.height_at(x, y) - 0.4, look.between(0, 6.3)):
            cottage(b, look)
