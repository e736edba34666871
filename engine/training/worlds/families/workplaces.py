"""Offices and meeting rooms from a chair's height: screens and tables that stand before others.

What fills such photos stands in rows: the nearest screens reach into the picture from its lower
edge, dark before a light wall; a long table runs away from the camera between two rows of chairs.
In `rooms` desks stand along the walls, seen from across a free floor.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from engine.training.worlds.blueprint import Blueprint, Look
from engine.training.worlds.captions import listed
from engine.training.worlds.objects import furniture as f
from engine.training.worlds.objects.furnishing import Rectangle, furnish, lit
from engine.training.worlds.objects.furniture import television
from engine.training.worlds.objects.interior import Shell, build_shell
from engine.training.worlds.objects.piece import Piece
from engine.training.worlds.objects.workplaces import long_table, office_chair, workstation
from engine.training.worlds.shapes import Builder
from engine.training.worlds.surveying import WalkStyle

_ALONG_WALLS = (f.shelf, f.cabinet, f.box_pile, f.potted_plant, f.shelf)
#: Metres that cameras keep from walls.
_WALL = 0.35


@dataclass(frozen=True)
class _Stands:
    """Where cameras may stand, and what they look at there."""

    areas: tuple[Rectangle, ...]
    towards: tuple[tuple[float, float], ...]


def build_workplace(look: Look) -> Blueprint:
    """Rows of desks, or a table for many."""
    b = Builder()
    meeting = look.chance(0.4)
    if meeting:
        w, d, h = look.between(3.8, 7.5), look.between(3.0, 5.0), look.between(2.4, 3.1)
    else:
        w, d, h = look.between(4.5, 11.0), look.between(4.0, 9.0), look.between(2.5, 3.4)
    shell = build_shell(b, look, w, d, h, panels=0.25)
    taken: list[Rectangle] = []
    stands = _meeting(b, look, shell, taken) if meeting else _desks(b, look, shell, taken)
    names = furnish(b, look, shell, _ALONG_WALLS, taken)
    light = lit(b, look, shell)
    style = WalkStyle(
        areas=stands.areas,
        eye_height=(1.05, 1.75),
        clearance=0.2,
        fov=(45.0, 82.0),
        pitch=(-10.0, 8.0),
        steepest=40.0,
        rest=-10.0,
        towards=stands.towards,
        tilt=1.5,
        ceiling=h - 0.25,
        step_range=(0.4, 4.0),
    )
    room = "a meeting room" if meeting else "an office"
    caption = f"{room} with {listed(['table' if meeting else 'desk', 'chair', *names])}"
    return Blueprint(b, light, caption, style, (0.0, 0.0), math.hypot(w, d) / 2 + 0.3, h - 0.3)


def _meeting(b: Builder, look: Look, shell: Shell, taken: list[Rectangle]) -> _Stands:
    table, seat = long_table(look), office_chair(look)
    w = min(table.width, shell.width - 1.6)
    x, y = look.between(-0.3, 0.3), look.between(-0.3, 0.3)
    near = table.depth / 2
    taken.append((x - w / 2 - 0.7, y - near - 0.7, x + w / 2 + 0.7, y + near + 0.7))
    with b.placed(x, y - near):
        table.build(b)
    places = max(2, int(table.width / look.between(0.6, 0.95)))
    for side in (0.0, math.pi):
        for i in range(places):
            if not look.chance(0.8):
                continue
            along = ((i + 0.5) / places - 0.5) * table.width + look.rng.normal(0, 0.05)
            away = -near - look.between(0.0, 0.5)
            with b.placed(x, y, 0, side), b.placed(along, away, 0, look.rng.normal(0, 0.35)):
                seat.build(b)
    if look.chance(0.6):
        _hang_screen(b, look, shell)
    half_w, half_d = shell.width / 2 - _WALL, shell.depth / 2 - _WALL
    ends = table.width / 2
    areas = (
        (-half_w, -half_d, min(x - ends - 0.2, half_w - 0.3), half_d),
        (max(x + ends + 0.2, -half_w + 0.3), -half_d, half_w, half_d),
        (-half_w, -half_d, half_w, min(y - near - 0.4, -half_d + 0.6)),
    )
    sights = tuple((x + share * ends, y) for share in (-0.6, 0.0, 0.6))
    return _Stands(tuple(_proper(a) for a in areas), sights)


def _proper(area: Rectangle) -> Rectangle:
    """Not empty, where the room left little."""
    x0, y0, x1, y1 = area
    return x0, y0, max(x1, x0 + 0.1), max(y1, y0 + 0.1)


def _hang_screen(b: Builder, look: Look, shell: Shell) -> None:
    """A large screen on a short wall, where nothing opens."""
    wall = 1 if look.chance(0.5) else 3
    if any(o.wall == wall for o in shell.openings):
        return
    px, py, nx, ny = shell.wall_point(wall, 0.0, 0.02)
    screen = television(look, look.between(1.0, 1.9))
    with b.placed(px, py, 0, math.atan2(ny, nx) - math.pi / 2):
        height = screen.width * 0.58
        b.box((0, 0.03, 1.45), (screen.width, 0.05, height), screen.case)
        b.box((0, 0.058, 1.45), (screen.width - 0.04, 0.01, height - 0.04), screen.picture)


def _desks(b: Builder, look: Look, shell: Shell, taken: list[Rectangle]) -> _Stands:
    """Double rows of desks along x, people back to back across the aisles."""
    aisle, seat = look.between(1.3, 2.2), office_chair(look)
    divided = look.chance(0.4)
    cloth = look.cloth(1.0)
    half_w = shell.width / 2
    areas, sights = [], []
    y = -shell.depth / 2 + look.between(0.9, 1.8)
    while y < shell.depth / 2 - 0.9:
        x = -half_w + look.between(0.3, 1.6)
        first = x
        while True:
            pair = (workstation(look), workstation(look))
            wide = max(p.width for p in pair)
            if x + wide > half_w - 0.3:
                break
            if look.chance(0.9):
                for side, piece in zip((0.0, math.pi), pair, strict=True):
                    with b.placed(x + wide / 2, y, 0, side):
                        piece.build(b)
                        _seat_at(b, look, seat, piece)
                sights.append((x + wide / 2, y))
            x += wide + (look.between(0, 0.8) if look.chance(0.2) else 0.02)
        deep = max(p.depth for p in pair)
        if divided and x > first:
            high = look.between(1.05, 1.35)
            b.box(((first + x) / 2, y, 0.4 + high / 2 - 0.2), (x - first, 0.04, high - 0.4), cloth)
        taken.append((first - 0.2, y - deep - 0.6, max(x, first) + 0.2, y + deep + 0.6))
        areas.append((-half_w + _WALL, y + deep + 0.1, half_w - _WALL, y + deep + aisle - 0.1))
        areas.append((-half_w + _WALL, y - deep - aisle + 0.1, half_w - _WALL, y - deep - 0.1))
        y += 2 * deep + aisle
    return _Stands(tuple(areas), tuple(sights) or ((0.0, 0.0),))


def _seat_at(b: Builder, look: Look, seat: Piece, desk: Piece) -> None:
    """A chair before a desk, its back to the aisle, more or less."""
    if not look.chance(0.8):
        return
    away = desk.depth + look.between(0.15, 0.75)
    turn = math.pi + look.rng.normal(0, 0.5)
    with b.placed(look.rng.normal(0, 0.12), away, 0, turn):
        seat.build(b)
