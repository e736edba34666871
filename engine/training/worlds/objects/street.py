"""Things found in streets: cars, vans, lamp posts, signs, benches, two-wheelers, people."""

from __future__ import annotations

import math

from engine.training.worlds.blueprint import Look
from engine.training.worlds.objects.clutter import bright
from engine.training.worlds.objects.real import AHEAD, real_thing
from engine.training.worlds.shapes import Builder, Material


def _body_paint(look: Look) -> Material:
    if look.chance(0.6):
        v = float(look.rng.choice([0.03, 0.1, 0.35, 0.6, 0.85]))
        return look.paint((v, v, v * 1.03), gloss=0.55)
    return look.paint(bright(look), gloss=0.55)


def _wheels(b: Builder, look: Look, base: float, track: float, r: float) -> None:
    tyre = look.kept("tyre", look.paint((0.02, 0.02, 0.02)))
    rim = look.kept("rim", look.paint((0.5, 0.5, 0.52), gloss=0.5))
    for x in (-base / 2, base / 2):
        for s in (-1, 1):
            y = s * track / 2
            b.cylinder((x, y, r), (2 * r, 2 * r, 0.2), tyre, roll=math.pi / 2)
            b.cylinder((x, y + s * 0.1, r), (1.25 * r, 1.25 * r, 0.03), rim, roll=math.pi / 2)


@real_thing("car", AHEAD, 0.5)
def car(b: Builder, look: Look) -> None:
    """Along x, nose towards +x, middle at the origin."""
    length, w = look.between(3.7, 4.7), look.between(1.65, 1.85)
    paint = _body_paint(look)
    glass = look.kept("car glass", look.paint((0.03, 0.035, 0.045), gloss=0.9))
    black = look.kept("car black", look.paint((0.025,) * 3, gloss=0.1))
    front = look.material("carfront", metres=0, gloss=0.3)
    belt, high = look.between(0.82, 0.95), look.between(1.38, 1.6)
    b.tapered((0, 0, 0.56), (length, w, 0.5), (0.03, 0.06), paint)
    hood = look.between(0.2, 0.3)
    b.tapered((0, 0, (0.8 + belt) / 2), (length * 0.98, w * 0.95, belt - 0.78), (0.06, 0.08), paint)
    b.box((0, 0, 0.3), (length * 0.96, w * 0.96, 0.16), black)
    cabin = length * (1 - hood) * look.between(0.75, 0.92)
    x = -length / 2 + cabin / 2 + length * look.between(0.02, 0.1)
    b.tapered((x, 0, (belt + high) / 2), (cabin, w * 0.9, high - belt), (0.42, 0.24), glass)
    b.tapered((x, 0, high), (cabin * 0.62, w * 0.72, 0.05), (0.1, 0.1), paint)
    for s in (-1, 1):
        for at in (-0.27, 0.0, 0.27):
            foot = (x + at * cabin * 1.75, s * w * 0.44, belt)
            top = (x + at * cabin * 1.12, s * w * 0.35, high)
            b.rod(foot, top, 0.07, paint)
        b.ellipsoid((x + cabin * 0.42, s * w * 0.54, belt + 0.05), (0.12, 0.22, 0.14), paint)
        b.box((x, s * w * 0.492, 0.62), (0.015, 0.02, 0.42), black)
        b.box((x - 0.25, s * w * 0.493, 0.76), (0.16, 0.03, 0.03), black)
    for s in (-1, 1):
        b.box((s * length * 0.495, 0, 0.55), (0.06, w * 0.93, 0.46), front)
    _wheels(b, look, length * 0.6, w - 0.14, look.between(0.29, 0.34))


@real_thing("van", AHEAD, 0.3)
def van(b: Builder, look: Look) -> None:
    length, w, h = look.between(4.8, 7.5), 1.95, look.between(2.0, 2.9)
    paint, glass = _body_paint(look), look.kept("car glass", look.paint((0.03,) * 3, gloss=0.9))
    side = look.material("poster", metres=0) if look.chance(0.3) else paint
    b.tapered(
        (-0.4, 0, 0.35 + (h - 0.35) / 2), (length - 0.8, w, h - 0.35), (0.04, 0.06), side, paint
    )
    b.tapered((length / 2 - 0.7, 0, 0.7), (1.5, w, 0.7), (0.15, 0.05), paint)
    b.tapered((length / 2 - 1.1, 0, 1.45), (1.5, w * 0.96, 0.85), (0.5, 0.08), glass)
    b.box((length / 2 + 0.03, 0, 0.65), (0.06, w * 0.92, 0.55), look.material("carfront", metres=0))
    b.box((-length / 2 + 0.02, 0, 0.6), (0.08, w * 0.9, 0.4), look.material("carfront", metres=0))
    _wheels(b, look, length * 0.6, w - 0.16, 0.35)


def lamp_post(b: Builder, look: Look) -> None:
    m = look.kept("lamp post", look.metal())
    h = look.between(4, 8)
    b.cone((0, 0, h / 2), (0.16, 0.16, h), 0.4, m)
    b.rod((0, 0, h), (0, -1.2, h + 0.25), 0.07, m)
    b.ellipsoid((0, -1.3, h + 0.22), (0.3, 0.7, 0.16), look.paint((0.8,) * 3, glow=0.3))


def sign_post(b: Builder, look: Look) -> None:
    h = look.between(2.0, 3.0)
    b.cylinder((0, 0, h / 2), (0.06, 0.06, h), look.kept("pole", look.metal()))
    face = look.material("poster", "shopfront", metres=0)
    if look.chance(0.5):
        b.cylinder(
            (0, 0, h - 0.3), (0.6, 0.6, 0.03), face, yaw=look.between(0, 3), pitch=math.pi / 2
        )
    else:
        b.box((0, 0, h - 0.3), (look.between(0.5, 1.2), 0.03, 0.6), face, yaw=look.between(0, 3))


@real_thing("garden seat", 0.0, 0.4)
def bench(b: Builder, look: Look) -> None:
    wood, iron = look.kept("bench wood", look.wood()), look.kept("bench iron", look.metal())
    for i in range(3):
        b.box((0, 0.1 + 0.14 * i, 0.44), (1.6, 0.11, 0.04), wood)
    for i in range(2):
        b.box((0, 0.02, 0.62 + 0.16 * i), (1.6, 0.03, 0.11), wood)
    for x in (-0.65, 0.65):
        b.box((x, 0.24, 0.22), (0.06, 0.4, 0.44), iron)
        b.box((x, 0.0, 0.45), (0.06, 0.05, 0.9), iron)


@real_thing("bicycle", AHEAD, 0.5)
def bicycle(b: Builder, look: Look) -> None:
    """Along x; wheels are thin discs."""
    frame, tyre = look.paint(bright(look), 0.4), look.kept("spokes", look.paint((0.12,) * 3))
    for x in (-0.5, 0.5):
        b.cylinder((x, 0, 0.33), (0.66, 0.66, 0.025), tyre, roll=math.pi / 2)
    for a, c in (
        ((-0.5, 0, 0.33), (-0.1, 0, 0.8)), ((-0.1, 0, 0.8), (0.38, 0, 0.78)),
        ((-0.05, 0, 0.32), (0.38, 0, 0.75)), ((-0.05, 0, 0.32), (-0.14, 0, 0.9)),
        ((0.5, 0, 0.33), (0.36, 0, 0.95)), ((0.36, -0.28, 0.97), (0.36, 0.28, 0.97)),
    ):  # fmt: skip
        b.rod(a, c, 0.04, frame)
    b.ellipsoid((-0.15, 0, 0.93), (0.28, 0.16, 0.08), tyre)


@real_thing("motorcycle", AHEAD)
def motorcycle(b: Builder, look: Look) -> None:
    """Along x, front towards +x, middle at the origin."""
    paint, metal = _body_paint(look), look.metal()
    tyre, seat = look.paint((0.02,) * 3), look.paint((0.04,) * 3, gloss=0.2)
    base, r = look.between(1.25, 1.5), look.between(0.28, 0.34)
    for x in (-base / 2, base / 2):
        b.cylinder((x, 0, r), (2 * r, 2 * r, look.between(0.1, 0.17)), tyre, roll=math.pi / 2)
        b.cylinder((x, 0, r), (1.2 * r, 1.2 * r, 0.18), metal, roll=math.pi / 2)
    b.ellipsoid((0, 0, 0.5), (base * 0.55, 0.34, 0.5), metal)
    b.ellipsoid((0.12, 0, 0.88), (0.62, 0.32, 0.34), paint)
    b.ellipsoid((-0.38, 0, 0.84), (0.75, 0.3, 0.16), seat)
    b.rod((base / 2, 0, r), (base / 2 - 0.28, 0, 1.05), 0.1, metal)
    b.rod((base / 2 - 0.3, -0.36, 1.08), (base / 2 - 0.3, 0.36, 1.08), 0.04, metal)
    b.ellipsoid((base / 2 - 0.18, 0, 0.95), (0.2, 0.2, 0.2), look.paint((0.7,) * 3, gloss=0.8))
    b.rod((-0.1, -0.18, 0.32), (-base / 2 - 0.15, -0.2, 0.42), 0.1, metal)


@real_thing("standing person", AHEAD)
def person(b: Builder, look: Look) -> None:
    """Standing at the origin, facing +x."""
    skin = look.paint((look.between(0.25, 0.75), look.between(0.18, 0.5), look.between(0.12, 0.38)))
    top, legs = look.cloth(0.4), look.cloth(0.4)
    s = look.between(0.88, 1.08)
    stride = look.between(0, 0.25)
    for side in (-1, 1):
        b.rod((side * stride, side * 0.09, 0.05), (0, side * 0.09, 0.85 * s), 0.15, legs)
        b.box((side * stride + 0.06, side * 0.09, 0.05), (0.27, 0.1, 0.1), legs)
        b.rod((side * -0.15, side * 0.28, 0.85 * s), (0, side * 0.2, 1.4 * s), 0.1, top)
    b.tapered((0, 0, 1.13 * s), (0.28, 0.46, 0.62 * s), (0.1, -0.1), top)
    b.ellipsoid((0, 0, 1.62 * s), (0.2, 0.17, 0.25), skin)
    b.ellipsoid((-0.02, 0, 1.67 * s), (0.21, 0.19, 0.2), look.paint((0.05, 0.035, 0.02)))


def road_marks(b: Builder, look: Look, road: float, reach: float) -> None:
    """Dashes along the middle, lines at the sides, perhaps a crossing."""
    white = look.material("plaster", metres=1, tint=(0.85,) * 3)
    x = -reach * 0.7
    while x < reach * 0.7:
        b.box((x, 0, 0.003), (2.0, 0.12, 0.008), white)
        x += 5.0
    if look.chance(0.4):
        for s in (-1, 1):
            b.box((0, s * (road / 2 - 0.35), 0.003), (400, 0.1, 0.006), white)
    if look.chance(0.3):
        at = look.between(-12, 12)
        for i in range(int(road / 1.0)):
            b.box((at, -road / 2 + 0.5 + i, 0.004), (3.0, 0.5, 0.01), white)
