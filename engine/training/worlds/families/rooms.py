"""Furnished rooms: living rooms, bedrooms, kitchens, offices, halls."""

from __future__ import annotations

import math
from collections.abc import Callable

from engine.training.worlds.blueprint import Blueprint, Look
from engine.training.worlds.captions import article, listed
from engine.training.worlds.objects import furniture as f
from engine.training.worlds.objects.furnishing import Rectangle, furnish, lit, overlaps
from engine.training.worlds.objects.interior import Opening, Shell, build_shell
from engine.training.worlds.objects.piece import Piece
from engine.training.worlds.shapes import Builder
from engine.training.worlds.surveying import WalkStyle

_PIECES: dict[str, tuple[Callable[[Look], Piece], ...]] = {
    "living room": (f.sofa, f.sofa, f.shelf, f.cabinet, f.cabinet, f.floor_lamp, f.potted_plant),
    "bedroom": (f.bed, f.cabinet, f.cabinet, f.shelf, f.desk, f.floor_lamp, f.potted_plant),
    "kitchen": (f.kitchen_row, f.fridge, f.kitchen_row, f.cabinet, f.shelf, f.table),
    "office": (f.desk, f.desk, f.desk, f.shelf, f.shelf, f.cabinet, f.box_pile, f.potted_plant),
    "dining room": (f.cabinet, f.shelf, f.cabinet, f.potted_plant, f.sofa),
    "storeroom": (f.shelf, f.shelf, f.box_pile, f.box_pile, f.cabinet, f.box_pile),
}


def build_room(look: Look) -> Blueprint:
    """One room with openings to the outside, furniture along its walls, things in the middle."""
    b = Builder()
    kind = str(look.rng.choice(list(_PIECES), p=[0.28, 0.2, 0.2, 0.16, 0.1, 0.06]))
    w, d, h = look.between(3.2, 7.5), look.between(3.2, 7.0), look.between(2.35, 3.1)
    shell = build_shell(b, look, w, d, h)
    taken = [_keep_free(o, shell) for o in shell.openings if o.bottom < 0.5]
    names = furnish(b, look, shell, _PIECES[kind], taken)
    _middle(b, look, shell, kind, taken, names)
    light = lit(b, look, shell)
    caption = f"{article(kind)} with {listed(names)}" if names else article(kind)
    style = WalkStyle(
        areas=((-w / 2 + 0.4, -d / 2 + 0.4, w / 2 - 0.4, d / 2 - 0.4),),
        eye_height=(1.1, 1.7),
        clearance=0.3,
        fov=(52.0, 92.0),
        pitch=(-6.0, 7.0),
        ceiling=h - 0.25,
        step_range=(0.5, 5.0),
        stay=True,
    )
    return Blueprint(b, light, caption, style, (0.0, 0.0), math.hypot(w, d) / 2 + 0.3, h - 0.3)


def _keep_free(opening: Opening, shell: Shell) -> Rectangle:
    """Floor in front of a door stays empty."""
    x, y, nx, ny = shell.wall_point(opening.wall, opening.along, 0.45)
    r = opening.width / 2 + 0.1
    return (x - r, y - r, x + r, y + r) if nx or ny else (x, y, x, y)


def _middle(
    b: Builder, look: Look, shell: Shell, kind: str, taken: list[Rectangle], names: list[str]
) -> None:
    """A rug, a table with chairs, in what floor is left."""
    w, d = shell.width, shell.depth
    x, y = look.between(-w * 0.12, w * 0.12), look.between(-d * 0.12, d * 0.12)
    turn = float(look.rng.choice([0.0, math.pi / 2])) + look.rng.normal(0, 0.06)
    if look.chance(0.5):
        rug = look.material("rug", "carpet", "fabric", metres=0, tint=(0.8,) * 3)
        size = (look.between(1.4, 2.6), look.between(1.0, 2.0), 0.012)
        b.box((x, y, 0.006), size, rug, yaw=turn)
    low = kind in ("living room", "bedroom")
    if not look.chance(0.75 if kind in ("dining room", "kitchen", "living room") else 0.35):
        return
    table = f.table(look, h=0.42 if low else 0.74)
    if min(w, d) < 3.6 and not low:
        return
    r = max(table.width, table.depth) / 2 + 0.3
    if any(overlaps((x - r, y - r, x + r, y + r), t) for t in taken):
        return
    with b.placed(x, y, 0, turn):
        with b.placed(0, -table.depth / 2):
            table.build(b)
        if not low:
            seat = f.chair(look)
            sides = [(0.0, table.depth, 0.0), (math.pi, table.depth, 0.0)]
            for angle, depth, _ in sides:
                for i in range(max(1, int(table.width / 0.65))):
                    at = (i + 0.5) / max(1, int(table.width / 0.65)) - 0.5
                    if look.chance(0.8):
                        with (
                            b.placed(0, 0, 0, angle),
                            b.placed(
                                at * table.width, -depth / 2 - 0.45, 0, look.rng.normal(0, 0.12)
                            ),
                        ):
                            seat.build(b)
    names.append("table")
