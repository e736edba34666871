"""Desks with screens, office chairs, partitions and long tables; frames as in `furniture`."""

from __future__ import annotations

import math

from engine.training.worlds.blueprint import Look
from engine.training.worlds.objects.clutter import bright, litter
from engine.training.worlds.objects.furniture import legs, television
from engine.training.worlds.objects.loads import real_support
from engine.training.worlds.objects.piece import Piece
from engine.training.worlds.objects.real import real_piece
from engine.training.worlds.objects.tabletops import laptop, lay, mug, sheet
from engine.training.worlds.shapes import Builder


@real_support("desk", share=0.4, screen=True)
def workstation(look: Look) -> Piece:
    """A desk as one person uses it, who sits at +y: screens at the back, things before them."""
    w, d, h = look.between(1.1, 1.8), look.between(0.65, 0.85), look.between(0.7, 0.78)
    top = look.kept("desk top", look.wood() if look.chance(0.6) else look.paint(bright(look)))
    leg = look.kept("desk leg", look.metal())
    screens = look.count(0, 3)
    wide = min(look.between(0.42, 0.68), (w - 0.1) / max(1, screens))

    def build(b: Builder) -> None:
        b.box((0, d / 2, h - 0.015), (w, d, 0.03), top)
        legs(b, w, d, h - 0.03, 0.05, leg)
        for i in range(screens):
            x = (i - (screens - 1) / 2) * (wide + 0.03) + look.rng.normal(0, 0.03)
            screen = television(look, wide)
            with b.placed(x, look.between(0.08, 0.22), h, look.rng.normal(0, 0.25)):
                with b.placed(0, 0, look.between(0.0, 0.1)):
                    screen.build_at(b, 0.0, 0.0, 0.0)
                # What a raised screen stands on.
                b.box((0, 0.05, 0.05), (0.06, 0.03, 0.12), screen.case)
                b.box((0, 0.05, 0.008), (0.22, 0.18, 0.016), screen.case)
        keys = look.paint((look.between(0.02, 0.8),) * 3)
        b.box((look.rng.normal(0, 0.1), d * 0.68, h + 0.012), (0.44, 0.14, 0.02), keys,
              yaw=look.rng.normal(0, 0.1))  # fmt: skip
        b.ellipsoid((look.between(0.25, 0.4), d * 0.68, h + 0.015), (0.06, 0.1, 0.04), keys)
        _beside(b, look, w, d, h)

    return Piece("desk", w, d, h + 0.45, build)


def _beside(b: Builder, look: Look, w: float, d: float, h: float) -> None:
    """Papers, cups, a lamp or a laptop on a desk; a case or drawers below it."""
    for _ in range(look.count(0, 4)):
        sheet(b, look, (look.between(-w * 0.42, w * 0.42), look.between(d * 0.3, d * 0.85), h))
    if look.chance(0.5):
        mug(b, look, (look.between(-w * 0.4, w * 0.4), d * 0.5, h))
    if look.chance(0.25):
        laptop(b, look, (look.between(-w * 0.35, w * 0.35), d * 0.45, h))
    litter(b, look, (-w * 0.42, d * 0.2, w * 0.42, d * 0.6), h, look.count(0, 3))
    side = look.between(-1, 1)
    if look.chance(0.4):
        tower = look.paint((look.between(0.02, 0.4),) * 3, gloss=0.2)
        b.box((math.copysign(w / 2 - 0.18, side), d * 0.4, 0.23), (0.2, 0.45, 0.44), tower)
    elif look.chance(0.5):
        drawers = look.kept("drawers", look.metal())
        b.box((math.copysign(w / 2 - 0.26, side), d * 0.45, 0.3), (0.42, d * 0.8, 0.58), drawers)


@real_piece("chair", several=8, share=0.4)
def office_chair(look: Look) -> Piece:
    """On a column with five feet; its back along y = 0, with or without arms."""
    cover = look.kept("office cover", look.cloth() if look.chance(0.6) else look.paint((0.03,) * 3))
    frame = look.kept("office frame", look.paint((look.between(0.02, 0.5),) * 3, gloss=0.4))
    seat, top = look.between(0.42, 0.52), look.between(0.82, 1.2)
    w, arms, lean = look.between(0.44, 0.54), look.chance(0.6), look.between(0.05, 0.22)

    def build(b: Builder) -> None:
        middle = w / 2
        b.cylinder((0, middle, seat / 2), (0.06, 0.06, seat), frame)
        for i in range(5):
            angle = 2 * math.pi * i / 5
            foot = (0.3 * math.cos(angle), middle + 0.3 * math.sin(angle), 0.05)
            b.rod((0, middle, 0.1), foot, 0.045, frame)
            b.ellipsoid((foot[0], foot[1], 0.035), (0.06, 0.06, 0.06), frame)
        b.tapered((0, middle, seat), (w, w, 0.09), (0.08, 0.08), cover)
        high = top - seat - 0.1
        b.box((0, 0.03 - high * lean / 2, seat + 0.1 + high / 2), (w * 0.92, 0.07, high), cover,
              roll=lean)  # fmt: skip
        b.rod((0, 0.12, seat), (0, 0.0, seat + 0.25), 0.06, frame)
        if arms:
            for x in (-w / 2 - 0.02, w / 2 + 0.02):
                b.box((x, middle, seat + 0.2), (0.05, w * 0.6, 0.03), frame)
                b.box((x, middle, seat + 0.1), (0.04, 0.05, 0.2), frame)

    return Piece("chair", w + 0.1, w, top, build)


def long_table(look: Look) -> Piece:
    """For a meeting: longer than it is deep, hardly anything on it or a good deal."""
    w, d, h = look.between(2.0, 4.8), look.between(0.95, 1.6), look.between(0.7, 0.78)
    top = look.wood(1.4) if look.chance(0.6) else look.paint(bright(look), look.between(0.1, 0.6))
    leg = look.metal() if look.chance(0.6) else top
    full = look.chance(0.5)

    def build(b: Builder) -> None:
        b.box((0, d / 2, h - 0.02), (w, d, 0.04), top)
        for x in (-w / 2 + 0.35, w / 2 - 0.35):
            b.box((x, d / 2, h / 2 - 0.02), (0.12, d * 0.6, h - 0.04), leg)
        if full:
            lay(b, look, (-w * 0.46, d * 0.1, w * 0.46, d * 0.9), h)
        else:
            litter(b, look, (-w * 0.4, d * 0.2, w * 0.4, d * 0.8), h, look.count(0, 3))

    return Piece("table", w, d, h, build)
