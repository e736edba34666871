"""Parked vehicles right before shops, hedges and trees, seen from across the road or the pavement.

A car fills a good part of the picture and what is behind it stands close, of any colour: in
streets cars are small or seen along the road, and a car seen from its side was drawn as a part of
the façade behind it.
"""

from __future__ import annotations

import math

from engine.training.worlds.blueprint import Blueprint, Look
from engine.training.worlds.captions import listed
from engine.training.worlds.lights import daylight
from engine.training.worlds.objects.buildings import house
from engine.training.worlds.objects.plants import bush, hedge, tree
from engine.training.worlds.objects.street import (
    bench,
    bicycle,
    lamp_post,
    motorcycle,
    person,
    sign_post,
)
from engine.training.worlds.objects.vehicles import vehicle
from engine.training.worlds.shapes import Builder
from engine.training.worlds.surveying import WalkStyle

#: Metres to both sides that are built.
_REACH = 32.0
#: Metres from the kerb to the middle of what is parked along it.
_PARKED = 1.1


def build_kerb(look: Look) -> Blueprint:
    """Parked vehicles along x at y = 0, the kerb behind them, the camera before them."""
    b = Builder()
    across, walk = look.between(5.5, 11.0), look.between(1.2, 4.5)
    _ground(b, look, across, walk)
    behind = _backdrop(b, look, _PARKED + walk)
    with b.placed(0, -across - walk, 0, math.pi):
        _backdrop(b, look, 0.0)
    _far_away(b, look, across)
    names, places = _parked(b, look)
    _pavement(b, look, walk)
    near = look.between(2.0, 3.6)
    style = WalkStyle(
        areas=((-3.0, -near - look.between(0.5, 3.5), 3.0, -near),),
        eye_height=(1.1, 1.9),
        clearance=0.45,
        fov=(35.0, 75.0),
        pitch=(-3.0, 5.0),
        rest=-2.0,
        towards=tuple(sorted(places, key=lambda place: abs(place[0]))[:3]),
        tilt=1.5,
        ceiling=6.0,
        step_range=(0.5, 6.0),
    )
    caption = f"{listed(names)} before {behind}"
    return Blueprint(b, daylight(look), caption, style, (0.0, 0.0), 18.0, 2.5)


def _ground(b: Builder, look: Look, across: float, walk: float) -> None:
    asphalt = look.material("asphalt", "asphalt", *look.rough(photo="photo_paving"), metres=2.5)
    paving = look.material(*look.rough("paving", "concrete", photo="photo_paving"), metres=1.8)
    stone = look.material("concrete", metres=1)
    b.box((0, 0, -0.5), (300, 300, 1.0), asphalt)
    for y, away in ((_PARKED, 1.0), (-across, -1.0)):
        b.box((0, y + away * 60, -0.44), (300, 120, 1.1), paving)
        b.box((0, y + away * 0.08, -0.43), (300, 0.16, 1.1), stone)
    if look.chance(0.5):
        white = look.material("plaster", metres=1, tint=(0.8,) * 3)
        for i in range(-8, 9):
            b.box((i * 3.0, -1.3, 0.003), (1.5 if look.chance(0.5) else 3.0, 0.1, 0.006), white)


def _backdrop(b: Builder, look: Look, start: float) -> str:
    """What closes the view, from `start` metres on along y; its name."""
    kind = look.between(0, 1)
    if kind < 0.55:
        x = -_REACH
        storeys = look.count(1, 5)
        while x < _REACH:
            w = look.between(4.5, 14.0)
            with b.placed(x + w / 2, start + look.between(0, 0.4), 0.1):
                house(b, look, w, look.between(6, 12), storeys, near=abs(x + w / 2) < 20)
            x += w
        return "houses"
    if kind < 0.7:
        plain = look.material(
            *look.rough("brick", "stone", "concrete", "plaster", photo="photo_wall"), metres=2.0
        )
        height = look.between(1.2, 5.0)
        b.box((0, start + 0.2, height / 2), (2 * _REACH, 0.4, height), plain)
        _woods(b, look, start + 3.0, look.count(0, 8))
        return "a wall"
    if kind < 0.82:
        for i in range(-4, 5):
            with b.placed(i * 7.0, start + 0.5, 0.1):
                hedge(b, look, 7.0, look.between(0.9, 2.6))
        _woods(b, look, start + 3.0, look.count(2, 10))
        return "a hedge"
    grass = look.material(*look.rough("grass", photo="photo_leaves"), metres=2.5)
    b.box((0, start + 60, -0.36), (300, 120, 1.0), grass)
    for _ in range(look.count(3, 8)):
        with b.placed(look.between(-14, 14), start + look.between(0.5, 8), 0.1):
            bush(b, look, look.between(0.6, 1.8))
    _woods(b, look, start + look.between(1.0, 14.0), look.count(12, 26))
    return "trees"


def _far_away(b: Builder, look: Look, across: float) -> None:
    """Blocks or trees where the road ends on both sides, so that few see its horizon."""
    for side in (-1, 1):
        x = side * (_REACH + look.between(2.0, 45.0))
        if look.chance(0.5):
            wall = look.material("facade", "curtain_wall", metres=3)
            for y in (-2.2, -1.1, 0.0, 1.1, 2.2):
                size, high = look.between(9, 20), look.between(6, 25)
                b.box((x, -across / 2 + y * 14, high / 2), (size, size, high), wall)
        elif look.chance(0.8):
            for _ in range(look.count(6, 14)):
                with b.placed(x + look.between(-4, 4), -across / 2 + look.between(-30, 30)):
                    tree(b, look, look.between(5, 13))


def _woods(b: Builder, look: Look, start: float, count: int) -> None:
    for _ in range(count):
        with b.placed(look.between(-_REACH, _REACH), start + look.between(0, 14), 0.1):
            tree(b, look, look.between(4.5, 12))


def _parked(b: Builder, look: Look) -> tuple[list[str], tuple[tuple[float, float], ...]]:
    """Names and places of a row of vehicles: along the kerb, or beside each other with gaps."""
    beside = look.chance(0.3)
    turn = look.between(0.9, 1.57) if beside else 0.0
    x, gap = -look.between(8.0, 14.0), look.between(0.4, 7.0)
    names, places = [], []
    while x < 14.0:
        name, length, build = vehicle(look)
        pitch = (2.0 + length * math.cos(turn)) if beside else length
        yaw = (turn if look.chance(0.6) else turn + math.pi) + look.rng.normal(0, 0.02)
        y = -max(0.0, length * math.sin(turn) / 2 - 0.9) if beside else look.rng.normal(0, 0.08)
        if look.chance(0.75):
            with b.placed(x + pitch / 2, y, 0, yaw):
                build(b)
            names.append(name)
            places.append((x + pitch / 2, y))
        x += pitch + gap * look.between(0.3, 1.5) + 0.3
    if not places:
        name, _, build = vehicle(look)
        build(b)
        names, places = [name], [(0.0, 0.0)]
    return sorted(set(names)), tuple(places)


def _pavement(b: Builder, look: Look, walk: float) -> None:
    """People, two-wheelers, posts and trees between the vehicles and what is behind them."""
    things = (person, person, bicycle, motorcycle, sign_post, lamp_post, bench, _young_tree)
    for _ in range(look.count(0, 7)):
        thing = things[look.count(0, len(things) - 1)]
        turned = look.between(0, 2 * math.pi) if thing is person else look.rng.normal(0, 0.15)
        at = (look.between(-11, 11), _PARKED + look.between(0.4, max(0.5, walk - 0.4)))
        with b.placed(*at, 0.11, turned):
            thing(b, look)


def _young_tree(b: Builder, look: Look) -> None:
    tree(b, look, look.between(3.5, 7.0))
