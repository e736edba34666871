"""Market halls and market squares: rows of stalls with awnings, crates and goods.

This is the family that training never sees: it mixes what rooms and streets are like.
"""

from __future__ import annotations

import dataclasses
import math

from engine.training.worlds.blueprint import Blueprint, Look
from engine.training.worlds.lights import daylight
from engine.training.worlds.objects.arches import column
from engine.training.worlds.objects.buildings import house
from engine.training.worlds.objects.clutter import bright, litter
from engine.training.worlds.objects.street import person
from engine.training.worlds.shapes import Builder
from engine.training.worlds.surveying import WalkStyle


def build_market(look: Look) -> Blueprint:
    """Stalls in rows, under a roof on columns or in the open between houses."""
    b = Builder()
    paving = look.material(*look.rough("paving", "concrete", photo="photo_paving"), metres=1.8)
    b.box((0, 0, -0.5), (300, 300, 1.0), paving)
    w, d = look.between(14, 26), look.between(12, 22)
    covered = look.chance(0.5)
    aisle = look.between(2.6, 4.0)
    y = -d / 2 + 1.5
    while y < d / 2 - 1.5:
        x = -w / 2 + 1.5
        while x < w / 2 - 1.5:
            if look.chance(0.8):
                with b.placed(x, y, 0, 0.0 if look.chance(0.5) else math.pi):
                    stall(b, look)
            x += look.between(2.8, 3.8)
        y += 1.6 + aisle
    for _ in range(look.count(3, 9)):
        with b.placed(
            look.between(-w / 2, w / 2), look.between(-d / 2, d / 2), 0, look.between(0, 6)
        ):
            person(b, look)
    for side in range(4):
        turn = side * math.pi / 2
        away = (d if side % 2 == 0 else w) / 2 + look.between(3, 9)
        with b.placed(-math.sin(turn) * away, math.cos(turn) * away, 0, turn):
            for i in range(-2, 3):
                with b.placed(i * 9.0, 0):
                    house(b, look, 9.0, 9.0, look.count(1, 4), near=True)
    light = daylight(look)
    if covered:
        _roof(b, look, w, d)
        dim = tuple(c * 0.6 for c in light.sky_light)
        light = dataclasses.replace(light, sky_light=(dim[0], dim[1], dim[2]), indoor_height=6.0)
    style = WalkStyle(
        ((-w / 2, -d / 2, w / 2, d / 2),), (1.4, 1.9), 0.35, (50.0, 88.0), (-2.0, 5.0)
    )
    caption = "a covered market with stalls" if covered else "a market square with stalls"
    return Blueprint(b, light, caption, style, (0.0, 0.0), max(w, d) * 0.8, 1.8)


def stall(b: Builder, look: Look) -> None:
    """A table with goods under an awning, middle at the origin, front towards −y."""
    w, d, h = look.between(2.0, 2.8), look.between(0.9, 1.4), look.between(0.7, 0.95)
    top, cloth = look.wood(), look.material("fabric", metres=look.between(0.6, 1.5))
    b.box((0, 0, h), (w, d, 0.05), top)
    if look.chance(0.6):
        b.box((0, -d / 2, h / 2), (w, 0.03, h), cloth)
    pole = look.metal()
    roof = look.between(2.1, 2.6)
    for x in (-w / 2, w / 2):
        for y in (-d / 2, d / 2):
            b.box((x, y, roof / 2), (0.05, 0.05, roof), pole)
    if look.chance(0.5):
        b.box((0, -0.15, roof + 0.1), (w + 0.3, d + 0.8, 0.04), cloth, roll=look.between(0.05, 0.3))
    else:
        b.tapered((0, 0, roof + 0.25), (w + 0.4, d + 0.5, 0.6), (0.3, 0.98), cloth)
    n = look.count(2, 4)
    for i in range(n):
        x = (i + 0.5) / n * w - w / 2
        _crate(b, look, x, h + 0.03, w / n * 0.85, d * 0.7)
    litter(b, look, (-w * 0.4, d * 0.2, w * 0.4, d * 0.45), h + 0.03, look.count(0, 4))


def _crate(b: Builder, look: Look, x: float, z: float, w: float, d: float) -> None:
    """A tilted box heaped with fruit or goods."""
    with b.placed(x, 0, z):
        b.box((0, 0, 0.08), (w, d, 0.16), look.kept("crate", look.material("planks", metres=0.6)))
        goods = look.paint(bright(look), 0.2)
        if look.chance(0.6):
            size = look.between(0.1, 0.2)
            for i in range(max(1, int(w / size / 1.2))):
                for j in range(max(1, int(d / size / 1.5))):
                    at = (i * size * 1.1 - w * 0.4, j * size * 1.3 - d * 0.38, 0.18)
                    b.ellipsoid(at, (size, size, size), goods)
        else:
            picture = look.material(*look.photo(), "books", metres=0)
            b.box((0, 0, 0.2), (w * 0.9, d * 0.9, 0.1), picture)


def _roof(b: Builder, look: Look, w: float, d: float) -> None:
    m, post = (
        look.material("planks", "metal", "concrete", metres=1.5),
        look.kept("post", look.metal()),
    )
    for i in range(5):
        for s in (-1, 1):
            with b.placed((i - 2) * w / 4, s * d / 2):
                column(b, 4.6, 0.3, post, square=True)
        b.box(((i - 2) * w / 4, 0, 4.7), (0.2, d, 0.3), post)
    rise = math.atan2(2.0, d / 2)
    for s in (-1, 1):
        b.box((0, s * d / 4, 5.9), (w + 2, math.hypot(d / 2, 2.0) + 0.4, 0.12), m, roll=-s * rise)
