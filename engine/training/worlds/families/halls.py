"""Entrance halls and stairwells."""

from __future__ import annotations

import math

from engine.training.worlds.blueprint import Blueprint, Look
from engine.training.worlds.lights import indoor_light
from engine.training.worlds.objects import furniture as f
from engine.training.worlds.objects.arches import balustrade, column, flight
from engine.training.worlds.objects.clutter import thing
from engine.training.worlds.objects.interior import (
    floor_material,
    garden_around,
    wall_material,
)
from engine.training.worlds.objects.street import person
from engine.training.worlds.shapes import Builder, Material
from engine.training.worlds.surveying import WalkStyle

Place = tuple[float, float, float]


def build_hall(look: Look) -> Blueprint:
    """An entrance hall: columns, a gallery, a flight of stairs with railings, doors."""
    b = Builder()
    w, d, h = look.between(8, 16), look.between(7, 14), look.between(4.5, 7.5)
    wall = (
        look.material("plaster", "marble", "stone", metres=2.5)
        if look.chance(0.7)
        else wall_material(look)
    )
    stone = look.material("marble", "stone", "plaster", metres=1.4, gloss=0.15)
    b.box((0, 0, -0.1), (w + 1, d + 1, 0.2), floor_material(look))
    b.box((0, 0, h + 0.1), (w + 1, d + 1, 0.2), look.material("plaster", metres=3))
    windows = look.chance(0.6)
    for side in range(4):
        turn = side * math.pi / 2
        length, away = (w, d / 2) if side % 2 == 0 else (d, w / 2)
        with b.placed(-math.sin(turn) * away, math.cos(turn) * away, 0, turn):
            _hall_wall(b, look, length, h, (wall, stone), windows and side == 1)
    carpet = look.material("carpet", "rug", "fabric", metres=0.8) if look.chance(0.5) else None
    quarter = look.count(0, 3)
    with b.placed(0, 0, 0, quarter * math.pi / 2):
        _stairs_and_gallery(b, look, (w, d) if quarter % 2 == 0 else (d, w), stone, carpet)
    for _ in range(look.count(0, 3)):
        with b.placed(look.between(-w / 2 + 1, w / 2 - 1), look.between(-d / 2 + 1, d / 2 - 1)):
            _loose(b, look)
    if windows:
        garden_around(b, look, 0.0)
    lamps = _chandeliers(b, look, w, h)
    light = indoor_light(look, h, lamps, windows)
    style = WalkStyle(
        ((-w / 2 + 0.6, -d / 2 + 0.6, w / 2 - 0.6, d / 2 - 0.6),),
        (1.3, 2.0) if look.chance(0.7) else (2.0, h * 0.6),
        0.35,
        (52.0, 88.0),
        (2.0, 6.0),
        h - 0.5,
        (0.5, 8.0),
        stay=True,
    )
    caption = "a large hall with a staircase and columns"
    return Blueprint(b, light, caption, style, (0.0, 0.0), math.hypot(w, d) / 2 + 1, h - 0.5)


def _hall_wall(
    b: Builder,
    look: Look,
    length: float,
    h: float,
    materials: tuple[Material, Material],
    glazed: bool,
) -> None:
    """Wall facing −y in the plane y = 0 with pilasters, doors or windows, mouldings, pictures."""
    wall, stone = materials
    n = max(2, round(length / look.between(2.2, 3.6)))
    bay = length / n
    top = h - 1.0
    for i in range(n):
        x = (i + 0.5) * bay - length / 2
        open_ = glazed and bay > 1.2
        if open_:
            gap = bay * 0.55
            for s in (-1, 1):
                b.box((x + s * (bay + gap) / 4, 0.1, h / 2), ((bay - gap) / 2, 0.2, h), wall)
            b.box((x, 0.1, 0.4), (gap, 0.2, 0.8), wall)
            b.box((x, 0.1, (top + h) / 2), (gap, 0.2, h - top), wall)
            for k in range(3):
                b.box((x + (k - 1) * gap / 2, 0.1, h / 2), (0.06, 0.06, h - 1), stone)
            for k in range(3):
                b.box((x, 0.1, 0.9 + k * (top - 1) / 3), (gap, 0.06, 0.05), stone)
        else:
            b.box((x, 0.1, h / 2), (bay, 0.2, h), wall)
            if look.chance(0.45):
                b.box((x, -0.02, 1.15), (1.05, 0.08, 2.3), look.material("door", metres=0))
                b.box((x, -0.04, 2.4), (1.4, 0.14, 0.18), stone)
            elif look.chance(0.5):
                picture = look.material(*look.photo(), metres=0)
                b.box((x, -0.02, 2.0), (bay * 0.55, 0.05, 1.2), picture)
        if look.chance(0.85):
            b.box(((i * bay) - length / 2, -0.06, h / 2), (0.35, 0.16, h), stone)
    b.box((0, -0.08, h - 0.2), (length, 0.25, 0.35), stone)
    b.box((0, -0.03, 0.12), (length, 0.08, 0.24), stone)


def _stairs_and_gallery(
    b: Builder, look: Look, size: tuple[float, float], stone: Material, carpet: Material | None
) -> None:
    w, d = size
    steps, wide = look.count(9, 18), look.between(1.4, 3.2)
    at = look.between(-w * 0.25, w * 0.25)
    with b.placed(at, look.between(-d * 0.25, 0.0)):
        _, rise = flight(b, look, steps, wide, stone, carpet)
    low, high = look.metal(), look.wood()
    y = d / 2 - 1.1
    if look.chance(0.8):
        b.box((0, d / 2 - 0.6, rise - 0.12), (w, 1.8, 0.24), stone)
        with b.placed(-w / 2, y - 0.35, rise):
            balustrade(b, look, w / 2 + at - wide / 2, low, high)
        with b.placed(at + wide / 2, y - 0.35, rise):
            balustrade(b, look, w / 2 - at - wide / 2, low, high)
    n = look.count(2, 5)
    for i in range(n):
        x = (i + 0.5) / n * w - w / 2
        if abs(x - at) > wide / 2 + 0.4:
            with b.placed(x, y - 0.3):
                column(b, rise - 0.24, look.between(0.25, 0.5), stone, look.chance(0.3))


def _loose(b: Builder, look: Look) -> None:
    kind = look.count(0, 3)
    if kind == 0:
        person(b, look)
    elif kind == 1:
        f.potted_plant(look).build(b)
    elif kind == 2:
        f.table(look).build(b)
    else:
        b.box((0, 0, 0.45), (0.4, 0.4, 0.9), look.material("marble", "stone"))
        with b.placed(0, 0, 0.9):
            thing(b, look)


def _chandeliers(b: Builder, look: Look, w: float, h: float) -> list[Place]:
    glow, metal = look.material("plaster", glow=look.between(1.5, 3.5)), look.metal()
    places: list[Place] = []
    drop = look.between(0.6, 1.6)
    with b.shadowless():
        for x in (-w / 4, w / 4):
            b.cylinder((x, 0, h - drop / 2), (0.04, 0.04, drop), metal)
            for i in range(6):
                a = i * math.pi / 3
                at = (x + 0.45 * math.cos(a), 0.45 * math.sin(a), h - drop)
                b.ellipsoid(at, (0.16, 0.16, 0.2), glow)
                b.rod((x, 0, h - drop), at, 0.03, metal)
            places.append((x, 0.0, h - drop - 0.2))
    return places
