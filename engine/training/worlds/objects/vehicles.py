"""Cars by their shape: hatchbacks, saloons, estates, pick-ups and buses with lamps and arches.

Frames as `street.car`: along x, nose towards +x, middle at the origin.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from engine.training.worlds.blueprint import Look
from engine.training.worlds.meshes.model import Label
from engine.training.worlds.objects.clutter import bright
from engine.training.worlds.objects.real import AHEAD, varied
from engine.training.worlds.objects.street import car, van
from engine.training.worlds.shapes import Builder, Material

#: Half of the roof over the prism that leans as the slanted end does, metres.
_WEDGE = 0.15


@dataclass(frozen=True)
class Coat:
    """What a vehicle is covered with."""

    paint: Material
    glass: Material
    black: Material
    bare: Material


@dataclass(frozen=True)
class Profile:
    """The side of a car, metres.

    Attributes:
        length, width: of the body.
        floor, belt, roof: heights of the sill, the windows' lower edge and the roof.
        wheel: radius.
        screen: x where the windscreen meets the bonnet.
        rear: x where the rear window meets what is behind it.
        front_lean, rear_lean: how far the roof's ends lie behind those, metres.
    """

    length: float
    width: float
    floor: float
    belt: float
    roof: float
    wheel: float
    screen: float
    rear: float
    front_lean: float
    rear_lean: float


def vehicle(look: Look) -> tuple[str, float, Callable[[Builder], None]]:
    """The name of a vehicle, its length in metres, and how it is built."""
    label = look.real("car", 0.5)
    if label is not None:
        return "car", label.size[1] * 1.1, lambda b: _real(b, look, label)
    kind = look.between(0, 1)
    if kind < 0.2:
        return "car", 4.7, lambda b: car(b, look)
    if kind < 0.3:
        return "van", 7.5, lambda b: van(b, look)
    if kind < 0.35:
        length = look.between(8.0, 12.0)
        return "bus", length, lambda b: _bus(b, look, length)
    if kind < 0.42:
        profile = _PICKUP.profile(look)
        return "pick-up", profile.length, lambda b: _build_pickup(b, look, profile)
    profile = _CARS[look.count(0, len(_CARS) - 1)].profile(look)
    return "car", profile.length, lambda b: _build_car(b, look, profile)


def _real(b: Builder, look: Look, label: Label) -> None:
    with b.placed(0, 0, 0, AHEAD):
        varied(look, label).build_middle(b, look)


def _coat(look: Look) -> Coat:
    tone = float(look.rng.choice([0.02, 0.08, 0.25, 0.5, 0.85]))
    colour = (tone, tone, tone * 1.03) if look.chance(0.6) else bright(look)
    dark = look.between(0.015, 0.09)
    return Coat(
        look.paint(colour, gloss=look.between(0.3, 0.7)),
        look.paint((dark, dark * 1.1, dark * 1.25), gloss=0.9),
        look.paint((0.02,) * 3, gloss=0.1),
        look.kept("car rim", look.paint((look.between(0.2, 0.6),) * 3, gloss=0.5)),
    )


@dataclass(frozen=True)
class _Make:
    """Lowest and highest measures of one make of car, metres; names as in `Profile`.

    Attributes:
        glass: height of the windows.
        bonnet: from the nose to the windscreen.
        boot: from the rear window to the tail.
    """

    length: tuple[float, float]
    width: tuple[float, float]
    floor: tuple[float, float]
    belt: tuple[float, float]
    glass: tuple[float, float]
    wheel: tuple[float, float]
    bonnet: tuple[float, float]
    boot: tuple[float, float]
    front_lean: tuple[float, float]
    rear_lean: tuple[float, float]

    def profile(self, look: Look) -> Profile:
        """One car of this make."""
        length, belt = look.between(*self.length), look.between(*self.belt)
        return Profile(
            length,
            look.between(*self.width),
            look.between(*self.floor),
            belt,
            belt + look.between(*self.glass),
            look.between(*self.wheel),
            length / 2 - look.between(*self.bonnet),
            -length / 2 + look.between(*self.boot),
            look.between(*self.front_lean),
            look.between(*self.rear_lean),
        )


_HATCHBACK = _Make(
    (3.5, 4.3), (1.6, 1.8), (0.2, 0.24), (0.85, 0.98), (0.48, 0.62),
    (0.28, 0.33), (0.8, 1.15), (0.02, 0.2), (0.6, 0.95), (0.15, 0.6),
)  # fmt: skip
_SALOON = _Make(
    (4.2, 5.0), (1.65, 1.88), (0.18, 0.22), (0.85, 0.98), (0.42, 0.52),
    (0.29, 0.35), (1.1, 1.5), (0.5, 0.95), (0.5, 0.9), (0.4, 0.8),
)  # fmt: skip
#: Estates and cars for rough ground.
_ESTATE = _Make(
    (4.2, 4.9), (1.7, 1.95), (0.2, 0.35), (0.9, 1.15), (0.48, 0.68),
    (0.31, 0.38), (0.95, 1.3), (0.02, 0.12), (0.5, 0.85), (0.08, 0.35),
)  # fmt: skip
_PICKUP = _Make(
    (4.7, 5.5), (1.75, 1.95), (0.33, 0.37), (0.98, 1.12), (0.52, 0.62),
    (0.34, 0.39), (1.1, 1.4), (1.5, 2.1), (0.5, 0.75), (0.05, 0.2),
)  # fmt: skip
_CARS = (_HATCHBACK, _SALOON, _SALOON, _ESTATE)


def _build_car(b: Builder, look: Look, p: Profile) -> None:
    coat = _coat(look)
    _body(b, p, coat, look.between(0.04, 0.16), (-p.length / 2, p.length / 2))
    _cabin(b, look, p, coat)
    _ends(b, look, p, coat)
    _running_gear(b, look, p, coat)


def _build_pickup(b: Builder, look: Look, p: Profile) -> None:
    coat = _coat(look)
    bed = p.rear - 0.06
    _body(b, p, coat, look.between(0.02, 0.1), (bed, p.length / 2))
    for s in (-1, 1):
        middle = ((bed - p.length / 2) / 2, s * (p.width / 2 - 0.05), (p.floor + p.belt) / 2)
        b.box(middle, (bed + p.length / 2, 0.08, p.belt - p.floor), coat.paint)
    b.box((-p.length / 2 + 0.04, 0, (p.floor + p.belt) / 2),
          (0.08, p.width - 0.05, p.belt - p.floor), coat.paint)  # fmt: skip
    b.box(((bed - p.length / 2) / 2, 0, p.floor + 0.2),
          (bed + p.length / 2, p.width - 0.1, 0.3), coat.black)  # fmt: skip
    _cabin(b, look, p, coat)
    _ends(b, look, p, coat)
    _running_gear(b, look, p, coat)


def _body(b: Builder, p: Profile, coat: Coat, drop: float, ends: tuple[float, float]) -> None:
    """Below the windows: sides that bulge, a bonnet that is lower by `drop` at the nose."""
    x, length = (ends[0] + ends[1]) / 2, ends[1] - ends[0]
    waist = p.floor + (p.belt - p.floor) * 0.6
    b.tapered((x, 0, (waist + p.floor) / 2), (length, p.width, waist - p.floor), (0.0, 0.03),
              coat.paint)  # fmt: skip
    back = ends[0] + 0.02
    b.tapered(((back + p.screen) / 2, 0, (waist + p.belt) / 2),
              (p.screen - back, p.width * 0.975, p.belt - waist), (0.02, 0.06),
              coat.paint)  # fmt: skip
    nose = ends[1] - p.screen
    b.tapered((p.screen + nose / 2 - 0.2, 0, (waist + p.belt - drop) / 2),
              (nose + 0.32, p.width * 0.965, p.belt - drop - waist), (0.12, 0.08),
              coat.paint)  # fmt: skip
    b.box((x, 0, p.floor), (length * 0.94, p.width * 0.95, 0.12), coat.black)


def _cabin(b: Builder, look: Look, p: Profile, coat: Coat) -> None:
    """Glass between the bonnet and the rear, with pillars and a painted roof."""
    tall, lean_in = p.roof - p.belt, 0.16
    front, back = p.screen - p.front_lean, p.rear + p.rear_lean
    middle, z = (front + back) / 2, p.belt + tall / 2
    lean = min(p.front_lean, p.rear_lean)
    glass = [(middle, (front - back) / 2, lean)]
    # Shapes lean alike at both ends, so a second prism makes up for the end that leans more.
    if p.front_lean > lean:
        glass.append((front - _WEDGE, _WEDGE, p.front_lean))
    else:
        glass.append((back + _WEDGE, _WEDGE, p.rear_lean))
    for x, half_roof, own in glass:
        low = half_roof + own
        b.tapered((x, 0, z), (2 * low, p.width * 0.92, tall), (own / low, lean_in), coat.glass)
    b.tapered((middle, 0, p.roof), (front - back + 0.1, p.width * 0.79, 0.06), (0.06, 0.1),
              coat.paint)  # fmt: skip
    thick = look.between(0.05, 0.1)
    doors = look.count(1, 3)
    for s in (-1, 1):
        at_belt, at_roof = s * p.width * 0.455, s * p.width * 0.388
        posts = [(p.screen, front), (p.rear, back)]
        for i in range(1, doors + 1):
            share = i / (doors + 1)
            x = p.rear + 0.1 + share * (p.screen - p.front_lean * 0.6 - p.rear)
            posts.append((x, min(max(x - 0.02, back), front)))
        for foot, head in posts:
            b.rod((foot, at_belt, p.belt), (head, at_roof, p.roof), thick, coat.paint)
        for foot, _ in posts[1:]:
            b.box((foot, s * p.width * 0.492, (p.floor + p.belt) / 2),
                  (0.012, 0.03, (p.belt - p.floor) * 0.85), coat.black)  # fmt: skip
            b.box((foot + 0.16, s * p.width * 0.49, p.belt - 0.12), (0.15, 0.05, 0.03),
                  coat.bare)  # fmt: skip
        b.ellipsoid((p.screen - 0.3, s * p.width * 0.54, p.belt + 0.06), (0.12, 0.22, 0.15),
                    coat.paint)  # fmt: skip


def _ends(b: Builder, look: Look, p: Profile, coat: Coat) -> None:
    """Lamps, grille, plates and bumpers."""
    end, lamp = p.length / 2, p.floor + (p.belt - p.floor) * 0.58
    clear = look.paint((0.75, 0.76, 0.8), gloss=0.7, glow=0.15 if look.chance(0.2) else 0.0)
    red = look.paint((0.45, 0.02, 0.02), gloss=0.4, glow=0.2 if look.chance(0.2) else 0.0)
    plate = look.kept("plate", look.paint((0.75, 0.75, look.between(0.2, 0.75))))
    round_ = look.chance(0.3)
    tall = look.between(0.12, 0.22)
    for s in (-1, 1):
        y = s * p.width * 0.37
        size = (0.14, tall if round_ else look.between(0.26, 0.42), tall)
        (b.ellipsoid if round_ else b.box)((end - 0.05, y, lamp), size, clear)
        b.box((-end + 0.05, s * p.width * 0.42, lamp + 0.03), (0.16, 0.2, tall * 1.3), red)
        b.box((s * (end - 0.02), 0, p.floor + 0.14), (0.14, p.width * 0.97, 0.16),
              coat.black if look.chance(0.5) else coat.paint)  # fmt: skip
        b.box((s * (end + 0.03), 0, p.floor + 0.24), (0.06, 0.5, 0.12), plate)
    b.box((end - 0.01, 0, lamp - 0.04), (0.05, p.width * 0.44, look.between(0.12, 0.26)),
          coat.black if look.chance(0.6) else coat.bare)  # fmt: skip


def _running_gear(b: Builder, look: Look, p: Profile, coat: Coat) -> None:
    """Wheels in dark arches."""
    tyre = look.kept("tyre", look.paint((0.02, 0.02, 0.02)))
    base = p.length * look.between(0.57, 0.62)
    for x in (-base / 2, base / 2):
        for s in (-1, 1):
            _wheel(b, (x, s * (p.width / 2 - 0.1)), p.wheel, (tyre, coat))


def _wheel(b: Builder, at: tuple[float, float], r: float, coats: tuple[Material, Coat]) -> None:
    (x, y), (tyre, coat) = at, coats
    s, across = math.copysign(1.0, y), math.pi / 2
    b.cylinder((x, y, 1.16 * r), (2.3 * r, 2.3 * r, 0.205), coat.black, roll=across)
    b.cylinder((x, y, r), (2 * r, 2 * r, 0.22), tyre, roll=across)
    b.cylinder((x, y + s * 0.1, r), (1.3 * r, 1.3 * r, 0.04), coat.bare, roll=across)
    b.cylinder((x, y + s * 0.11, r), (0.4 * r, 0.4 * r, 0.04), coat.black, roll=across)


def _bus(b: Builder, look: Look, length: float) -> None:
    coat, w, h = _coat(look), 2.5, look.between(2.9, 4.2)
    b.tapered((0, 0, 0.3 + h / 2), (length, w, h), (0.01, 0.03), coat.paint)
    levels = (1.0, 2.6) if h > 3.6 else (1.15,)
    for s in (-1, 1):
        for level in levels:
            x, pane = -length / 2 + 0.4, look.between(0.9, 1.7)
            while x + pane < length / 2 - 0.3:
                b.box((x + pane / 2, s * (w / 2 - 0.015), level + 0.75), (pane * 0.93, 0.06, 0.9),
                      coat.glass, roll=s * 0.02)  # fmt: skip
                x += pane
        b.box((s * (length / 2 - 0.02), 0, 1.7), (0.12, w * 0.88, 1.2), coat.glass)
        b.box((s * length / 2, 0, 0.45), (0.12, w * 0.95, 0.25), coat.black)
    tyre = look.kept("tyre", look.paint((0.02, 0.02, 0.02)))
    for x in (-length * 0.28, length * 0.3):
        for y in (-w / 2 + 0.12, w / 2 - 0.12):
            _wheel(b, (x, y), 0.48, (tyre, coat))
