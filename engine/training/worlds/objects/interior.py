"""Shells of rooms: floor, ceiling, walls with openings, what is fixed to them, and the outside."""

from __future__ import annotations

import math
from dataclasses import dataclass

from engine.training.worlds.blueprint import Look
from engine.training.worlds.objects.clutter import deep
from engine.training.worlds.objects.plants import bush, tree
from engine.training.worlds.shapes import Builder, Material

THICK = 0.16


@dataclass(frozen=True)
class Opening:
    """A window or door in wall 0…3 (−y, +x, +y, −x side); metres."""

    wall: int
    along: float
    width: float
    bottom: float
    top: float
    outside: bool
    leaf: str  # "open", "door" (shut), "window"


@dataclass(frozen=True)
class Shell:
    """A room around the origin: x spans width, y spans depth."""

    width: float
    depth: float
    height: float
    openings: tuple[Opening, ...]

    def length(self, wall: int) -> float:
        return self.width if wall % 2 == 0 else self.depth

    def wall_point(self, wall: int, along: float, away: float) -> tuple[float, float, float, float]:
        """Point on a wall's inner face moved into the room, and the inward normal: x, y, nx, ny."""
        if wall == 0:
            return along, -self.depth / 2 + away, 0.0, 1.0
        if wall == 1:
            return self.width / 2 - away, along, -1.0, 0.0
        if wall == 2:
            return along, self.depth / 2 - away, 0.0, -1.0
        return -self.width / 2 + away, along, 1.0, 0.0


def wall_material(look: Look) -> Material:
    """Mostly painted plaster, light; sometimes paper, brick, wood."""
    kind = look.rng.random()
    if kind < 0.68:
        value = look.between(0.55, 1.0)
        warm = look.between(0, 0.22)
        tint = (value, value * (1 - warm * 0.35), value * (1 - warm))
        if look.chance(0.15):
            grey = look.between(0.25, 0.75)
            r, g, b = (float(v) for v in grey + 0.3 * (look.rng.random(3) - 0.5))
            tint = (r, g, b)
        return look.material("plaster", metres=look.between(1.5, 4), tint=tint)
    if kind < 0.85:
        return look.material("wallpaper", metres=look.between(0.5, 1.5))
    return look.material(
        "brick", "planks", "stone", "concrete", "tiles", metres=look.between(0.8, 1.5)
    )


def floor_material(look: Look) -> Material:
    if look.chance(0.12):
        names = look.rough("concrete", photo="photo_paving")
        return look.material(*names, metres=look.between(1, 2), gloss=0.1)
    name = str(
        look.rng.choice(
            ["planks", "parquet", "tiles", "carpet", "marble"], p=[0.4, 0.1, 0.22, 0.2, 0.08]
        )
    )
    gloss = 0.0 if name == "carpet" else look.between(0.05, 0.45)
    return look.material(name, metres=look.between(0.9, 2.0), gloss=gloss, vary=0.25)


def build_shell(b: Builder, look: Look, w: float, d: float, h: float, panels: float = 0.0) -> Shell:
    """Adds floor, ceiling, walls and fittings of a random room; some have `panels` on walls."""
    openings = _random_openings(look, w, d, h)
    shell = Shell(w, d, h, tuple(openings))
    floor = floor_material(look)
    ceiling = look.material("plaster", metres=3, tint=(0.95, 0.94, 0.92))
    if look.chance(0.1):
        ceiling = look.material("planks", metres=1.5)
    b.box((0, 0, -0.1), (w + 2 * THICK, d + 2 * THICK, 0.2), floor)
    b.box((0, 0, h + 0.1), (w + 2 * THICK, d + 2 * THICK, 0.2), ceiling)
    plain = wall_material(look)
    accent = wall_material(look) if look.chance(0.35) else plain
    trim = look.paint((0.85,) * 3) if look.chance(0.7) else look.wood()
    skirting = look.chance(0.7)
    panel = _panel(look) if panels and look.chance(panels) else None
    for wall in range(4):
        x, y, nx, ny = shell.wall_point(wall, 0.0, 0.0)
        mine = [o for o in openings if o.wall == wall]
        with b.placed(x, y, 0, math.atan2(ny, nx) - math.pi / 2):
            sign = 1.0 if wall in (0, 1) else -1.0
            length = shell.length(wall)
            build_wall(b, length, h, mine, sign, accent if wall == 0 else plain)
            _fit_openings(b, look, mine, sign, trim)
            for o in mine:
                if o.leaf == "open":
                    with b.placed(sign * o.along, -THICK):
                        annex(b, look, look.between(2.0, 4.5), look.between(1.8, 5.0), h, o.width)
            if panel is not None:
                _along_floor(b, length, mine, sign, *panel)
            if skirting:
                _along_floor(b, length, mine, sign, trim, (0.016, 0.1))
            _hang(b, look, length, h, mine, sign)
    if look.chance(0.25):
        _beams(b, look, shell)
    return shell


def _random_openings(look: Look, w: float, d: float, h: float) -> list[Opening]:
    out: list[Opening] = []
    walls = [int(i) for i in look.rng.permutation(4)]
    for wall in walls[: look.count(0, 2)]:
        length = w if wall % 2 == 0 else d
        n = look.count(1, 2) if length > 3.5 else 1
        bottom = look.between(0.0, 1.0) if look.chance(0.3) else look.between(0.75, 1.1)
        bottom = 0.05 if bottom < 0.4 else bottom
        top, size = look.between(1.95, h - 0.12), min(look.between(0.8, 2.2), length / n - 0.5)
        for i in range(n):
            along = (i + 0.5) / n * length - length / 2 + look.rng.normal(0, 0.05)
            out.append(Opening(wall, along, size, bottom, top, True, "window"))
    for wall in walls[2 : 2 + look.count(1, 2)]:
        length = w if wall % 2 == 0 else d
        along = look.between(-length / 2 + 0.65, length / 2 - 0.65)
        leaf = "open" if look.chance(0.45) else "door"
        out.append(Opening(wall, along, look.between(0.8, 1.0), 0.0, 2.05, False, leaf))
    return out


def build_wall(
    b: Builder, length: float, h: float, openings: list[Opening], sign: float, m: Material
) -> None:
    """A wall along x with its inner face at y = 0, cut by openings."""
    cursor = -length / 2 - THICK
    for o in sorted(openings, key=lambda o: sign * o.along):
        a, e = sign * o.along - o.width / 2, sign * o.along + o.width / 2
        b.box(((cursor + a) / 2, -THICK / 2, h / 2), (a - cursor, THICK, h), m)
        if o.bottom > 0.01:
            b.box(((a + e) / 2, -THICK / 2, o.bottom / 2), (e - a, THICK, o.bottom), m)
        b.box(((a + e) / 2, -THICK / 2, (o.top + h) / 2), (e - a, THICK, h - o.top), m)
        cursor = e
    end = length / 2 + THICK
    b.box(((cursor + end) / 2, -THICK / 2, h / 2), (end - cursor, THICK, h), m)


def _fit_openings(
    b: Builder, look: Look, openings: list[Opening], sign: float, trim: Material
) -> None:
    for o in openings:
        x, w, high = sign * o.along, o.width, o.top - o.bottom
        t = look.between(0.05, 0.1)
        for s in (-1, 1):
            b.box((x + s * (w + t) / 2, 0.01, o.bottom + high / 2), (t, 0.04, high), trim)
        b.box((x, 0.01, o.top + t / 2), (w + 2 * t, 0.04, t), trim)
        if o.leaf == "window":
            b.box((x, 0.04, o.bottom - 0.02), (w + 0.16, 0.16, 0.04), trim)
            bars = look.count(1, 3)
            for i in range(bars + 1):
                at = x - w / 2 + i * w / bars
                b.box((at, -0.08, o.bottom + high / 2), (0.05, 0.05, high), trim)
            for z in (o.bottom + 0.025, o.top - 0.025, o.bottom + high * look.between(0.4, 0.7)):
                b.box((x, -0.08, z), (w, 0.05, 0.05), trim)
            _drape(b, look, x, w, o)
        elif o.leaf == "door":
            face = look.material("door", metres=0)
            b.box((x, -0.06, o.top / 2), (w, 0.04, o.top), face)
        elif look.chance(0.7):
            face = look.material("door", metres=0)
            turn = look.between(1.2, 1.9)
            with b.placed(x - w / 2, -0.1, 0, -turn):
                b.box((w / 2, 0, o.top / 2), (w, 0.04, o.top - 0.02), face)


def _drape(b: Builder, look: Look, x: float, w: float, o: Opening) -> None:
    """Curtains as rows of upright folds, or a blind."""
    if look.chance(0.45):
        cloth = look.material("fabric", metres=0.6)
        low = 0.05 if look.chance(0.7) else o.bottom - 0.1
        top = o.top + 0.12
        b.rod((x - w / 2 - 0.35, 0.1, top), (x + w / 2 + 0.35, 0.1, top), 0.03, look.metal())
        for s in (-1, 1):
            for i in range(4):
                at = x + s * (w / 2 + 0.25 - i * 0.11)
                b.cylinder((at, 0.09, (low + top) / 2), (0.13, 0.1, top - low), cloth)
    elif look.chance(0.3):
        slat = look.wood()
        low = o.top - (o.top - o.bottom) * look.between(0.3, 1.0)
        n = int((o.top - low) / 0.09)
        for i in range(n):
            b.box((x, -0.03, o.top - (i + 0.5) * 0.09), (w, 0.05, 0.008), slat, roll=0.5)


def _panel(look: Look) -> tuple[Material, tuple[float, float]]:
    """What covers the lower part of walls, in wood, tiles or a strong colour; thickness, height."""
    size = (0.01, look.between(0.7, 1.2))
    if look.chance(0.5):
        return look.paint(deep(look), gloss=look.between(0, 0.4)), size
    metres = look.between(0.5, 1.2)
    return look.material("planks", "tiles", "wallpaper", metres=metres, vary=0.4), size


def _along_floor(
    b: Builder,
    length: float,
    openings: list[Opening],
    sign: float,
    m: Material,
    size: tuple[float, float],
) -> None:
    """A skirting or a panel of some thickness and height (metres), with gaps for openings."""
    (thick, high), cursor = size, -length / 2
    reaching = [o for o in openings if o.bottom < high]
    for o in sorted(reaching, key=lambda o: sign * o.along):
        a = sign * o.along - o.width / 2
        b.box(((cursor + a) / 2, thick / 2, high / 2), (a - cursor, thick, high), m)
        cursor = a + o.width
    end = length / 2
    b.box(((cursor + end) / 2, thick / 2, high / 2), (end - cursor, thick, high), m)


def _hang(
    b: Builder, look: Look, length: float, h: float, openings: list[Opening], sign: float
) -> None:
    """Pictures, mirrors, shelves, radiators, clocks where the wall is free."""
    for _ in range(look.count(0, 4)):
        w, high = look.between(0.25, 1.1), look.between(0.25, 0.9)
        x = look.between(-length / 2 + w, length / 2 - w)
        if any(abs(sign * o.along - x) < (o.width + w) / 2 + 0.12 for o in openings):
            continue
        z = look.between(1.35, max(1.4, h - 0.2 - high / 2))
        kind = look.rng.random()
        if kind < 0.75:
            picture = look.material(*look.photo(), metres=0, gloss=0.1)
            frame = look.wood() if look.chance(0.5) else look.paint((0.03,) * 3)
            b.box((x, 0.012, z), (w, 0.024, high), frame)
            border = look.between(0.02, 0.06)
            b.box((x, 0.02, z), (w - border, 0.022, high - border), picture)
        elif kind < 0.85:
            b.box((x, 0.1, z), (w, 0.2, 0.025), look.wood())
        elif kind < 0.93:
            metal = look.paint((0.8, 0.8, 0.78), 0.2)
            for i in range(int(w / 0.09)):
                b.box((x - w / 2 + i * 0.09, 0.06, 0.4), (0.06, 0.08, 0.6), metal)
        else:
            b.cylinder((x, 0.02, z), (0.32, 0.32, 0.03), look.paint((0.8,) * 3), roll=1.5708)


def _beams(b: Builder, look: Look, shell: Shell) -> None:
    m, n = look.wood(), look.count(2, 5)
    for i in range(n):
        x = ((i + 0.5) / n - 0.5) * shell.width
        b.box((x, 0, shell.height - 0.08), (0.14, shell.depth, 0.16), m)


def garden(b: Builder, look: Look, shell: Shell) -> None:
    """What windows look out on: ground, hedges, trees, a wall of a house."""
    ground = look.material("grass", "paving", "concrete", metres=2.5)
    with b.shadowless():
        b.box((0, 0, -0.65), (160, 160, 1.0), ground)
        for _ in range(look.count(4, 10)):
            a, r = look.between(0, 2 * math.pi), look.between(7, 25)
            at = (r * math.cos(a), r * math.sin(a))
            kind = look.rng.random()
            with b.placed(*at, -0.2):
                if kind < 0.45:
                    tree(b, look, look.between(3, 8))
                elif kind < 0.75:
                    bush(b, look, look.between(0.8, 2.0))
                else:
                    wall = look.material("facade", metres=3)
                    size = look.between(4, 12)
                    b.box((0, 0, size / 2), (size, size, size), wall, yaw=look.between(0, 3))


def garden_around(b: Builder, look: Look, level: float) -> None:
    """Outside ground, trees and houses around a building, for what is seen through windows."""
    ground = look.material("grass", "paving", "concrete", metres=2.5)
    with b.shadowless():
        b.box((0, 0, level - 0.8), (300, 300, 1.0), ground)
        for _ in range(look.count(5, 12)):
            a, r = look.between(0, 2 * math.pi), look.between(12, 30)
            with b.placed(r * math.cos(a), r * math.sin(a), level - 0.3):
                if look.chance(0.6):
                    tree(b, look, look.between(4, 9))
                else:
                    size = look.between(5, 14)
                    wall = look.material("facade", metres=3)
                    b.box((0, 0, size / 2), (size, size, size), wall, yaw=look.between(0, 3))


def annex(b: Builder, look: Look, w: float, d: float, h: float, gap: float) -> None:
    """A further room behind an opening of width `gap` at the origin, reaching towards −y."""
    wall = wall_material(look)
    with b.shadowless():
        b.box((0, -d / 2, 0.002), (w, d, 0.01), floor_material(look))
        b.box((0, -d - 0.05, h / 2), (w + 0.2, 0.1, h), wall)
        b.box((0, -d / 2, h - 0.01), (w, d, 0.02), look.material("plaster", metres=2))
        for s in (-1, 1):
            b.box((s * (w / 2 + 0.05), -d / 2, h / 2), (0.1, d, h), wall)
            side = (w - gap) / 2
            b.box((s * (gap + side) / 2, -0.02, h / 2), (side, 0.02, h), wall)
        if look.chance(0.8):
            size = look.between(0.4, min(1.2, w * 0.7))
            picture = look.material(*look.photo(), metres=0, glow=look.between(0, 0.4))
            b.box((0, -d + 0.02, 1.55), (size, 0.03, size * 0.8), picture)
        if look.chance(0.7):
            body = look.wood()
            wide, high = look.between(0.5, w * 0.8), look.between(0.5, 1.0)
            b.box((0, -d + 0.3, high / 2), (wide, 0.5, high), body)
