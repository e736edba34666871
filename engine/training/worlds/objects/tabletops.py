"""Tables that are laid or worked at, and what stands beside them; frames as in `furniture`."""

from __future__ import annotations

from dataclasses import dataclass

from engine.training.worlds.blueprint import Look
from engine.training.worlds.objects.clutter import bright, deep, litter
from engine.training.worlds.objects.furniture import legs, television
from engine.training.worlds.objects.loads import real_table
from engine.training.worlds.objects.piece import Piece
from engine.training.worlds.objects.real import real_piece
from engine.training.worlds.shapes import Builder, Material, Point


def sheet(b: Builder, look: Look, at: Point, flat: bool = True) -> None:
    """Paper, a magazine or a poster: on a support, or on a wall that faces +y."""
    w, h = look.between(0.12, 0.32), look.between(0.15, 0.42)
    face = look.material(*look.photo(), "poster", "screen", metres=0)
    if look.chance(0.35):
        face = look.paint((look.between(0.6, 0.95),) * 3)
    if flat:
        thick = look.between(0.002, 0.02)
        centre = (at[0], at[1], at[2] + thick / 2)
        b.box(centre, (w, h, thick), face, yaw=look.between(0, 6.3))
    else:
        b.box(at, (w, 0.006, h), face, pitch=look.rng.normal(0, 0.03))


def mug(b: Builder, look: Look, at: Point) -> None:
    """A cup with a handle."""
    w = look.between(0.07, 0.1)
    m = look.paint(bright(look), gloss=look.between(0, 0.5))
    with b.placed(at[0], at[1], at[2], look.between(0, 6.3)):
        b.cylinder((0, 0, w * 0.55), (w, w, w * 1.1), m, look.paint((0.1, 0.06, 0.04)))
        b.box((w * 0.62, 0, w * 0.55), (w * 0.3, 0.012, w * 0.6), m)


def laptop(b: Builder, look: Look, at: Point) -> None:
    """Open, its screen leaning back."""
    w = look.between(0.28, 0.38)
    case = look.paint((look.between(0.03, 0.7),) * 3, 0.3)
    picture = look.material("screen", metres=0, gloss=0.4, glow=look.between(0, 0.6))
    with b.placed(at[0], at[1], at[2], look.between(0, 6.3)):
        b.box((0, 0, 0.01), (w, w * 0.68, 0.02), case)
        b.box((0, -w * 0.38, w * 0.32), (w, 0.012, w * 0.64), case, picture, roll=0.25)


def crate(b: Builder, look: Look, at: Point) -> None:
    """A box or a tray of some size."""
    w, d, h = look.between(0.2, 0.45), look.between(0.2, 0.4), look.between(0.08, 0.3)
    side = look.paint(bright(look)) if look.chance(0.6) else look.wood()
    with b.placed(at[0], at[1], at[2], look.between(0, 6.3)):
        b.box((0, 0, h / 2), (w, d, h), side, look.material(*look.photo(), "plaster", metres=0))


def lay(b: Builder, look: Look, area: tuple[float, float, float, float], z: float) -> None:
    """Papers first, then what stands on a table within x0, y0, x1, y1 of the current frame."""

    def place() -> Point:
        return look.between(area[0], area[2]), look.between(area[1], area[3]), z

    for _ in range(look.count(0, 6)):
        sheet(b, look, place())
    for _ in range(look.count(0, 4)):
        mug(b, look, place())
    for make in (laptop, crate):
        if look.chance(0.35):
            make(b, look, place())
    litter(b, look, area, z, look.count(0, 5))


def laid_table(look: Look, w: float, d: float, h: float) -> Piece:
    """A table with a good deal on it."""
    real = real_table(look, h, most=10)
    if real is not None:
        return real
    shade = look.between(0.3, 1.3)
    top = look.material("wood", "planks", metres=look.between(0.6, 2.0), tint=(shade,) * 3)
    if look.chance(0.35):
        top = look.paint(bright(look), gloss=look.between(0, 0.4))
    leg = look.metal() if look.chance(0.4) else top
    thick, apron = look.between(0.025, 0.06), look.chance(0.5)

    def build(b: Builder) -> None:
        b.box((0, d / 2, h - thick / 2), (w, d, thick), top)
        legs(b, w, d, h - thick, look.between(0.04, 0.09), leg)
        if apron:
            b.box((0, d / 2, h - thick - 0.04), (w - 0.1, d - 0.1, 0.08), leg)
        lay(b, look, (-w * 0.44, d * 0.08, w * 0.44, d * 0.92), h)

    return Piece("table", w, d, h, build)


@real_piece("chair", several=6)
def slatted_chair(look: Look) -> Piece:
    """A wooden chair whose back can be seen through."""
    frame = look.kept("slatted chair", look.wood())
    seat = look.kept("slatted seat", look.cloth() if look.chance(0.4) else frame)
    slats, back = look.count(2, 5), look.between(0.85, 1.05)

    def build(b: Builder) -> None:
        legs(b, 0.44, 0.44, 0.45, 0.04, frame)
        b.box((0, 0.22, 0.45), (0.45, 0.44, 0.04), seat)
        for x in (-0.2, 0.2):
            b.box((x, 0.02, (0.45 + back) / 2), (0.04, 0.035, back - 0.45), frame, roll=0.08)
        for i in range(slats):
            z = 0.55 + (i + 0.5) * (back - 0.55) / slats
            b.box((0, 0.0, z), (0.4, 0.02, (back - 0.55) / slats * 0.6), frame, roll=0.08)

    return Piece("chair", 0.46, 0.5, back, build)


@dataclass(frozen=True)
class Finish:
    """How the cupboards of one kitchen look."""

    front: Material
    top: Material
    handle: Material
    back: Material
    depth: float
    height: float


def finish(look: Look) -> Finish:
    """In any colour that households have, half of them strong ones."""
    colour = deep(look) if look.chance(0.5) else bright(look)
    front = look.paint(colour, gloss=look.between(0.1, 0.5))
    if look.chance(0.4):
        front = look.material("cupboard", "wood", metres=0, tint=colour, vary=0.3)
    top = look.paint((look.between(0.02, 0.8),) * 3, gloss=0.4)
    if look.chance(0.5):
        top = look.material("marble", "wood", "concrete", metres=0.9, gloss=0.3)
    back = look.material("tiles", "tiles", "brick", "plaster", metres=0.6, gloss=0.2)
    size = look.between(0.5, 0.7), look.between(0.85, 0.95)
    return Finish(front, top, look.metal(), back, *size)


def counter(look: Look, w: float | None = None, given: Finish | None = None) -> Piece:
    """Cupboards under a worktop that is full of things, without cupboards above."""
    w, kit = w or look.between(1.2, 3.6), given or finish(look)
    d, h = kit.depth, kit.height
    units = max(2, round(w / look.between(0.45, 0.7)))
    above = look.chance(0.4)

    def build(b: Builder) -> None:
        b.box((0, d / 2 - 0.02, h / 2), (w, d - 0.04, h - 0.04), kit.front)
        b.box((0, d / 2 - 0.04, 0.05), (w, d - 0.04, 0.1), look.paint((0.05,) * 3))
        b.box((0, d / 2 + 0.01, h - 0.02), (w + 0.02, d + 0.02, 0.04), kit.top)
        b.box((0, 0.01, h + 0.25), (w, 0.02, 0.5), kit.back)
        for i in range(units):
            x = -w / 2 + (i + 0.5) * w / units
            b.box((x, d - 0.01, h / 2 + 0.04), (w / units - 0.012, 0.02, h - 0.18), kit.front)
            b.box((x, d + 0.015, h - 0.14), (w / units * 0.6, 0.02, 0.02), kit.handle)
        if above:
            b.box((0, 0.14, h + 0.62), (w, 0.26, 0.03), look.wood())
            litter(b, look, (-w * 0.45, 0.05, w * 0.45, 0.22), h + 0.635, look.count(2, 7))
        lay(b, look, (-w * 0.46, 0.12, w * 0.46, d * 0.85), h)
        if look.chance(0.3):
            television(look, min(w, 0.6)).build_at(b, look.between(-w / 4, w / 4), 0.1, h)

    return Piece("counter", w, d + 0.04, h + 0.3, build)
