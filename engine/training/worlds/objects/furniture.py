"""Furniture, each with its back along y = 0, middle at x = 0, front towards +y, on z = 0."""

from __future__ import annotations

from dataclasses import dataclass

from engine.training.worlds.blueprint import Look
from engine.training.worlds.objects.clutter import litter, plant, shelf_load
from engine.training.worlds.objects.loads import real_support, real_table
from engine.training.worlds.objects.piece import Piece
from engine.training.worlds.objects.real import real_piece
from engine.training.worlds.shapes import Builder, Material


def legs(b: Builder, w: float, d: float, h: float, thick: float, m: Material) -> None:
    for x in (-w / 2 + thick, w / 2 - thick):
        for y in (thick, d - thick):
            b.box((x, y, h / 2), (thick, thick, h), m)


def table(look: Look, w: float | None = None, d: float | None = None, h: float = 0.74) -> Piece:
    real = real_table(look, h, most=6)
    if real is not None:
        return real
    w, d = w or look.between(0.9, 2.0), d or look.between(0.6, 1.0)
    top = (
        look.wood() if look.chance(0.7) else look.material("marble", "metal", "plaster", gloss=0.4)
    )
    leg = look.metal() if look.chance(0.4) else top
    round_ = look.chance(0.2)

    def build(b: Builder) -> None:
        if round_:
            b.cylinder((0, d / 2, h - 0.02), (w, d, 0.04), top)
            b.cylinder((0, d / 2, h / 2), (0.08, 0.08, h), leg)
            b.cylinder((0, d / 2, 0.02), (w * 0.4, d * 0.4, 0.04), leg)
        else:
            b.box((0, d / 2, h - 0.02), (w, d, 0.04), top)
            legs(b, w, d, h - 0.04, 0.05, leg)
        litter(b, look, (-w * 0.4, d * 0.15, w * 0.4, d * 0.85), h, look.count(0, 5))

    return Piece("table", w, d, h, build)


@real_piece("chair", several=6)
def chair(look: Look) -> Piece:
    seat = look.kept("chair seat", look.cloth() if look.chance(0.5) else look.wood())
    frame = look.kept("chair frame", look.wood() if look.chance(0.6) else look.metal())
    h = 0.45

    def build(b: Builder) -> None:
        legs(b, 0.42, 0.42, h, 0.035, frame)
        b.box((0, 0.22, h), (0.44, 0.44, 0.05), seat)
        b.box((0, 0.02, 0.78), (0.42, 0.03, 0.3), seat, roll=0.12)
        for x in (-0.19, 0.19):
            b.box((x, 0.03, 0.62), (0.035, 0.035, 0.4), frame, roll=0.1)

    return Piece("chair", 0.45, 0.48, 0.95, build)


@real_piece("sofa")
def sofa(look: Look) -> Piece:
    w, d = look.between(0.85, 2.3), look.between(0.8, 1.0)
    cover = look.cloth(look.between(0.4, 1.2))
    cushion = look.cloth() if look.chance(0.5) else cover
    arm, back = look.between(0.12, 0.25), look.between(0.7, 0.95)
    seats = max(1, round((w - 2 * arm) / 0.7))

    def build(b: Builder) -> None:
        b.box((0, d / 2, 0.17), (w, d, 0.26), cover)
        b.box((0, 0.12, back / 2), (w, 0.24, back), cover, roll=0.06)
        for s in (-1, 1):
            b.box((s * (w - arm) / 2, d / 2, 0.3), (arm, d, 0.6), cover)
            b.cylinder((s * (w - arm) / 2, d / 2, 0.6), (arm, arm, d), cover, roll=1.5708)
        step = (w - 2 * arm) / seats
        for i in range(seats):
            x = -w / 2 + arm + (i + 0.5) * step
            b.box((x, d * 0.58, 0.38), (step - 0.02, d * 0.8, 0.16), cover)
            b.ellipsoid((x, 0.34, 0.62), (step * 0.98, 0.3, 0.5), cover, roll=0.2)
        for _ in range(look.count(0, 3)):
            room = max(0.0, w / 2 - arm - 0.2)
            x = look.between(-room, room)
            b.ellipsoid((x, 0.42, 0.6), (0.45, 0.2, 0.42), cushion, roll=0.4)

    return Piece("sofa" if w > 1.2 else "armchair", w, d, back, build)


@real_piece("bed")
def bed(look: Look) -> Piece:
    w, d = look.between(0.95, 1.9), 2.05
    frame, sheet = look.wood(), look.material("fabric", "plaster", metres=0.8)
    cover, pillow = look.cloth(1.2), look.material("fabric", "plaster", metres=0.5)
    head = look.between(0.8, 1.5)

    def build(b: Builder) -> None:
        b.box((0, 0.04, head / 2), (w + 0.1, 0.08, head), frame if look.chance(0.5) else cover)
        b.box((0, d / 2, 0.18), (w, d, 0.2), frame)
        b.box((0, d / 2, 0.4), (w - 0.04, d - 0.06, 0.26), sheet)
        b.box((0, d * 0.64, 0.5), (w + 0.04, d * 0.68, 0.16), cover)
        b.box((0, d * 0.34, 0.58), (w + 0.03, 0.3, 0.05), sheet)
        for x in (-w / 4, w / 4):
            b.ellipsoid((x, 0.28, 0.62), (w * 0.44, 0.42, 0.26), pillow, roll=0.3)
            if look.chance(0.5):
                b.ellipsoid((x, 0.42, 0.66), (w * 0.3, 0.2, 0.36), cover, roll=0.5)

    return Piece("bed", w, d, head, build)


@real_piece("shelf")
def shelf(look: Look) -> Piece:
    w, d, h = look.between(0.6, 1.8), look.between(0.25, 0.4), look.between(0.8, 2.2)
    board = look.wood() if look.chance(0.6) else look.paint((0.75, 0.74, 0.7))
    rows = max(2, round(h / look.between(0.28, 0.42)))

    def build(b: Builder) -> None:
        b.box((0, 0.01, h / 2), (w, 0.02, h), board)
        for s in (-1, 1):
            b.box((s * (w / 2 - 0.012), d / 2, h / 2), (0.025, d, h), board)
        for i in range(rows + 1):
            z = 0.02 + i * (h - 0.03) / rows
            b.box((0, d / 2, z), (w - 0.03, d, 0.025), board)
            if i < rows:
                shelf_load(b, look, w - 0.06, d, z + 0.013, (h - 0.03) / rows - 0.03)

    return Piece("shelf", w, d, h, build)


@real_support("cabinet", most=4)
def cabinet(look: Look, h: float | None = None) -> Piece:
    w, d, h = look.between(0.5, 1.8), look.between(0.35, 0.6), h or look.between(0.5, 2.1)
    doors = max(1, round(w / look.between(0.4, 0.6)))
    body = look.wood() if look.chance(0.6) else look.paint((0.7, 0.69, 0.66))
    front = look.material("cupboard", metres=0, gloss=0.1, vary=0.3)

    def build(b: Builder) -> None:
        b.box((0, d / 2, h / 2 + 0.03), (w, d, h - 0.06), body)
        for i in range(doors):
            x = -w / 2 + (i + 0.5) * w / doors
            b.box((x, d + 0.008, h / 2 + 0.03), (w / doors - 0.01, 0.02, h - 0.1), front)
        if h < 1.3:
            litter(b, look, (-w * 0.45, 0.06, w * 0.45, d * 0.9), h, look.count(1, 4))
            if look.chance(0.3):
                television(look, min(w, 1.1)).build_at(b, 0.0, 0.1, h)

    return Piece("cabinet", w, d + 0.02, h, build)


@dataclass(frozen=True)
class Screen:
    """A flat screen on a stand."""

    width: float
    picture: Material
    case: Material

    def build_at(self, b: Builder, x: float, y: float, z: float) -> None:
        w, h = self.width, self.width * 0.58
        with b.placed(x, y, z):
            b.box((0, 0.05, 0.01), (w * 0.3, 0.18, 0.02), self.case)
            b.box((0, 0.05, 0.08), (0.06, 0.03, 0.16), self.case)
            b.box((0, 0.05, 0.1 + h / 2), (w, 0.03, h), self.case)
            b.box((0, 0.067, 0.1 + h / 2), (w - 0.03, 0.006, h - 0.03), self.picture)


def television(look: Look, width: float) -> Screen:
    glow = look.between(0.0, 0.8) if look.chance(0.4) else 0.0
    return Screen(
        width, look.material("screen", metres=0, gloss=0.5, glow=glow), look.paint((0.03,) * 3, 0.3)
    )


@real_support("desk", screen=True)
def desk(look: Look) -> Piece:
    w, d = look.between(1.0, 1.9), look.between(0.6, 0.8)
    top, leg = look.wood(), look.metal()

    def build(b: Builder) -> None:
        b.box((0, d / 2, 0.72), (w, d, 0.035), top)
        legs(b, w, d, 0.7, 0.04, leg)
        if look.chance(0.5):
            b.box((w / 2 - 0.24, d / 2, 0.36), (0.42, d * 0.9, 0.64), top)
        for i in range(look.count(1, 2)):
            television(look, look.between(0.45, 0.65)).build_at(b, (i - 0.4) * 0.62, 0.08, 0.74)
        b.box((0.0, d * 0.65, 0.75), (0.42, 0.14, 0.02), look.paint((0.05,) * 3))
        litter(b, look, (-w * 0.45, d * 0.3, w * 0.45, d * 0.9), 0.738, look.count(1, 6))

    return Piece("desk", w, d, 1.2, build)


def kitchen_row(look: Look, w: float | None = None) -> Piece:
    w, d = w or look.between(1.8, 3.6), 0.62
    front = look.material("cupboard", metres=0, gloss=0.15, vary=0.3)
    top = look.material("marble", "wood", "concrete", metres=0.9, gloss=0.3)
    body, steel = look.paint((0.6, 0.6, 0.58)), look.metal()
    back = look.material("tiles", "brick", "marble", metres=0.7, gloss=0.2)
    units = max(2, round(w / 0.6))

    def build(b: Builder) -> None:
        b.box((0, d / 2 - 0.02, 0.45), (w, d - 0.04, 0.86), body)
        b.box((0, d / 2, 0.9), (w + 0.02, d + 0.03, 0.04), top)
        b.box((0, 0.01, 1.2), (w, 0.02, 0.56), back)
        for i in range(units):
            x = -w / 2 + (i + 0.5) * w / units
            if i == units // 2:
                b.box((x, d, 0.48), (w / units - 0.02, 0.03, 0.74), look.paint((0.04,) * 3, 0.5))
                b.box(
                    (x, d / 2, 0.925),
                    (w / units * 0.9, d * 0.8, 0.012),
                    look.paint((0.03,) * 3, 0.5),
                )
                b.box((x, 0.25, 1.62), (w / units, 0.45, 0.12), steel)
                b.box((x, 0.16, 2.0), (0.25, 0.25, 0.7), steel)
                continue
            b.box((x, d, 0.48), (w / units - 0.012, 0.02, 0.76), front)
            if look.chance(0.75):
                b.box((x, 0.17, 1.8), (w / units - 0.01, 0.34, 0.68), body)
                b.box((x, 0.345, 1.8), (w / units - 0.015, 0.015, 0.67), front)
        b.rod((-w / 4, 0.1, 0.92), (-w / 4, 0.1, 1.15), 0.03, steel)
        b.rod((-w / 4, 0.1, 1.15), (-w / 4, 0.28, 1.12), 0.025, steel)
        litter(b, look, (-w * 0.48, 0.12, w * 0.48, d * 0.8), 0.92, look.count(3, 9))

    return Piece("kitchen", w, d + 0.03, 2.2, build)


@real_piece("fridge")
def fridge(look: Look) -> Piece:
    shade = float(look.rng.choice([0.05, 0.4, 0.8]))
    m = look.paint((shade, shade, shade), gloss=0.3)
    h = look.between(1.5, 1.95)

    def build(b: Builder) -> None:
        b.box((0, 0.32, h / 2), (0.62, 0.62, h), m)
        b.box((0, 0.635, h * 0.62), (0.6, 0.02, h * 0.7), m)
        b.box((-0.25, 0.66, h * 0.6), (0.03, 0.03, 0.5), look.metal())
        b.box((0, 0.634, h * 0.13), (0.6, 0.02, h * 0.24), m)

    return Piece("fridge", 0.64, 0.66, h, build)


@real_piece("floor lamp")
def floor_lamp(look: Look) -> Piece:
    shade, pole = look.material("fabric", "plaster", glow=look.between(0.0, 1.5)), look.metal()

    def build(b: Builder) -> None:
        b.cylinder((0, 0.2, 0.015), (0.3, 0.3, 0.03), pole)
        b.cylinder((0, 0.2, 0.75), (0.025, 0.025, 1.5), pole)
        with b.shadowless():
            b.cone((0, 0.2, 1.6), (0.42, 0.42, 0.3), 0.35, shade)

    return Piece("lamp", 0.4, 0.4, 1.8, build)


@real_piece("plant on floor")
def potted_plant(look: Look) -> Piece:
    size = look.between(0.4, 1.7)

    def build(b: Builder) -> None:
        with b.placed(0, 0.25):
            plant(b, look, size)

    return Piece("plant", 0.5, 0.5, size, build)


@real_piece("box")
def box_pile(look: Look) -> Piece:
    def build(b: Builder) -> None:
        z = 0.0
        for _ in range(look.count(1, 3)):
            w, h = look.between(0.25, 0.5), look.between(0.15, 0.4)
            side = look.material("wood", "plaster", *look.photo(), metres=0.6)
            b.box(
                (look.between(-0.05, 0.05), 0.28, z + h / 2),
                (w, w * 0.8, h),
                side,
                yaw=look.between(-0.3, 0.3),
            )
            z += h

    return Piece("boxes", 0.55, 0.55, 1.0, build)
