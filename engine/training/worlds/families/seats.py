"""Chairs within reach, before cupboards, panels and shelves: looking down in a full small room.

What a hand-held camera sees that walks round a kitchen table or between desks: backs of chairs cut
by the picture's edge, a table's corner, and behind them, from corner to corner, one strong colour.
Around `tables`, chairs stand at the table and are seldom near; both drew such chairs as a part of
what is behind them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from engine.training.worlds.blueprint import Blueprint, Look
from engine.training.worlds.captions import article, listed
from engine.training.worlds.objects import furniture as f
from engine.training.worlds.objects import tabletops as t
from engine.training.worlds.objects.furnishing import Rectangle, furnish, lit, overlaps, worktops
from engine.training.worlds.objects.interior import build_shell
from engine.training.worlds.objects.piece import Piece
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
    ahead = _Ahead((x, y), sights, (w / 2 - _WALL, d / 2 - _WALL), taken)
    tabled = _table(b, look, ahead)
    _seats(b, look, ahead)
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


@dataclass(frozen=True)
class _Search:
    """Attributes:
    half: side of the square that a piece keeps free, halved, metres.
    near, far: metres from the camera to the square, at least and at most.
    tries: places, before the piece is left out.
    """

    half: float
    near: float
    far: float
    tries: int


@dataclass(frozen=True)
class _Ahead:
    """The floor in front of a camera.

    Attributes:
        here: the camera's place.
        sights: places that it looks at.
        half_room: of the floor that is free of walls, in x and y.
        taken: rectangles of the floor where something stands; grows.
    """

    here: tuple[float, float]
    sights: list[tuple[float, float]]
    half_room: tuple[float, float]
    taken: list[Rectangle]

    def place(self, look: Look, search: _Search) -> tuple[float, float]:
        """Somewhere between the camera and a sight, or beside that line."""
        x, y = self.sights[look.count(0, len(self.sights) - 1)]
        bearing = math.atan2(y - self.here[1], x - self.here[0]) + look.rng.normal(0, 0.5)
        away = look.between(search.half + search.near, search.half + search.far)
        return self.here[0] + away * math.cos(bearing), self.here[1] + away * math.sin(bearing)

    def take(self, x: float, y: float, half: float) -> bool:
        """Whether a square around a place is free; it is taken then."""
        box = (x - half, y - half, x + half, y + half)
        within = abs(x) < self.half_room[0] and abs(y) < self.half_room[1]
        if not within or any(overlaps(box, t) for t in self.taken):
            return False
        self.taken.append(box)
        return True

    def stand(self, b: Builder, look: Look, piece: Piece, search: _Search) -> bool:
        """Whether a piece found a place, turned anyhow."""
        for _ in range(search.tries):
            x, y = self.place(look, search)
            if self.take(x, y, search.half):
                turn = look.between(0, 2 * math.pi)
                with b.placed(x, y, 0, turn), b.placed(0, -piece.depth / 2):
                    piece.build(b)
                return True
        return False


def _table(b: Builder, look: Look, ahead: _Ahead) -> bool:
    """Whether a table found a place ahead."""
    if not look.chance(0.65):
        return False
    table = t.laid_table(look, look.between(0.7, 1.6), look.between(0.6, 0.95), 0.75)
    search = _Search(min(table.width, table.depth) / 2, 0.3, 1.0, tries=8)
    return ahead.stand(b, look, table, search)


def _seats(b: Builder, look: Look, ahead: _Ahead) -> None:
    """Two to six seats, most of them ahead and near."""
    piece = seat(look)
    search = _Search(piece.depth / 2, 0.25, 1.1, tries=6)
    for _ in range(look.count(2, 6)):
        ahead.stand(b, look, piece, search)
