"""Corridors and hallways with doors, windows, and rooms that open off them."""

from __future__ import annotations

import math

from engine.training.worlds.blueprint import Blueprint, Look
from engine.training.worlds.lights import indoor_light
from engine.training.worlds.objects import furniture as f
from engine.training.worlds.objects.arches import arch
from engine.training.worlds.objects.interior import (
    annex,
    floor_material,
    garden_around,
    wall_material,
)
from engine.training.worlds.objects.street import person
from engine.training.worlds.shapes import Builder, Material
from engine.training.worlds.surveying import WalkStyle

Place = tuple[float, float, float]


def build_corridor(look: Look) -> Blueprint:
    """A passage along x with doors, niches and open rooms on both sides."""
    b = Builder()
    w, long, h = look.between(1.5, 3.6), look.between(8, 30), look.between(2.4, 3.4)
    floor, wall = floor_material(look), wall_material(look)
    low = wall_material(look) if look.chance(0.3) else None
    b.box((0, 0, -0.1), (long + 0.4, w + 0.4, 0.2), floor)
    ceiling = look.material("plaster", "plaster", "concrete", metres=2)
    b.box((0, 0, h + 0.1), (long + 0.4, w + 0.4, 0.2), ceiling)
    trim = look.paint((0.85,) * 3) if look.chance(0.6) else look.wood()
    windows = False
    for side in (-1.0, 1.0):
        outside = look.chance(0.25)
        windows |= outside
        with b.placed(0, side * w / 2, 0, 0.0 if side > 0 else math.pi):
            _side(b, look, long, h, (wall, low, trim), outside)
    for end in (-1.0, 1.0):
        with b.placed(end * long / 2, 0, 0, -math.pi / 2 * end):
            _end(b, look, w, h, wall, trim)
    _along(b, look, w, long)
    if look.chance(0.35):
        _runner(b, look, w, long)
    if windows:
        garden_around(b, look, 0.0)
    lamps = _ceiling_row(b, look, long, h)
    light = indoor_light(look, h, lamps, windows)
    style = WalkStyle(
        ((-long / 2 + 1, -w / 2 + 0.4, long / 2 - 1, w / 2 - 0.4),),
        (1.2, 1.75),
        0.28,
        (55.0, 90.0),
        (-4.0, 5.0),
        h - 0.25,
        (0.5, 8.0),
        stay=True,
    )
    caption = "a corridor with doors and windows" if windows else "a corridor with doors"
    return Blueprint(b, light, caption, style, (0.0, 0.0), min(long / 2 + 2, 16.0), h - 0.3)


def _side(
    b: Builder,
    look: Look,
    long: float,
    h: float,
    materials: tuple[Material, Material | None, Material],
    outside: bool,
) -> None:
    """A long wall with its inner face in the plane y = 0, seen from −y."""
    wall, low, trim = materials
    x = -long / 2
    while x < long / 2:
        solid = look.between(0.5, 2.8)
        _panel(b, look, x, min(solid, long / 2 - x), h, wall, low, trim)
        x += solid
        gap = look.between(0.85, 1.1) if not outside else look.between(1.0, 2.0)
        if x + gap > long / 2:
            continue
        middle = x + gap / 2
        top = 2.08 if not outside else h - 0.4
        b.box((middle, 0.08, (top + h) / 2), (gap, 0.16, h - top), wall)
        for s in (-1, 1):
            b.box((middle + s * (gap / 2 + 0.03), -0.005, top / 2), (0.08, 0.05, top), trim)
        b.box((middle, -0.005, top + 0.04), (gap + 0.16, 0.05, 0.08), trim)
        kind = look.rng.random()
        if outside:
            sill = look.between(0.3, 0.95)
            b.box((middle, 0.08, sill / 2), (gap, 0.16, sill), wall)
            b.box((middle, 0.06, (sill + top) / 2), (0.05, 0.05, top - sill), trim)
            b.box((middle, 0.06, (sill + top) / 2 + 0.2), (gap, 0.05, 0.05), trim)
        elif kind < 0.6:
            b.box((middle, 0.05, top / 2), (gap, 0.05, top), look.material("door", metres=0))
        else:
            if kind < 0.8:
                with b.placed(middle - gap / 2, 0.12, 0, look.between(0.9, 1.8)):
                    face = look.material("door", metres=0)
                    b.box((gap / 2, 0, top / 2), (gap, 0.04, top - 0.02), face)
            with b.placed(middle, 0.16, 0, math.pi):
                annex(b, look, min(2.2, max(1.6, gap + 0.6)), look.between(2.0, 4.5), h, gap)
        x += gap


def _panel(
    b: Builder,
    look: Look,
    x: float,
    size: float,
    h: float,
    wall: Material,
    low: Material | None,
    trim: Material,
) -> None:
    """Plain wall from x on, with skirting, perhaps a picture, a radiator or a box."""
    if size < 0.02:
        return
    middle = x + size / 2
    b.box((middle, 0.08, h / 2), (size, 0.16, h), wall)
    b.box((middle, -0.008, 0.05), (size, 0.02, 0.1), trim)
    if low is not None:
        b.box((middle, -0.004, 0.5), (size, 0.02, 1.0), low)
        b.box((middle, -0.01, 1.02), (size, 0.04, 0.05), trim)
    if size > 0.8 and look.chance(0.6):
        w, high = look.between(0.3, min(1.0, size * 0.7)), look.between(0.3, 0.8)
        picture = look.material(*look.photo(), metres=0)
        b.box((middle, -0.012, 1.55), (w, 0.024, high), look.kept("frame", look.wood()))
        b.box((middle, -0.02, 1.55), (w - 0.05, 0.022, high - 0.05), picture)


def _end(b: Builder, look: Look, w: float, h: float, wall: Material, trim: Material) -> None:
    """What closes the passage: a wall with a door, a window, or an archway into a room."""
    kind = look.rng.random()
    if kind < 0.45:
        b.box((0, 0.08, h / 2), (w + 0.4, 0.16, h), wall)
        gap = look.between(0.8, min(1.6, w - 0.4))
        b.box((0, -0.01, 1.05), (gap, 0.06, 2.1), look.material("door", metres=0))
        for s in (-1, 1):
            b.box((s * (gap / 2 + 0.04), -0.02, 1.07), (0.09, 0.06, 2.14), trim)
        return
    if kind < 0.75:
        gap = min(w - 0.3, look.between(1.0, 2.2))
        for s in (-1, 1):
            b.box((s * (gap + w) / 4, 0.08, h / 2), ((w - gap) / 2, 0.16, h), wall)
        with b.placed(0, -0.1):
            arch(b, gap, max(1.2, min(h - gap / 2 - 0.4, 2.0)), h, 0.3, wall)
        with b.placed(0, 0.16, 0, math.pi):
            annex(b, look, w + 2.5, look.between(3, 6), h, gap)
        return
    b.box((0, 0.08, h / 2), (w + 0.4, 0.16, h), wall)
    glow = look.material("poster", *look.photo(), metres=0, glow=look.between(0.0, 0.6))
    b.box((0, -0.01, 1.6), (min(w * 0.6, 1.6), 0.03, 1.3), glow)


def _along(b: Builder, look: Look, w: float, long: float) -> None:
    """Benches, cabinets, plants, bins, people along the sides."""
    for _ in range(look.count(1, max(2, int(long / 4)))):
        side = float(look.rng.choice([-1, 1]))
        x = look.between(-long / 2 + 1, long / 2 - 1)
        kind = look.rng.random()
        with b.placed(x, side * (w / 2 - 0.01), 0, math.pi if side > 0 else 0.0):
            if kind < 0.25:
                f.potted_plant(look).build(b)
            elif kind < 0.5 and w > 2:
                f.cabinet(look, look.between(0.6, 1.0)).build(b)
            elif kind < 0.75:
                f.chair(look).build(b)
            elif kind < 0.88:
                f.box_pile(look).build(b)
            elif w > 2:
                with b.placed(0, 0.6):
                    person(b, look)


def _runner(b: Builder, look: Look, w: float, long: float) -> None:
    rug = look.material("carpet", "fabric", "wallpaper", metres=1.2)
    b.box((0, 0, 0.006), (long * look.between(0.3, 0.95), w * 0.55, 0.012), rug)


def _ceiling_row(b: Builder, look: Look, long: float, h: float) -> list[Place]:
    glow = look.material("plaster", glow=look.between(1.5, 3.5))
    n = max(2, round(long / look.between(2.5, 5)))
    tubes = look.chance(0.5)
    places: list[Place] = []
    with b.shadowless():
        for i in range(n):
            x = (i + 0.5) / n * long - long / 2
            if tubes:
                b.box((x, 0, h - 0.02), (1.2, 0.25, 0.04), glow)
            else:
                b.ellipsoid((x, 0, h - 0.06), (0.3, 0.3, 0.16), glow)
            places.append((x, 0.0, h - 0.2))
    middle = sorted(places, key=lambda p: abs(p[0]))
    return middle[:4]
