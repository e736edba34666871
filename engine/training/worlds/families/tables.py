"""Tables, desks and counters from near: what a hand-held camera in a kitchen or an office sees.

The camera stands beside a table that fills the foreground, chairs in front of it, and looks down
over it at counters, shelves and papers. Rooms alone show furniture across a free floor.
"""

from __future__ import annotations

import math

from engine.training.worlds.blueprint import Blueprint, Look
from engine.training.worlds.captions import article, listed
from engine.training.worlds.objects import furniture as f
from engine.training.worlds.objects import tabletops as t
from engine.training.worlds.objects.furnishing import furnish, lit, worktops
from engine.training.worlds.objects.interior import Shell, build_shell
from engine.training.worlds.objects.piece import Piece
from engine.training.worlds.shapes import Builder
from engine.training.worlds.surveying import WalkStyle

_AROUND = {
    "kitchen": (t.counter, t.counter, t.counter, f.fridge, f.shelf, f.cabinet),
    "office": (f.desk, t.counter, f.shelf, f.shelf, f.cabinet, f.box_pile),
    "workshop": (t.counter, f.desk, f.shelf, f.box_pile, f.box_pile, f.cabinet),
    "living room": (f.sofa, f.sofa, f.shelf, f.cabinet, f.floor_lamp, f.potted_plant),
}

#: Beside worktops that fill whole walls.
_BESIDE = (f.fridge, f.shelf, f.cabinet)


def build_table(look: Look) -> Blueprint:
    """A furnished room around one table that the camera stands at."""
    b = Builder()
    kind = str(look.rng.choice(list(_AROUND), p=[0.45, 0.25, 0.15, 0.15]))
    w, d, h = look.between(2.8, 5.5), look.between(2.8, 5.0), look.between(2.35, 3.0)
    shell = build_shell(b, look, w, d, h, panels=0.25)
    x, y = look.between(-w * 0.15, w * 0.15), look.between(-d * 0.15, d * 0.15)
    table = _table(look, kind)
    reach = max(table.width, table.depth) / 2
    taken = [(x - reach, y - reach, x + reach, y + reach)]
    rows = worktops(b, look, shell, taken) if kind == "kitchen" and look.chance(0.6) else []
    names = furnish(b, look, shell, _BESIDE if rows else _AROUND[kind], taken)
    for wall in range(4):
        _pin(b, look, shell, wall)
    with b.placed(x, y, 0, look.between(0, 2 * math.pi)):
        tabled = not rows or look.chance(0.8)
        if tabled:
            with b.placed(0, -table.depth / 2):
                table.build(b)
        _chairs(b, look, table)
    light = lit(b, look, shell)
    if rows:
        names.append("counter")
    first = "a table" if tabled else "chairs"
    caption = f"{first} in {article(kind)} with {listed(names or ['chair'])}"
    style = _style(look, shell, [(x, y), *rows], reach)
    return Blueprint(b, light, caption, style, (0.0, 0.0), math.hypot(w, d) / 2 + 0.3, h - 0.3)


def _style(look: Look, shell: Shell, sights: list[tuple[float, float]], reach: float) -> WalkStyle:
    """Beside the table, the first of the sights, or a step away, looking down at it or over it."""
    (x, y), w, d = sights[0], shell.width / 2 - 0.25, shell.depth / 2 - 0.25
    far = reach + look.between(0.3, 1.1)
    area = (max(x - far, -w), max(y - far, -d), min(x + far, w), min(y + far, d))
    return WalkStyle(
        areas=(area,),
        eye_height=(1.0, 1.7),
        clearance=0.2,
        fov=(46.0, 80.0),
        pitch=(-17.0, 10.0),
        steepest=50.0,
        rest=-17.0,
        towards=tuple(sights),
        tilt=2.0,
        ceiling=shell.height - 0.25,
        step_range=(0.4, 3.0),
        stay=True,
    )


def _table(look: Look, kind: str) -> Piece:
    height = look.between(0.36, 0.5) if kind == "living room" else look.between(0.7, 0.95)
    return t.laid_table(look, look.between(0.8, 2.3), look.between(0.6, 1.3), height)


def _chairs(b: Builder, look: Look, table: Piece) -> None:
    """At the long sides, pushed in, pulled out or turned."""
    seat = t.slatted_chair(look) if look.chance(0.6) else f.chair(look)
    places = max(1, int(table.width / 0.65))
    for side in (0.0, math.pi):
        for i in range(places):
            if not look.chance(0.65):
                continue
            along = ((i + 0.5) / places - 0.5) * table.width + look.rng.normal(0, 0.06)
            away = -table.depth / 2 - look.between(0.05, 0.6)
            turn = look.rng.normal(0, 0.35)
            with b.placed(0, 0, 0, side), b.placed(along, away, 0, turn):
                seat.build(b)


def _pin(b: Builder, look: Look, shell: Shell, wall: int) -> None:
    """Papers and posters on a wall, in a rough row."""
    if look.chance(0.4):
        return
    x, y, nx, ny = shell.wall_point(wall, 0.0, 0.0)
    length = shell.length(wall)
    with b.placed(x, y, 0, math.atan2(ny, nx) - math.pi / 2):
        for _ in range(look.count(2, 9)):
            at, z = look.between(-length * 0.45, length * 0.45), look.between(1.1, 1.8)
            if any(abs(abs(o.along) - abs(at)) < o.width / 2 + 0.2 for o in shell.openings):
                continue
            t.sheet(b, look, (at, 0.035, z), flat=False)
