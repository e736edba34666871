"""Trees, bushes, hedges, made of many leaf-textured ellipsoids on a trunk."""

from __future__ import annotations

import math

from engine.training.worlds.blueprint import Look
from engine.training.worlds.objects.real import real_thing
from engine.training.worlds.shapes import Builder, Material


def leaves(look: Look) -> Material:
    """The same few kinds of leaves throughout a world."""
    name = f"leaves {look.count(0, 2)}"
    shade = look.between(0.55, 1.1)
    names = look.rough("foliage", "foliage", photo="photo_leaves")
    return look.kept(
        name, look.material(*names, metres=look.between(0.8, 1.8), tint=(shade, shade, shade))
    )


def trunk_material(look: Look) -> Material:
    return look.kept("bark", look.material("bark", metres=0.8, vary=0.3))


def tree(b: Builder, look: Look, height: float, detail: int = 1) -> None:
    """At the origin; broad-leaved, conifer, or bare."""
    kind = look.rng.random()
    bark, leaf = trunk_material(look), leaves(look)
    thick = height * look.between(0.025, 0.05)
    if kind < 0.2:
        b.cone((0, 0, height * 0.1), (thick * 1.6, thick * 1.6, height * 0.2), 0.3, bark)
        layers = look.count(3, 6)
        for i in range(layers):
            s = 1 - i / layers
            w = height * 0.42 * s + 0.2
            z = height * (0.12 + 0.8 * i / layers)
            b.cone((0, 0, z + height * 0.14), (w, w, height * 0.3), 0.97, leaf)
        return
    split = height * look.between(0.25, 0.45)
    lean = (look.rng.normal(0, 0.03) * height, look.rng.normal(0, 0.03) * height)
    b.cone((0, 0, split / 2), (thick * 1.5, thick * 1.5, split), 0.35, bark)
    bare = kind > 0.9
    for _ in range(look.count(3, 5) + (4 if bare else 0)):
        a, up = look.between(0, 2 * math.pi), look.between(0.25, 0.5) * height
        out = look.between(0.08, 0.3) * height
        end = (lean[0] + out * math.cos(a), lean[1] + out * math.sin(a), split + up)
        b.rod((0, 0, split * look.between(0.8, 0.98)), end, thick * 0.45, bark)
        if bare:
            for _ in range(2):
                tip = [e + look.rng.normal(0, 0.09) * height for e in end]
                tip[2] = end[2] + look.between(0.05, 0.2) * height
                b.rod(end, tip, thick * 0.2, bark)
    if bare:
        return
    radius = height * look.between(0.25, 0.4)
    middle = split + (height - split) * 0.5
    for _ in range(look.count(9, 15) * detail):
        a, e, r = (
            look.between(0, 2 * math.pi),
            look.between(-0.8, 1.2),
            radius * look.between(0.3, 0.8),
        )
        at = (
            lean[0] + r * math.cos(a) * math.cos(e),
            lean[1] + r * math.sin(a) * math.cos(e),
            middle + r * math.sin(e) * 1.1,
        )
        s = radius * look.between(0.55, 1.0)
        b.ellipsoid(at, (s, s * look.between(0.8, 1.2), s * look.between(0.6, 0.9)), leaf, yaw=a)


@real_thing("bush", share=0.3)
def bush(b: Builder, look: Look, size: float) -> None:
    leaf = leaves(look)
    for _ in range(look.count(4, 8)):
        r, a = look.between(0, 0.4) * size, look.between(0, 2 * math.pi)
        s = size * look.between(0.4, 0.8)
        at = (r * math.cos(a), r * math.sin(a), s * look.between(0.3, 0.6))
        b.ellipsoid(at, (s, s, s * look.between(0.7, 1.0)), leaf, yaw=a)


def hedge(b: Builder, look: Look, length: float, height: float) -> None:
    """Along x, its middle at the origin."""
    leaf = leaves(look)
    b.box((0, 0, height / 2), (length, height * 0.5, height), leaf)


def conifer(b: Builder, look: Look, height: float, layers: int = 4) -> None:
    """A fir at the origin."""
    bark, leaf = trunk_material(look), leaves(look)
    b.cone((0, 0, height * 0.1), (height * 0.05, height * 0.05, height * 0.2), 0.3, bark)
    for i in range(layers):
        s = 1 - i / (layers + 0.4)
        w = height * look.between(0.26, 0.36) * s
        z = height * (0.1 + 0.8 * i / layers)
        b.cone((0, 0, z + height * 0.45 / layers), (w, w, height * 1.0 / layers), 0.95, leaf)


def flowers(b: Builder, look: Look, size: float) -> None:
    """A bed of low plants with blossoms."""
    leaf = leaves(look)
    for _ in range(look.count(4, 9)):
        x, y = (look.rng.normal(0, size * 0.3) for _ in range(2))
        s = look.between(0.2, 0.5)
        b.ellipsoid((x, y, s * 0.4), (s, s, s), leaf)
        if look.chance(0.6):
            r, g, bl = (float(v) for v in look.rng.dirichlet((1, 0.6, 1)))
            petal = look.paint((min(r * 1.6, 0.9), min(g * 1.6, 0.9), min(bl * 1.6, 0.9)))
            for _ in range(3):
                at = (x + look.rng.normal(0, s * 0.25), y + look.rng.normal(0, s * 0.25), s * 0.85)
                b.ellipsoid(at, (0.09, 0.09, 0.07), petal)
