"""Quadrangles and cloisters: lawn or paving between four wings, some with arcades."""

from __future__ import annotations

import math

from engine.training.worlds.blueprint import Blueprint, Look
from engine.training.worlds.lights import daylight
from engine.training.worlds.objects.arches import arcade, vault
from engine.training.worlds.objects.buildings import house
from engine.training.worlds.objects.plants import bush, flowers, tree
from engine.training.worlds.objects.street import bench, person
from engine.training.worlds.shapes import Builder
from engine.training.worlds.surveying import WalkStyle


def build_courtyard(look: Look) -> Blueprint:
    """Four wings around an open court; the walker is in the court or under an arcade."""
    b = Builder()
    w, d = look.between(14, 36), look.between(12, 30)
    stone = look.material("stone", "brick", "plaster", metres=look.between(1.5, 2.5))
    paving = look.material(*look.rough("paving", "stone", photo="photo_paving"), metres=1.7)
    b.box((0, 0, -0.5), (300, 300, 1.0), paving)
    if look.chance(0.7):
        grass = look.material(*look.rough("grass", "grass", photo="photo_leaves"), metres=2.4)
        b.box((0, 0, 0.02), (w - look.between(3, 7), d - look.between(3, 7), 0.1), grass)
    with_arcade = look.chance(0.6)
    deep = look.between(2.6, 4.0)
    storeys = look.count(1, 3)
    for side in range(4):
        turn = side * math.pi / 2
        length, away = (w, d / 2) if side % 2 == 0 else (d, w / 2)
        with b.placed(-math.sin(turn) * away, math.cos(turn) * away, 0, turn):
            arcaded = with_arcade and look.chance(0.8)
            with b.placed(0, deep if arcaded else 0.0):
                house(b, look, length + 2 * deep, 8.0, storeys, near=True, wall=stone)
            if arcaded:
                arcade(b, look, length + 0.4, deep, 3.4, stone)
            else:
                _border(b, look, length)
    _middle(b, look, w, d)
    inside = ((-w / 2 + 1.0, -d / 2 + 1.0, w / 2 - 1.0, d / 2 - 1.0),)
    if with_arcade and look.chance(0.5):
        inside = ((-w / 2 + 1, d / 2 + 0.8, w / 2 - 1, d / 2 + deep - 0.8),)
        with b.placed(0, d / 2):
            vault(b, look, w + 2 * deep, deep, 3.4)
    style = WalkStyle(inside, (1.4, 1.9), 0.4, (50.0, 88.0), (0.0, 5.0))
    light = daylight(look, haze=(150.0, 2000.0))
    what = "with arcades" if with_arcade else "with a lawn"
    caption = f"a courtyard {what} between old buildings"
    return Blueprint(b, light, caption, style, (0.0, 0.0), max(w, d) * 0.75, 2.2)


def _border(b: Builder, look: Look, length: float) -> None:
    """Plants along a wall."""
    x = -length / 2 + 1
    while x < length / 2 - 1 and look.chance(0.93):
        with b.placed(x, -0.6):
            if look.chance(0.6):
                bush(b, look, look.between(0.6, 1.6))
            else:
                flowers(b, look, look.between(0.6, 1.4))
        x += look.between(1.0, 3.5)


def _middle(b: Builder, look: Look, w: float, d: float) -> None:
    """A fountain, trees, benches, people."""
    stone = look.material("stone", "concrete", "marble", metres=1.0)
    if look.chance(0.4):
        r = look.between(1.2, 2.5)
        b.cylinder((0, 0, 0.3), (2 * r, 2 * r, 0.6), stone)
        b.cylinder(
            (0, 0, 0.56), (2 * r - 0.4, 2 * r - 0.4, 0.12), look.material("water", gloss=0.6)
        )
        b.cone((0, 0, 1.0), (0.6, 0.6, 1.2), 0.4, stone)
        b.ellipsoid((0, 0, 1.7), (1.0, 1.0, 0.35), stone)
    for _ in range(look.count(0, 4)):
        with b.placed(look.between(-w * 0.4, w * 0.4), look.between(-d * 0.4, d * 0.4)):
            tree(b, look, look.between(3, 7)) if look.chance(0.5) else bush(b, look, 1.2)
    for _ in range(look.count(0, 5)):
        at = (look.between(-w * 0.45, w * 0.45), look.between(-d * 0.45, d * 0.45))
        with b.placed(*at, 0, look.between(0, 6.3)):
            bench(b, look) if look.chance(0.5) else person(b, look)
