"""Chairs within reach, before cupboards, panels and shelves: looking down in a full small room.

What a hand-held camera sees that walks round a kitchen table or between desks: backs of chairs cut
by the picture's edge, a table's corner, and behind them, from corner to corner, one strong colour.
Around `tables`, chairs stand at the table and are seldom near; both drew such chairs as a part of
what is behind them.
"""

from __future__ import annotations

import math

from engine.training.worlds.blueprint import Blueprint, Look
from engine.training.worlds.captions import article, listed
from engine.training.worlds.objects import furniture as f
from engine.training.worlds.objects import tabletops as t
from engine.training.worlds.objects.furnishing import Rectangle, furnish, lit, overlaps, worktops
from engine.training.worlds.objects.interior import build_shell
from engine.training.worlds.objects.seats import seat
from engine.training.worlds.shapes import Builder
from engine.training.worlds.surveying import WalkStyle

_AROUND = {
    "kitchen": (f.fridge, f.shelf, f.cabinet, t.counter),
    "office": (f.desk, f.desk, f.shelf, f.cabinet, f.box_pile),
    "living room": (f.sofa, f.shelf, f.cabinet, f.floor_lamp, f.potted_plant),
}
#: Metres that a camera keeps around its place, and that seats keep from walls.
_STEP, _WALL = 0.2, 0.3


def build_seats(look: Look) -> Blueprint:
    """A room seen from between its chairs."""
    b = Builder()
    kind = str(look.rng.choice(list(_AROUND), p=[0.75, 0.15, 0.1]))
    w, d, h = look.between(2.6, 4.8), look.between(2.6, 4.8), look.between(2.35, 3.0)
    shell = build_shell(b, look, w, d, h, panels=0.4)
    x, y = look.between(-w * 0.18, w * 0.18), look.between(-d * 0.18, d * 0.18)
    taken: list[Rectangle] = [(x - _STEP, y - _STEP, x + _STEP, y + _STEP)]
    rows = worktops(b, look, shell, taken) if kind == "kitchen" and look.chance(0.85) else []
    names = furnish(b, look, shell, _AROUND[kind], taken)
    sights = rows or [shell.wall_point(wall, 0.0, 0.0)[:2] for wall in range(4)]
    room = (w / 2 - _WALL, d / 2 - _WALL)
    tabled = _table(b, look, (x, y), sights, (room, taken))
    _seats(b, look, (x, y), sights, (room, taken))
    light = lit(b, look, shell)
    names += ["counter"] * bool(rows) + ["table"] * tabled
    caption = f"chairs in {article(kind)} with {listed(names or ['wall'])}"
    style = WalkStyle(
        areas=((x - _STEP, y - _STEP, x + _STEP, y + _STEP),),
        eye_height=(1.05, 1.75),
        clearance=0.2,
        fov=(46.0, 75.0),
        pitch=(-21.0, 10.0),
        steepest=50.0,
        rest=-21.0,
        towards=tuple(sights),
        tilt=3.0,
        ceiling=h - 0.25,
        step_range=(0.3, 2.0),
        stay=True,
    )
    return Blueprint(b, light, caption, style, (0.0, 0.0), math.hypot(w, d) / 2 + 0.3, h - 0.3)


#: Half the room's free floor in x and y, and what of it is taken.
_Floor = tuple[tuple[float, float], list[Rectangle]]


def _ahead(
    look: Look,
    here: tuple[float, float],
    sights: list[tuple[float, float]],
    far: tuple[float, float],
) -> tuple[float, float]:
    """A place between the camera's and one of the sights, or beside that line."""
    to = sights[look.count(0, len(sights) - 1)]
    bearing = math.atan2(to[1] - here[1], to[0] - here[0]) + look.rng.normal(0, 0.5)
    away = look.between(*far)
    return here[0] + away * math.cos(bearing), here[1] + away * math.sin(bearing)


def _free(x: float, y: float, half: float, floor: _Floor) -> bool:
    (across, along), taken = floor
    box = (x - half, y - half, x + half, y + half)
    return abs(x) < across and abs(y) < along and not any(overlaps(box, t) for t in taken)


def _table(
    b: Builder,
    look: Look,
    here: tuple[float, float],
    sights: list[tuple[float, float]],
    floor: _Floor,
) -> bool:
    """Whether a table found a place ahead."""
    if not look.chance(0.65):
        return False
    table = t.laid_table(look, look.between(0.7, 1.6), look.between(0.6, 0.95), 0.75)
    half = min(table.width, table.depth) / 2
    for _ in range(8):
        x, y = _ahead(look, here, sights, (half + 0.3, half + 1.0))
        if not _free(x, y, half, floor):
            continue
        floor[1].append((x - half, y - half, x + half, y + half))
        with b.placed(x, y, 0, look.between(0, 2 * math.pi)), b.placed(0, -table.depth / 2):
            table.build(b)
        return True
    return False


def _seats(
    b: Builder,
    look: Look,
    here: tuple[float, float],
    sights: list[tuple[float, float]],
    floor: _Floor,
) -> None:
    """Two to six seats that are turned anyhow, most of them ahead and near."""
    piece = seat(look)
    half = piece.depth / 2
    for _ in range(look.count(2, 6)):
        for _ in range(6):
            x, y = _ahead(look, here, sights, (half + 0.25, half + 1.1))
            if not _free(x, y, half, floor):
                continue
            floor[1].append((x - half, y - half, x + half, y + half))
            with b.placed(x, y, 0, look.between(0, 2 * math.pi)), b.placed(0, -half):
                piece.build(b)
            break
