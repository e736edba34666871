"""Streets between façades, with cars, trees, lamps and people."""

from __future__ import annotations

import math

from engine.training.worlds.blueprint import Blueprint, Look
from engine.training.worlds.lights import daylight
from engine.training.worlds.objects.buildings import house
from engine.training.worlds.objects.plants import tree
from engine.training.worlds.objects.street import (
    bench,
    bicycle,
    car,
    lamp_post,
    person,
    road_marks,
    sign_post,
    van,
)
from engine.training.worlds.shapes import Builder
from engine.training.worlds.surveying import WalkStyle


def build_street(look: Look) -> Blueprint:
    """A road along x with pavements, house rows on one or both sides."""
    b = Builder()
    road, walk = look.between(5.0, 10.0), look.between(1.6, 4.0)
    reach = look.between(35.0, 80.0)
    asphalt = look.material("asphalt", "asphalt", *look.rough(photo="photo_paving"), metres=2.5)
    paving = look.material(*look.rough("paving", "concrete", photo="photo_paving"), metres=1.8)
    b.box((0, 0, -0.5), (400, road + 0.02, 1.0), asphalt)
    for s in (-1.0, 1.0):
        b.box((0, s * (road / 2 + 100), -0.43), (400, 200, 1.1), paving)
        b.box(
            (0, s * (road / 2 + 0.08), -0.42),
            (400, 0.16, 1.1),
            look.kept("kerb", look.material("concrete", metres=1)),
        )
    if look.chance(0.8):
        road_marks(b, look, road, reach)
    both = look.chance(0.8)
    for s in (-1.0, 1.0):
        if s > 0 or both:
            _row(b, look, s, road / 2 + walk, reach)
        else:
            _green_side(b, look, s, road / 2 + walk, reach)
        _kerbside(b, look, s, road, walk, reach)
    _traffic(b, look, road, reach)
    _far_end(b, look, reach)
    edge = road / 2 + walk - 0.5
    style = WalkStyle(
        areas=((-reach * 0.3, -edge, reach * 0.3, edge),),
        eye_height=(1.4, 2.2),
        clearance=0.45,
        fov=(45.0, 85.0),
        pitch=(0.0, 6.0),
    )
    light = daylight(look)
    caption = "a street with houses, parked cars and trees"
    return Blueprint(b, light, caption, style, (0.0, 0.0), 26.0, 2.5)


def _row(b: Builder, look: Look, side: float, start: float, reach: float) -> None:
    """Houses side by side, façades at distance `start` from the middle of the road."""
    x = -reach
    storeys = look.count(2, 5)
    while x < reach:
        w = look.between(5.0, 16.0)
        n = max(1, storeys + look.count(-1, 1))
        setback = look.between(0, 0.6)
        with b.placed(x + w / 2, side * (start + setback), 0.12, 0.0 if side > 0 else math.pi):
            house(b, look, w, look.between(7, 12), n, near=abs(x + w / 2) < reach * 0.45)
        x += w + (look.between(1.5, 5.0) if look.chance(0.15) else 0.0)


def _green_side(b: Builder, look: Look, side: float, start: float, reach: float) -> None:
    grass = look.material(*look.rough("grass", photo="photo_leaves"), metres=2.5)
    b.box((0, side * (start + 60), -0.36), (2 * reach, 120, 1.0), grass)
    for _ in range(look.count(8, 16)):
        with b.placed(look.between(-reach, reach), side * (start + look.between(1.5, 18)), 0.1):
            tree(b, look, look.between(5, 11))


def _kerbside(b: Builder, look: Look, side: float, road: float, walk: float, reach: float) -> None:
    """Trees, lamps, signs, people and benches on a pavement."""
    y = side * (road / 2 + 0.6)
    spacing = look.between(6, 14)
    with_trees, with_lamps = look.chance(0.5), look.chance(0.7)
    x = -reach * 0.9 + look.between(0, spacing)
    while x < reach * 0.9:
        with b.placed(x, y, 0.12, 0.0 if side < 0 else math.pi):
            if with_trees and look.chance(0.75):
                tree(b, look, look.between(4.5, 8.5))
            elif with_lamps and look.chance(0.6):
                lamp_post(b, look)
            elif look.chance(0.4):
                sign_post(b, look)
            elif look.chance(0.4):
                bicycle(b, look)
        x += spacing * look.between(0.6, 1.4)
    for _ in range(look.count(0, 4)):
        at = side * (road / 2 + look.between(0.9, walk))
        with b.placed(look.between(-reach * 0.6, reach * 0.6), at, 0.12, look.between(0, 6.3)):
            person(b, look)
    if look.chance(0.3):
        with b.placed(
            look.between(-12, 12), side * (road / 2 + walk - 0.3), 0.12, 0 if side < 0 else math.pi
        ):
            bench(b, look)


def _traffic(b: Builder, look: Look, road: float, reach: float) -> None:
    """Cars parked along the kerbs and a few on the road."""
    for side in (-1, 1):
        x, density = -reach * 0.9, look.between(0.1, 0.9)
        while x < reach * 0.9:
            if look.chance(density):
                with b.placed(x, side * (road / 2 - 1.05), 0, 0.0 if side > 0 else math.pi):
                    (van if look.chance(0.15) else car)(b, look)
            x += look.between(5.2, 8.0)
    for _ in range(look.count(0, 3)):
        lane = float(look.rng.choice([-1, 1]))
        if road > 7.5:
            with b.placed(look.between(-reach, reach), lane * 1.3, 0, 0.0 if lane > 0 else math.pi):
                (van if look.chance(0.2) else car)(b, look)


def _far_end(b: Builder, look: Look, reach: float) -> None:
    """Something closes the view at both ends, or the road runs to the horizon."""
    for s in (-1, 1):
        if look.chance(0.6):
            for i in range(-3, 4):
                size, high = look.between(10, 25), look.between(8, 35)
                wall = look.material("facade", "curtain_wall", metres=3)
                at = (s * (reach + look.between(15, 60)), i * look.between(12, 22))
                b.box((*at, high / 2), (size, size, high), wall)
        elif look.chance(0.6):
            for _ in range(8):
                with b.placed(s * (reach + look.between(0, 30)), look.between(-25, 25)):
                    tree(b, look, look.between(6, 14))
