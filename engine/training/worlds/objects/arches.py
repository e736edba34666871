"""Columns, arcades, vaults, balustrades, stairs."""

from __future__ import annotations

import math

from engine.training.worlds.blueprint import Look
from engine.training.worlds.shapes import Builder, Material


def column(b: Builder, h: float, thick: float, m: Material, square: bool = False) -> None:
    """At the origin, with base and capital."""
    for z, size in ((0.08, 1.5), (h - 0.08, 1.5)):
        b.box((0, 0, z), (thick * size, thick * size, 0.16), m)
    if square:
        b.box((0, 0, h / 2), (thick, thick, h), m)
        return
    b.cone((0, 0, h / 2), (thick, thick, h - 0.3), 0.12, m)
    b.cone((0, 0, h - 0.26), (thick * 1.4, thick * 1.4, 0.2), -0.1, m)


def arch(b: Builder, width: float, spring: float, top: float, deep: float, m: Material) -> None:
    """Wall over a round opening of `width`, springing at `spring`, closed above at `top`.

    The round edge is made of wedge-shaped stones; middle at x = 0, front in the plane y = 0.
    """
    r, n = width / 2, 7
    for i in range(n):
        a = math.pi * (i + 0.5) / n
        long = r * math.pi / n * 1.15
        at = ((r + 0.14) * math.cos(a), deep / 2, spring + (r + 0.14) * math.sin(a))
        b.box(at, (0.3, deep + 0.06, long), m, pitch=-a)
    if top > spring + r + 0.2:
        low = spring + r + 0.1
        b.box((0, deep / 2, (low + top) / 2), (width, deep, top - low), m)
    for s in (-1, 1):
        # The spandrels: steps that stay behind the ring of stones.
        for k in range(3):
            z0, z1 = spring + r * k / 3, spring + r * (k + 1) / 3
            inner = math.sqrt(max(r * r - (z0 - spring) ** 2, 0.0)) + 0.03
            x0, x1 = inner, r + 0.25
            size = (x1 - x0, deep * 0.96, z1 - z0)
            b.box((s * (x0 + x1) / 2, deep / 2, (z0 + z1) / 2), size, m)
        b.box((s * r * 0.75, deep / 2, spring + r + 0.1), (r * 0.5, deep * 0.96, 0.3), m)


def arcade(b: Builder, look: Look, length: float, deep: float, h: float, wall: Material) -> None:
    """A roofed walk along x: arches in the plane y = 0, its back wall at y = `deep`."""
    n = max(3, round(length / look.between(2.2, 3.4)))
    bay = length / n
    stone = look.kept("arcade", look.material("stone", "plaster", "marble", metres=1.2))
    round_ = look.kept("arch kind", wall) is wall and look.chance(0.75)
    thick = look.between(0.28, 0.5)
    spring = h - bay * 0.42 if round_ else h - 0.35
    low_wall = look.between(0.4, 0.8) if look.chance(0.4) else 0.0
    for i in range(n + 1):
        with b.placed(i * bay - length / 2, 0.2):
            column(b, spring, thick, stone, square=low_wall > 0)
    for i in range(n):
        x = (i + 0.5) * bay - length / 2
        with b.placed(x, 0.0):
            if round_:
                arch(b, bay - thick, spring, h + 0.3, 0.4, stone)
            else:
                b.box((0, 0.2, h), (bay, 0.4, 0.7), stone)
            if low_wall and i != n // 2:
                b.box((0, 0.2, low_wall / 2), (bay, 0.35, low_wall), wall)
    b.box((0, deep / 2, h + 0.45), (length + 2 * deep, deep + 0.5, 0.3), wall)
    tiles = look.material("roof", metres=1.6)
    b.box((0, deep / 2 - 0.1, h + 0.95), (length, deep + 0.6, 0.12), tiles, roll=0.28)


def vault(b: Builder, look: Look, length: float, deep: float, h: float) -> None:
    """Ribs or beams below the ceiling of an arcade along x, from y = 0 to `deep`."""
    wood, n = look.wood(), int(length / look.between(0.6, 1.5))
    for i in range(n):
        x = (i + 0.5) / n * length - length / 2
        b.box((x, deep / 2, h + 0.22), (0.12, deep, 0.2), wood)


def balustrade(b: Builder, look: Look, length: float, m: Material, rail: Material) -> None:
    """Along x from the origin."""
    n = max(2, round(length / look.between(0.13, 0.25)))
    b.box((length / 2, 0, 0.94), (length, 0.1, 0.07), rail)
    b.box((length / 2, 0, 0.08), (length, 0.08, 0.05), m)
    slim = look.chance(0.5)
    for i in range(n):
        x = (i + 0.5) / n * length
        if slim:
            b.box((x, 0, 0.5), (0.02, 0.02, 0.84), m)
        else:
            b.cone((x, 0, 0.3), (0.09, 0.09, 0.4), -0.5, m)
            b.cone((x, 0, 0.68), (0.12, 0.12, 0.42), 0.6, m)


def flight(
    b: Builder, look: Look, steps: int, width: float, m: Material, carpet: Material | None
) -> tuple[float, float]:
    """Stairs rising along +y from the origin, with railings; returns run and rise in metres."""
    tread, riser = look.between(0.26, 0.32), look.between(0.15, 0.18)
    for i in range(steps):
        h = riser * (i + 1)
        y = tread * (i + 0.5)
        low = 0.0 if steps < 9 else max(0.0, h - 0.5)
        b.box((0, y, (h + low) / 2), (width, tread, h - low), m)
        if carpet is not None:
            b.box((0, y, h + 0.008), (width * 0.6, tread + 0.01, 0.012), carpet)
            b.box((0, y - tread / 2 - 0.004, h - riser / 2), (width * 0.6, 0.012, riser), carpet)
    run, rise = tread * steps, riser * steps
    rail, post = look.wood(), look.metal()
    for s in (-1, 1):
        x = s * (width / 2 - 0.05)
        b.rod((x, 0, 0.95), (x, run, rise + 0.9), 0.07, rail)
        for i in range(0, steps, 1 if steps < 14 else 2):
            z = riser * (i + 1)
            b.box((x, tread * (i + 0.5), z + 0.43), (0.025, 0.025, 0.86), post)
    return run, rise
