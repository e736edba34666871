"""Real things from near, as photos of single things show them: on a table, or on a floor.

The camera stands a step away at the height of the thing or above it, and what it shows fills much
of the picture. Any thing of a catalogue may stand beside any other.
"""

from __future__ import annotations

import math

from engine.training.worlds.blueprint import Blueprint, Look
from engine.training.worlds.captions import article, listed
from engine.training.worlds.families.closeups import behind, square
from engine.training.worlds.lights import daylight
from engine.training.worlds.objects import furniture as f
from engine.training.worlds.objects.furnishing import Rectangle, furnish, lit, overlaps
from engine.training.worlds.objects.interior import build_shell
from engine.training.worlds.objects.real import Thing, drawn, varied
from engine.training.worlds.shapes import Builder
from engine.training.worlds.surveying import WalkStyle

_AROUND = (f.sofa, f.shelf, f.cabinet, f.cabinet, f.desk, f.bed, f.floor_lamp, f.potted_plant)


def build_display(look: Look) -> Blueprint:
    """Small things on a table, or larger ones on a floor, in a room or in the open."""
    kind = look.between(0, 1)
    if kind < 0.45:
        return _on_table(look)
    return _indoors(look) if kind < 0.8 else _outdoors(look)


def _on_table(look: Look) -> Blueprint:
    b = Builder()
    w, d, h = look.between(2.8, 5.0), look.between(2.8, 4.6), look.between(2.35, 2.9)
    shell = build_shell(b, look, w, d, h, panels=0.2)
    label = look.real("table" if look.chance(0.8) else "low table", 1.0)
    table = varied(look, label) if label is not None else None
    wide, deep, top = (1.3, 0.7, 0.74) if table is None else (*table.size[:2], table.top)
    turn = look.between(0, 2 * math.pi)
    with b.placed(0, 0, 0, turn):
        if table is None:
            b.box((0, 0, top - 0.02), (wide, deep, 0.04), look.wood())
        else:
            table.build_middle(b, look)
        names = _spread(b, look, wide * 0.42, deep * 0.4, top)
    reach = max(wide, deep) / 2
    furnish(b, look, shell, _AROUND, [square(reach + 0.3)])
    light = lit(b, look, shell)
    caption = f"{listed(names)} on a table" if names else "a table in a room"
    style = _style(look, _Stand(((0.0, 0.0),), reach, top), (w / 2 - 0.25, d / 2 - 0.25), h - 0.2)
    return Blueprint(b, light, caption, style, (0.0, 0.0), math.hypot(w, d) / 2 + 0.3, h - 0.3)


class _Stand:
    """Where things stand, how far they reach from the middle, and how high the camera looks."""

    def __init__(
        self, places: tuple[tuple[float, float], ...], reach: float, height: float
    ) -> None:
        self.places, self.reach, self.height = places, reach, height


def _spread(b: Builder, look: Look, half_x: float, half_y: float, z: float) -> list[str]:
    """One large thing for a table or some smaller ones, apart from each other."""
    kinds = ["lamp", "plant", "screen", "laptop", "cup"] if look.chance(0.5) else []
    wanted = [k for k in kinds if look.chance(0.35)] + ["small"] * look.count(2, 9)
    taken: list[Rectangle] = []
    names = []
    for kind in wanted:
        thing = drawn(look, kind)
        if thing is None or max(thing.size) > 0.75:
            continue
        reach = max(thing.size[:2]) / 2 * 0.9
        for _ in range(10):
            x, y = look.between(-half_x, half_x), look.between(-half_y, half_y)
            box = (x - reach, y - reach, x + reach, y + reach)
            if any(overlaps(box, t) for t in taken):
                continue
            taken.append(box)
            with b.placed(x, y, z, look.between(0, 2 * math.pi)):
                thing.build_middle(b, look)
            names.append(thing.label.name)
            break
    return names


def _group(b: Builder, look: Look, things: list[Thing], spread: float) -> tuple[_Stand, list[str]]:
    """Things on the ground around the origin, the first one in the middle."""
    taken: list[Rectangle] = []
    names, places = [], []
    reach, height = 0.3, 0.4
    for thing in things:
        r = math.hypot(*thing.size[:2]) / 2
        for _ in range(12):
            x, y = (look.between(-spread, spread) if taken else 0.0 for _ in range(2))
            box = (x - r, y - r, x + r, y + r)
            if any(overlaps(box, t) for t in taken):
                continue
            taken.append(box)
            with b.placed(x, y, 0, look.between(0, 2 * math.pi)):
                thing.build_middle(b, look)
            names.append(thing.label.name)
            places.append((x, y))
            reach, height = max(reach, abs(x) + r, abs(y) + r), max(height, thing.size[2])
            break
    return _Stand(tuple(places) or ((0.0, 0.0),), reach, height), names


def _things(look: Look, kinds: tuple[str, ...], count: int) -> list[Thing]:
    chosen = [drawn(look, kinds[look.count(0, len(kinds) - 1)]) for _ in range(count)]
    return [t for t in chosen if t is not None]


def _indoors(look: Look) -> Blueprint:
    b = Builder()
    w, d, h = look.between(3.2, 7.0), look.between(3.2, 6.5), look.between(2.35, 3.2)
    shell = build_shell(b, look, w, d, h, panels=0.2)
    kinds = ("any", "any", "on floor", "chair", "armchair", "standing person", "plant on floor")
    things = [t for t in _things(look, kinds, look.count(1, 6)) if max(t.size) < min(w, d) * 0.55]
    stand, names = _group(b, look, things, spread=1.1)
    furnish(b, look, shell, _AROUND, [square(stand.reach)])
    light = lit(b, look, shell)
    caption = f"{listed(names)} in a room" if names else "a room"
    style = _style(look, stand, (w / 2 - 0.25, d / 2 - 0.25), h - 0.2)
    return Blueprint(b, light, caption, style, (0.0, 0.0), math.hypot(w, d) / 2 + 0.3, h - 0.3)


def _outdoors(look: Look) -> Blueprint:
    b = Builder()
    paved = look.chance(0.5)
    rough = look.rough(*(("paving", "concrete") if paved else ("grass",)),
                       photo="photo_paving" if paved else "photo_leaves")  # fmt: skip
    b.box((0, 0, -0.5), (300, 300, 1.0), look.material(*rough, metres=look.between(1.2, 2.4)))
    kinds = ("outdoors", "garden seat", "animal", "standing person", "car", "bicycle",
             "motorcycle", "any")  # fmt: skip
    stand, names = _group(b, look, _things(look, kinds, look.count(1, 5)), spread=2.5)
    for side in range(4):
        behind(b, look, side * math.pi / 2, stand.reach + look.between(2.0, 14.0))
    place = "a yard" if paved else "a garden"
    caption = f"{listed(names)} in {place}" if names else article(place[2:])
    bound = stand.reach + 6.0
    style = _style(look, stand, (bound, bound), 6.0)
    reach = stand.reach + 12.0
    return Blueprint(b, daylight(look), caption, style, (0.0, 0.0), reach, 2.2)


def _style(look: Look, stand: _Stand, inside: tuple[float, float], ceiling: float) -> WalkStyle:
    far = stand.reach + look.between(0.3, 1.6)
    x, y = (min(far, half) for half in inside)
    eye = min(max(stand.height, 0.35), 1.5)
    return WalkStyle(
        areas=((-x, -y, x, y),),
        eye_height=(max(0.3, eye * 0.8), max(1.0, eye + 0.55)),
        clearance=0.15,
        fov=(40.0, 78.0),
        pitch=(-16.0, 9.0),
        ceiling=ceiling,
        step_range=(0.25, 3.0),
        stay=True,
        steepest=50.0,
        rest=-14.0,
        towards=stand.places,
        tilt=4.0,
        aim=9.0,
    )
