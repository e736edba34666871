"""Parks, gardens, car parks and squares with trees, and buildings behind them."""

from __future__ import annotations

import math

from engine.training.worlds.blueprint import Blueprint, Look
from engine.training.worlds.lights import daylight
from engine.training.worlds.objects.buildings import cottage, house, pavilion
from engine.training.worlds.objects.plants import bush, flowers, hedge, tree
from engine.training.worlds.objects.street import bench, bicycle, car, lamp_post, person
from engine.training.worlds.shapes import Builder
from engine.training.worlds.surveying import WalkStyle


def build_park(look: Look) -> Blueprint:
    """Lawn, paths, trees, benches; or a car park among trees; or a garden behind a house."""
    b = Builder()
    kind = str(look.rng.choice(["park", "car park", "garden"], p=[0.45, 0.3, 0.25]))
    grass = look.material(*look.rough("grass", "grass", photo="photo_leaves"), metres=2.6)
    ground = look.material(
        *look.rough("asphalt", "paving", "concrete", photo="photo_paving"), metres=2
    )
    b.box((0, 0, -0.5), (500, 500, 1.0), ground if kind == "car park" else grass)
    _paths(b, look, kind, grass, ground)
    _trees(b, look, kind)
    if kind == "car park":
        _cars(b, look)
    else:
        _furniture(b, look)
    _surroundings(b, look, kind)
    style = WalkStyle(
        areas=((-9.0, -9.0, 9.0, 9.0),),
        eye_height=(1.3, 2.0) if look.chance(0.85) else (2.5, 6.0),
        clearance=0.45,
        fov=(45.0, 82.0),
        pitch=(-2.0, 6.0),
    )
    caption = {
        "park": "a park with trees, a path and benches",
        "car park": "cars parked between trees",
        "garden": "a garden behind a house",
    }[kind]
    light = daylight(look, haze=(80.0, 900.0))
    return Blueprint(b, light, caption, style, (0.0, 0.0), 24.0, 1.6)


def _paths(b: Builder, look: Look, kind: str, grass: object, ground: object) -> None:
    paving = look.material(*look.rough("paving", "soil", photo="photo_paving"), metres=1.6)
    for i in range(look.count(1, 3)):
        width, turn = look.between(1.4, 5.0), look.between(0, math.pi)
        at = (look.between(-5, 5), look.between(-5, 5), 0.004 + 0.002 * i)
        b.box(at, (150, width, 0.02), paving, yaw=turn)
    if kind == "garden" and look.chance(0.8):
        size = (look.between(5, 14), look.between(4, 9), 0.08)
        b.box((look.between(-5, 5), 7, 0.03), size, paving)


def _trees(b: Builder, look: Look, kind: str) -> None:
    for _ in range(look.count(5, 16) + (8 if kind == "park" else 0)):
        r, a = look.between(3.0, 45.0), look.between(0, 2 * math.pi)
        with b.placed(r * math.cos(a), r * math.sin(a)):
            if look.chance(0.62):
                tree(b, look, look.between(3.5, 12.0))
            else:
                bush(b, look, look.between(0.6, 2.2))


def _cars(b: Builder, look: Look) -> None:
    """Rows of parked cars."""
    for row in range(look.count(1, 3)):
        y, turn = look.between(-16, 16), math.pi / 2 + look.rng.normal(0, 0.1)
        for i in range(-6, 7):
            if look.chance(0.5):
                x = i * 2.8 + row * 0.7
                facing = turn + (math.pi if look.chance(0.4) else 0.0)
                with b.placed(x, y, 0, facing):
                    car(b, look)
    if look.chance(0.6):
        with b.placed(look.between(-3, 3), look.between(4, 8), 0, look.between(0, 6.3)):
            car(b, look)


def _furniture(b: Builder, look: Look) -> None:
    for _ in range(look.count(1, 7)):
        r, a = look.between(2.5, 14), look.between(0, 2 * math.pi)
        with b.placed(r * math.cos(a), r * math.sin(a), 0, look.between(0, 6.3)):
            kind = look.rng.random()
            if kind < 0.35:
                bench(b, look)
            elif kind < 0.5:
                lamp_post(b, look)
            elif kind < 0.65:
                person(b, look)
            elif kind < 0.75:
                bicycle(b, look)
            else:
                flowers(b, look, look.between(0.8, 2.5))


def _surroundings(b: Builder, look: Look, kind: str) -> None:
    """Hedges, walls or fences, and houses further away."""
    for side in range(4):
        turn = side * math.pi / 2 + look.rng.normal(0, 0.05)
        away = look.between(14, 40)
        with b.placed(-math.sin(turn) * away, math.cos(turn) * away, 0, turn):
            what = look.rng.random()
            if what < 0.35:
                x = -40.0
                while x < 40:
                    w = look.between(7, 16)
                    with b.placed(x + w / 2, 2.0):
                        house(b, look, w, 9.0, look.count(1, 4), near=abs(x) < 16)
                    x += w + (look.between(2, 8) if look.chance(0.4) else 0)
            elif what < 0.55:
                hedge(b, look, 90.0, look.between(0.8, 2.5))
            elif what < 0.7:
                _fence(b, look)
            elif what < 0.85:
                for _ in range(10):
                    with b.placed(look.between(-35, 35), look.between(0, 10)):
                        tree(b, look, look.between(7, 14))
            else:
                pavilion(b, look)
    if kind == "garden":
        with b.placed(look.between(-3, 3), 12.0):
            cottage(b, look)


def _fence(b: Builder, look: Look) -> None:
    m, h = look.wood() if look.chance(0.6) else look.metal(), look.between(0.9, 1.9)
    for z in (0.25 * h, 0.85 * h):
        b.box((0, 0, z), (70, 0.05, 0.09), m)
    for i in range(-14, 15):
        b.box((i * 2.4, 0, h / 2), (0.1, 0.1, h), m)
    if look.chance(0.6):
        b.box((0, 0.03, h / 2 + 0.05), (70, 0.03, h * 0.9), look.material("planks", metres=1.6))
