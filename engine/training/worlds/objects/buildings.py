"""Houses with façades, shop fronts, roofs, chimneys, balconies."""

from __future__ import annotations

import math

from engine.training.worlds.blueprint import Look
from engine.training.worlds.shapes import Builder, Material


def facade_material(look: Look, storey: float) -> Material:
    kind = "curtain_wall" if look.chance(0.12) else "facade"
    shade = look.between(0.6, 1.05)
    return look.material(kind, metres=storey, tint=(shade, shade, shade), gloss=0.05)


def house(
    b: Builder,
    look: Look,
    w: float,
    d: float,
    storeys: int,
    near: bool,
    wall: Material | None = None,
) -> None:
    """Façade in the plane y = 0 facing −y, middle at x = 0; a plain `wall` gets built windows."""
    storey = look.between(2.8, 3.4)
    plain = wall
    if wall is None:
        w = max(1, round(w / storey)) * storey
        wall = facade_material(look, storey)
    trim = look.material("concrete", "stone", "plaster")
    h = storeys * storey
    ground = look.between(3.0, 3.8)
    b.box((0, d / 2, ground + h / 2), (w, d, h), wall)
    shop = plain is None and look.chance(0.55)
    base = look.material("stone", "concrete", "brick", "plaster", metres=2.0)
    b.box(
        (0, d / 2, ground / 2),
        (w, d - 0.02, ground),
        wall if not shop and look.chance(0.5) else base,
    )
    b.box((0, -0.05, ground), (w, 0.3, look.between(0.15, 0.35)), trim)
    if near:
        _ground_floor(b, look, w, ground, shop)
        if plain is None:
            _reliefs(b, look, w, ground, storeys, storey)
        else:
            _window_rows(b, look, w, ground, storeys, storey)
    if look.chance(0.6):
        b.box((0, -0.1, ground + h - 0.1), (w, 0.5, look.between(0.2, 0.45)), trim)
    top = ground + h
    if look.chance(0.55):
        tiles = look.material("roof", metres=2.0)
        rise = look.between(1.5, 4.0)
        b.tapered((0, d / 2, top + rise / 2), (w + 0.02, d + 0.5, rise), (0.0, 0.98), tiles)
        for _ in range(look.count(0, 2)):
            x = look.between(-w * 0.4, w * 0.4)
            b.box(
                (x, d * 0.4, top + rise * 0.7),
                (0.6, 0.6, rise),
                look.kept("chimney", look.material("brick", metres=1)),
            )
            b.box((x + 0.9, d * 0.12, top + rise * 0.3), (1.2, 1.4, rise * 0.55), wall)
    else:
        b.box((0, d / 2, top + 0.2), (w, d, 0.4), trim)


def _ground_floor(b: Builder, look: Look, w: float, h: float, shop: bool) -> None:
    """Shop fronts with awnings and signs, or a door with steps and windows."""
    if shop:
        n = max(1, round(w / look.between(3.5, 6)))
        for i in range(n):
            x, size = (i + 0.5) / n * w - w / 2, w / n - 0.5
            front = look.material("shopfront", metres=0, gloss=0.25)
            b.box((x, -0.02, h / 2 - 0.1), (size, 0.12, h - 0.25), front)
            for s in (-1, 1):
                b.box(
                    (x + s * (size / 2 + 0.12), -0.08, h / 2),
                    (0.25, 0.3, h),
                    look.kept("pier", look.material("stone", "plaster")),
                )
            if look.chance(0.35):
                cloth = look.material("fabric", metres=1.2)
                b.box((x, -0.75, h - 0.75), (size, 1.5, 0.05), cloth, roll=0.35)
            if look.chance(0.4):
                sign = look.material("poster", metres=0)
                b.box((x + size / 2, -0.55, h - 0.4), (0.08, 0.8, 0.7), sign)
        return
    door = look.material("door", metres=0)
    x = look.between(-w * 0.35, w * 0.35)
    b.box((x, -0.03, 1.2), (1.1, 0.1, 2.1), door)
    frame = look.kept("door frame", look.material("stone", "plaster", tint=(0.9,) * 3))
    for s in (-1, 1):
        b.box((x + s * 0.67, -0.1, 1.15), (0.22, 0.3, 2.4), frame)
    b.box((x, -0.15, 2.45), (1.8, 0.5, 0.22), frame)
    for i in range(look.count(1, 3)):
        b.box((x, -0.3 - 0.15 * i, 0.12 - 0.06 * i), (1.6, 0.6, 0.12), frame)
    glass = look.kept("pane", look.paint((0.05, 0.06, 0.08), gloss=0.8))
    n = max(2, round(w / 2.4))
    for i in range(n):
        at = (i + 0.5) / n * w - w / 2
        if abs(at - x) > 1.2:
            window(b, at, 1.7, 1.1, 1.5, glass, frame)


def _window_rows(
    b: Builder, look: Look, w: float, ground: float, storeys: int, storey: float
) -> None:
    frame = look.kept("door frame", look.material("stone", "plaster", tint=(0.9,) * 3))
    glass = look.kept("pane", look.paint((0.05, 0.06, 0.08), gloss=0.8))
    n = max(2, round(w / look.between(2.4, 4.0)))
    wide, high = look.between(0.8, 1.3), look.between(1.2, 1.9)
    for j in range(storeys):
        for i in range(n):
            x = (i + 0.5) / n * w - w / 2
            window(b, x, ground + (j + 0.5) * storey, wide, high, glass, frame)


def window(
    b: Builder, x: float, z: float, w: float, h: float, glass: Material, frame: Material
) -> None:
    """A pane with bars and a sill on a façade in the plane y = 0."""
    b.box((x, 0.0, z), (w, 0.04, h), glass)
    for s in (-1, 1):
        b.box((x + s * w / 2, -0.03, z), (0.1, 0.1, h), frame)
        b.box((x, -0.03, z + s * h / 2), (w + 0.1, 0.1, 0.1), frame)
    b.box((x, -0.02, z), (0.05, 0.06, h), frame)
    b.box((x, -0.1, z - h / 2 - 0.06), (w + 0.3, 0.28, 0.08), frame)


def _reliefs(b: Builder, look: Look, w: float, ground: float, storeys: int, storey: float) -> None:
    """Balconies, bays or string courses that stand out from the façade."""
    trim = look.kept("relief", look.material("stone", "plaster", tint=(0.85,) * 3))
    kind = look.count(0, 3)
    bays = max(1, round(w / storey))
    if kind == 0:
        rail = look.metal()
        for i in range(bays):
            for j in range(storeys):
                if not look.chance(0.4):
                    continue
                x, z = (i + 0.5) / bays * w - w / 2, ground + j * storey
                b.box((x, -0.45, z), (storey * 0.7, 0.9, 0.12), trim)
                b.box((x, -0.88, z + 0.9), (storey * 0.7, 0.04, 0.05), rail)
                for k in range(7):
                    at = x + (k / 6 - 0.5) * storey * 0.68
                    b.box((at, -0.88, z + 0.45), (0.025, 0.025, 0.9), rail)
    elif kind == 1:
        x = look.between(-w * 0.3, w * 0.3)
        h = storey * max(1, storeys - 1)
        m = facade_material(look, storey)
        b.box((x, -0.35, ground + h / 2), (storey, 0.9, h), m)
    elif kind == 2:
        for j in range(1, storeys):
            b.box((0, -0.04, ground + j * storey), (w, 0.2, 0.14), trim)
        for i in range(bays + 1):
            x = i / bays * w - w / 2
            b.box((x, -0.05, ground + storeys * storey / 2), (0.3, 0.2, storeys * storey), trim)


def cottage(b: Builder, look: Look) -> None:
    """A small free-standing house, its front at y = 0 facing −y."""
    w, d, h = look.between(6, 12), look.between(5, 9), look.between(2.6, 5.2)
    wall = look.material("plaster", "brick", "stone", "planks", metres=2.0)
    roof = look.material("roof", "planks", metres=2.0)
    frame = look.paint((0.85, 0.84, 0.8)) if look.chance(0.6) else look.wood()
    glass = look.kept("pane", look.paint((0.05, 0.06, 0.08), gloss=0.8))
    b.box((0, d / 2, h / 2), (w, d, h), wall)
    rise = look.between(1.2, 3.0)
    b.tapered((0, d / 2, h + rise / 2), (w, d, rise), (0.0, 1.0), wall)
    for s in (-1, 1):
        slope = math.atan2(rise, d / 2)
        long = math.hypot(rise, d / 2) + 0.6
        at = (0, d / 2 + s * (d / 4 + 0.12), h + rise / 2 + 0.02)
        b.box(at, (w + 0.8, long, 0.14), roof, roll=-s * slope)
    b.box(
        (look.between(-0.3, 0.3) * w, -0.02, 1.05), (1.0, 0.1, 2.1), look.material("door", metres=0)
    )
    for z in (1.5, 3.9) if h > 4.4 else (1.5,):
        for x in (-0.36, 0.36):
            window(b, x * w, z, look.between(0.9, 1.4), 1.2, glass, frame)
    if look.chance(0.6):
        b.box((w * 0.3, d * 0.55, h + rise), (0.7, 0.7, 1.6), look.kept("chimney", wall))


def pavilion(b: Builder, look: Look) -> None:
    """A long modern building of glass and thin pillars."""
    w, d, h = look.between(20, 50), 10.0, look.between(3.0, 4.2)
    storeys = look.count(1, 2)
    slab, post = look.material("concrete", "planks", metres=2), look.metal()
    glass = look.material("curtain_wall", metres=look.between(2.0, 4.0), gloss=0.3)
    for i in range(storeys):
        with b.placed(0, 0, i * h):
            b.box((0, d / 2 + 1.5, h / 2), (w, d, h), glass)
            b.box((0, d / 2, h + 0.15), (w + 1.5, d + 2.5, 0.35), slab)
            n = int(w / 4)
            for k in range(n + 1):
                b.box((k / n * w - w / 2, -0.3, h / 2), (0.16, 0.16, h), post)
