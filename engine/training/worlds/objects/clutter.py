"""Small things that rest on tables, shelves and floors."""

from __future__ import annotations

import math

from engine.training.worlds.blueprint import Colour, Look
from engine.training.worlds.objects.real import real_thing
from engine.training.worlds.shapes import Builder


def bright(look: Look) -> Colour:
    """A colour as things in a household have them: often neutral, sometimes loud."""
    value = look.between(0.05, 0.9)
    if look.chance(0.45):
        return (value, value * look.between(0.9, 1.0), value * look.between(0.8, 1.0))
    r, g, b = (value * float(f) for f in look.rng.dirichlet((0.9, 0.8, 0.8)) * 2.0)
    return (min(r, 1.0), min(g, 1.0), min(b, 1.0))


def deep(look: Look) -> Colour:
    """A strong, mostly dark colour, as fronts of cupboards and panels on walls are painted."""
    value = look.between(0.04, 0.5)
    others = [value * look.between(0.03, 0.5) for _ in range(2)]
    r, g, b = (float(c) for c in look.rng.permutation([value, *others]))
    return r, g, b


def litter(
    b: Builder, look: Look, area: tuple[float, float, float, float], z: float, count: int
) -> None:
    """`count` things on a support at height z within x0, y0, x1, y1 of the current frame."""
    for _ in range(count):
        x, y = look.between(area[0], area[2]), look.between(area[1], area[3])
        with b.placed(x, y, z, look.between(0, 6.3)):
            thing(b, look)


@real_thing("small", share=0.6)
def thing(b: Builder, look: Look) -> None:
    """A bottle, cup, bowl, book, box, plant or lamp at the origin."""
    kind = look.count(0, 7)
    m = look.paint(bright(look), gloss=look.between(0, 0.5))
    if kind == 0:
        h, w = look.between(0.15, 0.32), look.between(0.05, 0.09)
        b.cylinder((0, 0, h * 0.35), (w, w, h * 0.7), m)
        b.cone((0, 0, h * 0.78), (w, w, h * 0.16), 0.6, m)
        b.cylinder((0, 0, h * 0.92), (w * 0.4, w * 0.4, h * 0.16), m)
    elif kind == 1:
        w = look.between(0.07, 0.1)
        b.cone((0, 0, w * 0.55), (w, w, w * 1.1), -0.15, m)
    elif kind == 2:
        w = look.between(0.14, 0.3)
        b.cone((0, 0, w * 0.17), (w * 0.5, w * 0.5, w * 0.34), -1.0, m)
        for _ in range(3):
            r = w * 0.25
            at = (look.between(-r, r), look.between(-r, r), w * 0.36)
            b.ellipsoid(at, (r * 1.2,) * 3, look.paint(bright(look), 0.2))
    elif kind == 3:
        z = 0.0
        for _ in range(look.count(1, 4)):
            h = look.between(0.015, 0.045)
            cover = look.material(*look.photo(), metres=0, tint=(0.9, 0.9, 0.9))
            turn = look.between(-0.3, 0.3)
            b.box((0, 0, z + h / 2), (0.16, 0.23, h), m, cover, yaw=turn)
            z += h
    elif kind == 4:
        w, d, h = (look.between(0.05, 0.3) for _ in range(3))
        b.box((0, 0, h / 2), (w, d, h), look.material(*look.photo(), "plaster", "wood", metres=0))
    elif kind == 5:
        plant(b, look, look.between(0.15, 0.4))
    elif kind == 6:
        h = look.between(0.3, 0.5)
        b.cone((0, 0, h * 0.25), (h * 0.3, h * 0.3, h * 0.5), 0.6, m)
        shade = look.material("fabric", "plaster", glow=look.between(0, 1.2))
        b.cone((0, 0, h * 0.75), (h * 0.7, h * 0.7, h * 0.45), 0.4, shade)
    else:
        w = look.between(0.08, 0.2)
        b.ellipsoid((0, 0, w * 0.45), (w, w, w * 0.9), m)
        b.cylinder((0, 0, w * 0.95), (w * 0.4, w * 0.4, w * 0.25), m)


def shelf_load(b: Builder, look: Look, w: float, d: float, z: float, gap: float) -> None:
    """Books or things between two boards."""
    if look.chance(0.6):
        share, h = look.between(0.4, 1.0), gap * look.between(0.8, 0.97)
        spines = look.material("books", metres=0)
        x = -w / 2 + share * w / 2
        b.box((x, d * 0.5, z + h / 2), (share * w, d * 0.75, h), spines)
    elif look.chance(0.8):
        for _ in range(look.count(1, 3)):
            x = look.between(-w * 0.42, w * 0.42)
            size = gap * look.between(0.4, 0.85)
            m = look.paint(bright(look), gloss=0.2)
            if look.chance(0.5):
                b.box((x, d * 0.55, z + size / 2), (size * 0.9, d * 0.6, size), m)
            else:
                b.cylinder((x, d * 0.55, z + size / 2), (size * 0.5, size * 0.5, size), m)


def plant(b: Builder, look: Look, height: float) -> None:
    """A pot with leaves, standing at the origin."""
    pot = look.paint(bright(look), 0.2)
    leaf = look.material(*look.rough("foliage", "foliage", photo="photo_leaves"), metres=0.35)
    p = max(0.08, height * 0.28)
    b.cone((0, 0, p / 2), (p * 0.75, p * 0.75, p), -0.3, pot)
    top, spread = height - p, height * look.between(0.35, 0.6)
    if look.chance(0.5):
        for _ in range(look.count(5, 9)):
            a, r = look.between(0, 2 * math.pi), spread * look.between(0.1, 0.4)
            at = (r * math.cos(a), r * math.sin(a), p + top * look.between(0.3, 0.85))
            size = spread * look.between(0.35, 0.7)
            b.ellipsoid(at, (size, size, size * 0.8), leaf, yaw=a)
        return
    for _ in range(look.count(7, 12)):
        a, lean = look.between(0, 2 * math.pi), look.between(0.1, 0.9)
        length = top * look.between(0.6, 1.1)
        at = (
            math.cos(a) * math.sin(lean) * length / 2,
            math.sin(a) * math.sin(lean) * length / 2,
            p + math.cos(lean) * length / 2,
        )
        b.ellipsoid(at, (0.02 + length * 0.03, length * 0.16, length), leaf, yaw=a, pitch=lean)
