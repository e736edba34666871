"""Gardens, yards and car parks with real things: seats, people, animals, vehicles, play things."""

from __future__ import annotations

import math

from engine.training.worlds.blueprint import Blueprint, Look
from engine.training.worlds.captions import listed
from engine.training.worlds.families.closeups import behind
from engine.training.worlds.lights import daylight
from engine.training.worlds.objects.furnishing import Rectangle, overlaps
from engine.training.worlds.objects.plants import tree
from engine.training.worlds.objects.real import drawn
from engine.training.worlds.shapes import Builder
from engine.training.worlds.surveying import WalkStyle

_KINDS: dict[str, tuple[str, ...]] = {
    "garden": (
        "garden seat", "garden seat", "outdoors", "outdoors", "outdoors", "standing person",
        "animal", "bush", "bush", "tree", "plant on floor", "table", "chair", "bicycle",
    ),
    "yard": (
        "car", "car", "standing person", "standing person", "bicycle", "motorcycle", "outdoors",
        "garden seat", "animal", "van", "box", "bush",
    ),
    "car park": ("car", "car", "car", "van", "motorcycle", "standing person", "tree"),
}  # fmt: skip


def build_yard(look: Look) -> Blueprint:
    """Open ground with ten to thirty things on it, closed off by houses, hedges and trees."""
    b = Builder()
    kind = str(look.rng.choice(list(_KINDS), p=[0.45, 0.35, 0.2]))
    green = kind == "garden"
    ground = look.rough(*(("grass",) if green else ("paving", "concrete")),
                        photo="photo_leaves" if green else "photo_paving")  # fmt: skip
    b.box((0, 0, -0.5), (300, 300, 1.0), look.material(*ground, metres=look.between(1.2, 2.6)))
    reach = look.between(5.0, 12.0) * (1.4 if kind == "car park" else 1.0)
    taken: list[Rectangle] = []
    names = [
        name for _ in range(look.count(10, 30)) if (name := _stand(b, look, kind, reach, taken))
    ]
    for side in range(4):
        behind(b, look, side * math.pi / 2, reach + look.between(1.0, 9.0))
    if green:
        for _ in range(look.count(0, 5)):
            angle = look.between(0, 2 * math.pi)
            with b.placed(*(reach * 1.1 * f(angle) for f in (math.cos, math.sin))):
                tree(b, look, look.between(3, 8))
    caption = f"a {kind} with {listed(names)}" if names else f"a {kind}"
    style = WalkStyle(
        areas=((-reach, -reach, reach, reach),),
        eye_height=(1.1, 1.8),
        clearance=0.35,
        fov=(48.0, 84.0),
        pitch=(-5.0, 6.0),
        ceiling=8.0,
        step_range=(0.6, 10.0),
        stay=True,
        towards=tuple(((t[0] + t[2]) / 2, (t[1] + t[3]) / 2) for t in taken[:12]),
        tilt=1.5,
    )
    return Blueprint(b, daylight(look), caption, style, (0.0, 0.0), reach + 8.0, 2.4)


def _stand(b: Builder, look: Look, kind: str, reach: float, taken: list[Rectangle]) -> str:
    """One thing on free ground; its name, or nothing where there was no room."""
    kinds = _KINDS[kind]
    thing = drawn(look, kinds[look.count(0, len(kinds) - 1)])
    if thing is None:
        return ""
    w, d, _ = thing.size
    turn = look.between(0, 2 * math.pi)
    if kind == "car park":
        turn = float(look.rng.choice([0.0, math.pi])) + look.rng.normal(0, 0.05)
    r = min(max(w, d), 4.5) / 2
    for _ in range(10):
        x, y = look.between(-reach, reach), look.between(-reach, reach)
        box = (x - r, y - r, x + r, y + r)
        if any(overlaps(box, t) for t in taken):
            continue
        taken.append(box)
        with b.placed(x, y, 0, turn):
            thing.build_middle(b, look)
        return thing.label.name
    return ""
