"""Puts furniture along the walls of a room, lamps under its ceiling, light into its windows."""

from __future__ import annotations

import math
from collections.abc import Callable

from engine.training.worlds.blueprint import Look
from engine.training.worlds.lighting import Lighting
from engine.training.worlds.lights import indoor_light
from engine.training.worlds.objects.interior import Shell, garden
from engine.training.worlds.objects.piece import Piece
from engine.training.worlds.objects.tabletops import counter, finish
from engine.training.worlds.shapes import Builder

#: Of the floor: least x, least y, greatest x, greatest y, in metres.
Rectangle = tuple[float, float, float, float]


def overlaps(a: Rectangle, b: Rectangle) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


def furnish(
    b: Builder,
    look: Look,
    shell: Shell,
    kinds: tuple[Callable[[Look], Piece], ...],
    taken: list[Rectangle],
) -> list[str]:
    """Pieces with their backs to walls; returns the names of what found a place."""
    names = []
    density = look.between(0.7, 1.0)
    pieces = list(kinds)
    pieces += [p for p in pieces if look.chance(0.6)]
    for make in pieces:
        if not look.chance(density):
            continue
        piece = make(look)
        for _ in range(10):
            wall = look.count(0, 3)
            span = shell.length(wall) / 2 - piece.width / 2 - 0.03
            if span <= 0:
                continue
            along = look.between(-span, span)
            if look.chance(0.3):
                along = math.copysign(span, along)
            x, y, nx, ny = shell.wall_point(wall, along, piece.depth / 2 + 0.02)
            half_x = (piece.width if ny else piece.depth) / 2
            half_y = (piece.depth if ny else piece.width) / 2
            box = (x - half_x, y - half_y, x + half_x, y + half_y)
            blocked = any(
                o.wall == wall
                and o.bottom < piece.height
                and abs(o.along - along) < (o.width + piece.width) / 2
                for o in shell.openings
            )
            if blocked or any(overlaps(box, t) for t in taken):
                continue
            taken.append(box)
            bx, by, _, _ = shell.wall_point(wall, along, 0.02)
            with b.placed(bx, by, 0, math.atan2(ny, nx) - math.pi / 2):
                piece.build(b)
            names.append(piece.name)
            break
    return names


def worktops(
    b: Builder, look: Look, shell: Shell, taken: list[Rectangle]
) -> list[tuple[float, float]]:
    """Cupboards of one look along one to three neighbouring walls, from corner to corner.

    Returns places in front of them to look at: none where doors or what is taken leave no room.
    """
    kit, first, places = finish(look), look.count(0, 3), []
    mine: list[Rectangle] = []
    for wall in range(first, first + look.count(1, 3)):
        wall %= 4
        low, high = free_stretch(shell, wall, kit.height + 0.3)
        width, middle = high - low, (low + high) / 2
        x, y, nx, ny = shell.wall_point(wall, middle, kit.depth / 2 + 0.02)
        half = (width / 2, kit.depth / 2 + 0.04)
        half_x, half_y = half if ny else half[::-1]
        box = (x - half_x, y - half_y, x + half_x, y + half_y)
        if width < 1.2 or any(overlaps(box, t) for t in taken):
            continue
        mine.append(box)
        places += [shell.wall_point(wall, at, kit.depth)[:2] for at in (low, middle, high)]
        bx, by, _, _ = shell.wall_point(wall, middle, 0.02)
        with b.placed(bx, by, 0, math.atan2(ny, nx) - math.pi / 2):
            counter(look, width, kit).build(b)
    taken += mine
    return places


def free_stretch(shell: Shell, wall: int, height: float) -> tuple[float, float]:
    """From where to where along a wall the longest piece runs that no opening cuts, metres."""
    reach = shell.length(wall) / 2 - 0.02
    ends = [-reach]
    for o in sorted(shell.openings, key=lambda o: o.along):
        if o.wall == wall and o.bottom < height:
            ends += [o.along - o.width / 2 - 0.12, o.along + o.width / 2 + 0.12]
    ends.append(reach)
    return max(zip(ends[::2], ends[1::2], strict=True), key=lambda pair: pair[1] - pair[0])


def lit(b: Builder, look: Look, shell: Shell) -> Lighting:
    """Lamps, and a garden in front of windows; returns the light that they give."""
    with b.shadowless():
        lights = lamps(b, look, shell)
    windows = any(o.outside for o in shell.openings)
    if windows:
        garden(b, look, shell)
    return indoor_light(look, shell.height, lights, windows)


def lamps(b: Builder, look: Look, shell: Shell) -> list[tuple[float, float, float]]:
    """Ceiling lamps; returns where light comes from, the shadow-casting one first."""
    h = shell.height
    glow = look.material("plaster", glow=look.between(1.0, 3.0))
    kind = look.count(0, 3)
    if kind == 0:
        b.ellipsoid((0, 0, h - 0.05), (0.4, 0.4, 0.14), glow)
        return [(0.0, 0.0, h - 0.2)]
    if kind == 1:
        drop = look.between(0.4, 0.9)
        b.cylinder((0, 0, h - drop / 2), (0.015, 0.015, drop), look.metal())
        b.cone((0, 0, h - drop), (0.4, 0.4, 0.22), 0.6, glow)
        return [(0.0, 0.0, h - drop - 0.15)]
    n = look.count(1, 2)
    places = []
    for i in range(-n + 1, n, 2):
        for j in (-1, 1):
            x, y = i * shell.width / 4, j * shell.depth / 4
            if kind == 2:
                b.box((x, y, h - 0.02), (1.1, 0.28, 0.04), glow)
            else:
                b.cylinder((x, y, h - 0.01), (0.16, 0.16, 0.03), glow)
            places.append((x, y, h - 0.1))
    return places
