"""Chairs and stools with backs of many kinds; frames as in `furniture`, backs along y = 0."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from engine.training.worlds.blueprint import Look
from engine.training.worlds.objects.clutter import bright, deep
from engine.training.worlds.objects.furniture import legs
from engine.training.worlds.objects.piece import Piece
from engine.training.worlds.objects.real import real_piece
from engine.training.worlds.shapes import Builder, Material


@dataclass(frozen=True)
class Cut:
    """Measures of a chair in metres: of its seat, the top of its back and its bars, and its lean.

    Attributes:
        lean: of the back, radians.
    """

    width: float
    depth: float
    seat: float
    top: float
    bar: float
    lean: float

    def behind(self, z: float) -> float:
        """y of the back's middle at a height."""
        return self.bar / 2 - (z - self.seat) * math.tan(self.lean)


@real_piece("chair", several=6)
def seat(look: Look) -> Piece:
    """A chair or a stool in wood, metal, cloth or paint; all of a world's are of one make."""
    frame = look.kept("seat frame", _material(look))
    cover = look.kept("seat cover", _material(look) if look.chance(0.4) else frame)
    cut = Cut(
        look.between(0.38, 0.52),
        look.between(0.38, 0.5),
        look.between(0.42, 0.5),
        look.between(0.78, 1.08),
        look.between(0.025, 0.055),
        look.between(0.0, 0.2),
    )
    back = _BACKS[look.count(0, len(_BACKS) - 1)]
    swivels = look.chance(0.15)

    def build(b: Builder) -> None:
        if swivels:
            _swivel(b, cut, frame)
        else:
            legs(b, cut.width, cut.depth, cut.seat, cut.bar, frame)
        b.box((0, cut.depth / 2, cut.seat), (cut.width, cut.depth, 0.045), cover)
        back(b, look, cut, frame, cover)

    return Piece("chair", cut.width, cut.depth, cut.top, build)


def _material(look: Look) -> Material:
    kind = look.between(0, 1)
    if kind < 0.5:
        return look.wood()
    if kind < 0.65:
        return look.cloth()
    if kind < 0.75:
        return look.metal()
    return look.paint(deep(look) if look.chance(0.4) else bright(look), gloss=look.between(0, 0.4))


def _swivel(b: Builder, cut: Cut, frame: Material) -> None:
    """One column on five feet."""
    middle = cut.depth / 2
    b.cylinder((0, middle, cut.seat / 2), (0.06, 0.06, cut.seat), frame)
    for i in range(5):
        angle = 2 * math.pi * i / 5
        foot = (0.28 * math.cos(angle), middle + 0.28 * math.sin(angle), 0.05)
        b.rod((0, middle, 0.08), foot, 0.04, frame)


def _posts(b: Builder, cut: Cut, frame: Material) -> None:
    """The two sides of a back."""
    height = cut.top - cut.seat
    z = cut.seat + height / 2
    for x in (-cut.width / 2 + cut.bar / 2, cut.width / 2 - cut.bar / 2):
        size = (cut.bar, cut.bar, height)
        b.box((x, cut.behind(z), z), size, frame, roll=cut.lean)


def _rail(b: Builder, cut: Cut, z: float, tall: float, thick: float, m: Material) -> None:
    """A board across the back."""
    b.box((0, cut.behind(z), z), (cut.width - cut.bar, thick, tall), m, roll=cut.lean)


def _slatted(b: Builder, look: Look, cut: Cut, frame: Material, _: Material) -> None:
    """Broad rails above and below, thin slats between them."""
    _posts(b, cut, frame)
    height, count = cut.top - cut.seat, look.count(1, 5)
    broad = height * look.between(0.12, 0.3)
    low = cut.seat + height * look.between(0.1, 0.35)
    _rail(b, cut, cut.top - broad / 2, broad, cut.bar * 0.7, frame)
    _rail(b, cut, low, broad * look.between(0.3, 1.0), cut.bar * 0.7, frame)
    free = cut.top - broad - low - broad / 2
    for i in range(count):
        z = low + broad / 2 + (i + 0.5) * free / count
        _rail(b, cut, z, free / count * look.between(0.3, 0.7), 0.014, frame)


def _barred(b: Builder, look: Look, cut: Cut, frame: Material, _: Material) -> None:
    """Upright bars between two rails."""
    _posts(b, cut, frame)
    height, count = cut.top - cut.seat, look.count(2, 7)
    broad, round_ = height * look.between(0.08, 0.25), look.chance(0.5)
    _rail(b, cut, cut.top - broad / 2, broad, cut.bar * 0.8, frame)
    wide = cut.width / (count + 1) * look.between(0.2, 0.6)
    for i in range(count):
        x = ((i + 1) / (count + 1) - 0.5) * cut.width
        ends = [(x, cut.behind(z), z) for z in (cut.seat, cut.top - broad)]
        if round_:
            b.rod(ends[0], ends[1], min(wide, 0.03), frame)
            continue
        middle = (x, (ends[0][1] + ends[1][1]) / 2, (ends[0][2] + ends[1][2]) / 2)
        b.box(middle, (wide, 0.016, height - broad), frame, roll=cut.lean)


def _solid(b: Builder, look: Look, cut: Cut, frame: Material, cover: Material) -> None:
    """One board or cushion, with a gap below it at times."""
    _posts(b, cut, frame)
    height = cut.top - cut.seat
    tall = height * look.between(0.4, 0.95)
    _rail(b, cut, cut.top - tall / 2, tall, look.between(0.015, 0.08), cover)


def _stool(b: Builder, look: Look, cut: Cut, frame: Material, _: Material) -> None:
    """No back; rungs between the legs."""
    z = cut.seat * look.between(0.3, 0.6)
    for y in (cut.bar, cut.depth - cut.bar):
        b.box((0, y, z), (cut.width - cut.bar, cut.bar * 0.6, cut.bar * 0.6), frame)


_Back = Callable[[Builder, Look, Cut, Material, Material], None]
_BACKS: tuple[_Back, ...] = (_slatted, _slatted, _barred, _solid, _stool)
