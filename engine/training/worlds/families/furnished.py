"""Rooms full of real things: along walls, in the middle, on each other, on walls, below ceilings.

What stands where follows from what catalogues say of things: size, height that they hang at, height
at which others may stand on them.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from engine.training.worlds.blueprint import Blueprint, Look
from engine.training.worlds.captions import article, listed
from engine.training.worlds.objects import furniture as f
from engine.training.worlds.objects.furnishing import Rectangle, furnish, lit, overlaps
from engine.training.worlds.objects.interior import Shell, build_shell
from engine.training.worlds.objects.loads import loaded
from engine.training.worlds.objects.piece import Piece
from engine.training.worlds.objects.real import Thing, drawn
from engine.training.worlds.shapes import Builder
from engine.training.worlds.surveying import WalkStyle

#: Kinds of things (`meshes.kinds`) along the walls of each kind of room.
_ROOMS: dict[str, tuple[str, ...]] = {
    "living room": (
        "sofa", "sofa", "armchair", "armchair", "shelf", "cabinet", "plant on floor", "floor lamp",
        "on floor", "cabinet",
    ),
    "bedroom": ("bed", "bed", "cabinet", "cabinet", "shelf", "armchair", "plant on floor", "box"),
    "kitchen": (
        "kitchen unit", "kitchen unit", "kitchen unit", "kitchen unit", "fridge", "appliance",
        "appliance", "cabinet",
    ),
    "office": (
        "desk", "desk", "desk", "shelf", "shelf", "cabinet", "plant on floor", "box", "on floor",
    ),
    "dining room": ("cabinet", "cabinet", "shelf", "plant on floor", "sofa", "on floor"),
    "bathroom": ("bath", "bath", "bath", "bath", "cabinet", "appliance", "on floor"),
    "storeroom": ("on floor",) * 9 + ("box", "box", "shelf"),
}  # fmt: skip
_SHARES = (0.24, 0.14, 0.18, 0.16, 0.1, 0.08, 0.1)
#: What a primitive piece may stand for where the store has nothing of a kind.
_ELSE: dict[str, Callable[[Look], Piece]] = {
    "sofa": f.sofa, "bed": f.bed, "shelf": f.shelf, "desk": f.desk, "fridge": f.fridge,
    "floor lamp": f.floor_lamp, "plant on floor": f.potted_plant, "box": f.box_pile,
}  # fmt: skip
_BY_PEOPLE = ("chair", "armchair", "on floor", "plant on floor", "animal", "box")


def build_furnished(look: Look) -> Blueprint:
    """A room of any kind and size with all that it needs and some things that it does not."""
    b = Builder()
    kind = str(look.rng.choice(list(_ROOMS), p=_SHARES))
    small = 0.75 if kind == "bathroom" else 1.0
    w, d = look.between(2.9, 6.8) * small, look.between(2.9, 6.2) * small
    h = look.between(2.35, 3.0)
    shell = build_shell(b, look, w, d, h, panels=0.15)
    taken: list[Rectangle] = []
    makes = tuple(_maker(k) for k in _ROOMS[kind])
    places = _middle(b, look, shell, kind, taken)
    names = furnish(b, look, shell, makes, taken)
    _hang(b, look, shell, kind, taken)
    names += _stand_about(b, look, shell, taken)
    light = lit(b, look, shell)
    caption = f"{article(kind)} with {listed(names)}" if names else article(kind)
    style = _style(look, shell, tuple(places) + tuple(_middles(taken)))
    return Blueprint(b, light, caption, style, (0.0, 0.0), math.hypot(w, d) / 2 + 0.3, h - 0.3)


def _maker(kind: str) -> Callable[[Look], Piece]:
    def make(look: Look) -> Piece:
        thing = drawn(look, kind)
        if thing is None:
            return _ELSE.get(kind, f.cabinet)(look)
        return loaded(look, thing, most=5, screen=kind == "desk")

    return make


def _middles(taken: list[Rectangle]) -> list[tuple[float, float]]:
    return [((t[0] + t[2]) / 2, (t[1] + t[3]) / 2) for t in taken]


def _middle(
    b: Builder, look: Look, shell: Shell, kind: str, taken: list[Rectangle]
) -> list[tuple[float, float]]:
    """A rug and a table with chairs at it, in most rooms; where they are."""
    if kind in ("bathroom", "storeroom") or not look.chance(0.75):
        return []
    x, y = (look.between(-0.12, 0.12) * size for size in (shell.width, shell.depth))
    turn = float(look.rng.choice([0.0, math.pi / 2])) + look.rng.normal(0, 0.08)
    low = kind in ("living room", "bedroom")
    thing = drawn(look, "low table" if low else "table")
    if thing is None:
        return []
    reach = max(thing.size[:2]) / 2 + (0.1 if low else 0.45)
    if reach > min(shell.width, shell.depth) / 2 - 0.5:
        return []
    if look.chance(0.5):
        rug = look.material("rug", "carpet", "fabric", metres=0, tint=(0.8,) * 3)
        b.box((x, y, 0.006), (look.between(1.4, 2.6), look.between(1.0, 2.0), 0.012), rug, yaw=turn)
    with b.placed(x, y, 0, turn):
        with b.placed(0, -thing.size[1] / 2):
            loaded(look, thing, most=8).build(b)
        if not low:
            _chairs(b, look, thing)
    taken.append((x - reach, y - reach, x + reach, y + reach))
    return [(x, y)]


def _chairs(b: Builder, look: Look, table: Thing) -> None:
    """Of one make, at the long sides and sometimes at the ends, some pulled out."""
    seat = drawn(look, "chair", several=6)
    if seat is None:
        return
    w, d, _ = table.size
    places = max(1, int(w / (seat.size[0] + 0.12)))
    spots = [(side, ((i + 0.5) / places - 0.5) * w, d) for side in (0.0, math.pi)
             for i in range(places)]  # fmt: skip
    spots += [(side, 0.0, w) for side in (math.pi / 2, -math.pi / 2) if look.chance(0.3)]
    for side, along, across in spots[:8]:
        if not look.chance(0.8):
            continue
        away = -across / 2 - seat.size[1] * look.between(0.45, 1.2)
        with b.placed(0, 0, 0, side), b.placed(along, away, 0, look.rng.normal(0, 0.15)):
            seat.build(b, look)


def _hang(b: Builder, look: Look, shell: Shell, kind: str, taken: list[Rectangle]) -> None:
    """Things that hang on walls at their own height, and below the ceiling."""
    used: list[tuple[int, float, float]] = []
    for _ in range(look.count(1, 6)):
        thing = drawn(look, "upper cabinet" if kind == "kitchen" else "on wall")
        if thing is None:
            continue
        (w, _, height), low = thing.size, thing.label.elevation
        wall = look.count(0, 3)
        span = shell.length(wall) / 2 - w / 2 - 0.05
        along = look.between(-span, span) if span > 0 else 0.0
        blocked = any(
            o.wall == wall and abs(o.along - along) < (o.width + w) / 2 + 0.1
            for o in shell.openings
        ) or any(n == wall and abs(a - along) < (r + w) / 2 for n, a, r in used)
        if span <= 0 or blocked or low + height > shell.height - 0.05:
            continue
        if low < 1.2 and _meets(shell, wall, along, thing, taken):
            continue
        used.append((wall, along, w))
        x, y, nx, ny = shell.wall_point(wall, along, 0.012)
        with b.placed(x, y, low, math.atan2(ny, nx) - math.pi / 2):
            thing.build(b, look)
    if look.chance(0.35):
        above = drawn(look, "under ceiling")
        if above is not None and above.size[2] < shell.height - 1.75:
            at = (look.between(-0.5, 0.5), look.between(-0.5, 0.5))
            with b.placed(*at, shell.height - above.size[2], look.between(0, 6.3)):
                above.build_middle(b, look)


def _meets(shell: Shell, wall: int, along: float, thing: Thing, taken: list[Rectangle]) -> bool:
    """Whether something already stands where a low thing on a wall is to hang."""
    half = thing.size[0] / 2
    ends = [
        shell.wall_point(wall, along + s * half, a) for s in (-1, 1) for a in (0, thing.size[1])
    ]
    xs, ys = [e[0] for e in ends], [e[1] for e in ends]
    return any(overlaps((min(xs), min(ys), max(xs), max(ys)), t) for t in taken)


def _stand_about(b: Builder, look: Look, shell: Shell, taken: list[Rectangle]) -> list[str]:
    """People, chairs, animals and odd things on what floor is left, turned any way."""
    names = []
    kinds = [str(k) for k in look.rng.choice(_BY_PEOPLE, look.count(0, 3))]
    if look.chance(0.35):
        kinds += ["standing person"] * look.count(1, 2)
    for kind in kinds:
        thing = drawn(look, kind)
        if thing is None:
            continue
        reach = math.hypot(*thing.size[:2]) / 2
        room = shell.width / 2 - reach - 0.05, shell.depth / 2 - reach - 0.05
        for _ in range(8):
            if min(room) <= 0:
                break
            x, y = look.between(-room[0], room[0]), look.between(-room[1], room[1])
            box = (x - reach, y - reach, x + reach, y + reach)
            if any(overlaps(box, t) for t in taken):
                continue
            taken.append(box)
            with b.placed(x, y, 0, look.between(0, 2 * math.pi)):
                thing.build_middle(b, look)
            names.append(thing.label.name)
            break
    return names


def _style(look: Look, shell: Shell, sights: tuple[tuple[float, float], ...]) -> WalkStyle:
    """Sometimes from a seat or from a child's height, mostly at something."""
    w, d = shell.width / 2 - 0.3, shell.depth / 2 - 0.3
    low = look.chance(0.3)
    return WalkStyle(
        areas=((-w, -d, w, d),),
        eye_height=(0.6, 1.15) if low else (1.2, 1.75),
        clearance=0.25,
        fov=(48.0, 86.0),
        pitch=(-4.0, 7.0) if low else (-11.0, 8.0),
        ceiling=shell.height - 0.25,
        step_range=(0.4, 4.0),
        stay=True,
        steepest=35.0,
        rest=-7.0,
        towards=sights if look.chance(0.7) else (),
        tilt=2.0,
    )
