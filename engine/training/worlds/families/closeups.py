"""Things from near: chairs, people, plants, cars and bicycles that fill a good part of the picture.

The camera stands an arm's length to a few steps away, often tilted, and the picture's border cuts
through what is in front. Elsewhere walkers keep their distance, and a network learns that whatever
is lower in the picture is nearer; here that is wrong.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from engine.training.worlds.blueprint import Blueprint, Look
from engine.training.worlds.captions import article, listed
from engine.training.worlds.lights import daylight
from engine.training.worlds.objects import furniture as f
from engine.training.worlds.objects import street as s
from engine.training.worlds.objects import tabletops as t
from engine.training.worlds.objects.buildings import cottage, house
from engine.training.worlds.objects.furnishing import Rectangle, furnish, lit, overlaps, worktops
from engine.training.worlds.objects.interior import build_shell
from engine.training.worlds.objects.piece import Piece
from engine.training.worlds.objects.plants import bush, hedge, tree
from engine.training.worlds.shapes import Builder
from engine.training.worlds.surveying import WalkStyle

_ROOMS: dict[str, tuple[Callable[[Look], Piece], ...]] = {
    "kitchen": (t.counter, t.counter, f.kitchen_row, f.fridge, f.cabinet),
    "office": (f.desk, f.shelf, f.cabinet, t.counter, f.box_pile),
    "living room": (f.sofa, f.shelf, f.cabinet, f.floor_lamp, f.potted_plant),
    "storeroom": (f.shelf, f.shelf, f.box_pile, f.cabinet),
}

#: A thing's name, how far it reaches from its middle (metres), and how it is built there.
Thing = tuple[str, float, Callable[[Builder], None]]


@dataclass(frozen=True)
class Group:
    """Things that stand together: their names, places and the square that they take."""

    names: list[str]
    places: tuple[tuple[float, float], ...]
    reach: float


def build_closeup(look: Look) -> Blueprint:
    """A group of things in a room or in the open, with the camera right before it."""
    return _indoors(look) if look.chance(0.6) else _outdoors(look)


def _indoors(look: Look) -> Blueprint:
    b = Builder()
    kind = str(look.rng.choice(list(_ROOMS), p=[0.35, 0.25, 0.25, 0.15]))
    w, d, h = look.between(3.0, 6.5), look.between(3.0, 6.0), look.between(2.35, 3.0)
    shell = build_shell(b, look, w, d, h, panels=0.25)
    group = stand(b, look, [_indoor_thing(look) for _ in range(look.count(2, 5))], spread=1.0)
    taken = [square(group.reach)]
    if kind == "kitchen" and look.chance(0.5):
        worktops(b, look, shell, taken)
    names = furnish(b, look, shell, _ROOMS[kind], taken)
    light = lit(b, look, shell)
    inside = (-w / 2 + 0.25, -d / 2 + 0.25, w / 2 - 0.25, d / 2 - 0.25)
    style = _style(look, group, inside, away=(0.3, 1.2), ceiling=h - 0.25)
    caption = f"{listed(group.names)} in {article(kind)}"
    if names:
        caption += f" with {listed(names)}"
    return Blueprint(b, light, caption, style, (0.0, 0.0), math.hypot(w, d) / 2 + 0.3, h - 0.3)


def _outdoors(look: Look) -> Blueprint:
    b = Builder()
    paved = look.chance(0.6)
    ground = ("paving", "concrete") if paved else ("grass", "grass")
    rough = look.rough(*ground, photo="photo_paving" if paved else "photo_leaves")
    b.box((0, 0, -0.5), (300, 300, 1.0), look.material(*rough, metres=look.between(1.2, 2.4)))
    group = stand(b, look, [_outdoor_thing(look) for _ in range(look.count(1, 3))], spread=2.0)
    for side in range(4):
        behind(b, look, side * math.pi / 2, group.reach + look.between(1.5, 16.0))
    bound = group.reach + 6.0
    style = _style(look, group, (-bound, -bound, bound, bound), away=(0.5, 4.0), ceiling=6.0)
    caption = f"{listed(group.names)} in {'a street' if paved else 'a garden'}"
    return Blueprint(b, daylight(look), caption, style, (0.0, 0.0), group.reach + 12.0, 2.2)


def _indoor_thing(look: Look) -> Thing:
    if look.chance(0.15):
        return "person", 0.35, lambda b: s.person(b, look)
    makes = (
        t.slatted_chair, t.slatted_chair, f.chair, f.chair, f.desk, f.table, f.sofa, f.floor_lamp,
        f.potted_plant, f.potted_plant, f.box_pile, f.shelf, f.cabinet,
    )  # fmt: skip
    piece = makes[look.count(0, len(makes) - 1)](look)

    def build(b: Builder) -> None:
        with b.placed(0, -piece.depth / 2):
            piece.build(b)

    return piece.name, math.hypot(piece.width, piece.depth) / 2, build


def _outdoor_thing(look: Look) -> Thing:
    things: Sequence[Thing] = (
        ("car", 2.4, lambda b: s.car(b, look)),
        ("car", 2.4, lambda b: s.car(b, look)),
        ("van", 3.3, lambda b: s.van(b, look)),
        ("bicycle", 0.9, lambda b: s.bicycle(b, look)),
        ("motorcycle", 1.1, lambda b: s.motorcycle(b, look)),
        ("person", 0.35, lambda b: s.person(b, look)),
        ("person", 0.35, lambda b: s.person(b, look)),
        ("bench", 0.85, lambda b: s.bench(b, look)),
        ("sign", 0.6, lambda b: s.sign_post(b, look)),
        ("bush", 0.9, lambda b: bush(b, look, look.between(0.6, 1.6))),
        ("tree", 0.6, lambda b: tree(b, look, look.between(2.5, 6.0))),
    )
    return things[look.count(0, len(things) - 1)]


def stand(b: Builder, look: Look, things: list[Thing], spread: float) -> Group:
    """Around the origin, apart from each other; what finds no place is left out."""
    taken: list[Rectangle] = []
    names, places = [], []
    reach = 0.0
    for name, radius, build in things:
        for _ in range(12):
            x, y = (look.between(-spread, spread) if taken else 0.0 for _ in range(2))
            box = (x - radius, y - radius, x + radius, y + radius)
            if any(overlaps(box, other) for other in taken):
                continue
            with b.placed(x, y, 0, look.between(0, 2 * math.pi)):
                build(b)
            taken.append(box)
            names.append(name)
            places.append((x, y))
            reach = max(reach, abs(x) + radius, abs(y) + radius)
            break
    return Group(names, tuple(places), reach)


def square(reach: float) -> Rectangle:
    return (-reach, -reach, reach, reach)


def behind(b: Builder, look: Look, turn: float, away: float) -> None:
    """What stands on one side: houses, a cottage, a hedge, trees, or nothing for a long way."""
    kind = look.between(0, 1)
    with b.placed(-math.sin(turn) * away, math.cos(turn) * away, 0, turn):
        if kind < 0.45:
            for i in range(-1, 2):
                with b.placed(i * 9.0, 0):
                    house(b, look, 9.0, 9.0, look.count(1, 4), near=True)
        elif kind < 0.6:
            cottage(b, look)
        elif kind < 0.75:
            hedge(b, look, look.between(6, 20), look.between(0.9, 2.4))
        elif kind < 0.9:
            for _ in range(look.count(2, 6)):
                with b.placed(look.between(-10, 10), look.between(0, 8)):
                    tree(b, look, look.between(3, 9))


def _style(
    look: Look, group: Group, inside: Rectangle, away: tuple[float, float], ceiling: float
) -> WalkStyle:
    far = group.reach + look.between(*away)
    area = (max(-far, inside[0]), max(-far, inside[1]), min(far, inside[2]), min(far, inside[3]))
    return WalkStyle(
        areas=(area,),
        eye_height=(0.7, 1.75),
        clearance=0.2,
        fov=(44.0, 80.0),
        pitch=(-11.0, 9.0),
        ceiling=ceiling,
        step_range=(0.3, 4.0),
        stay=True,
        steepest=45.0,
        rest=-10.0,
        towards=group.places,
        tilt=5.0,
    )
