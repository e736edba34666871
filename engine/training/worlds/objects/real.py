"""Real things in place of primitive ones, where a world has furniture; else nothing changes."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Concatenate, ParamSpec, cast

from engine.training.worlds.blueprint import Look
from engine.training.worlds.meshes.model import Label
from engine.training.worlds.objects.piece import Piece
from engine.training.worlds.shapes import Builder

P = ParamSpec("P")
Make = Callable[Concatenate[Look, P], Piece]
Build = Callable[Concatenate[Builder, Look, P], None]

#: From the frame of catalogues (front towards +y) to that of vehicles and people (towards +x).
AHEAD = -math.pi / 2


@dataclass(frozen=True)
class Thing:
    """A real thing as it is going to stand in a world, every time that it is built.

    Attributes:
        scale: factor on each of its own axes.
        tint: factor on its colours.
    """

    label: Label
    scale: tuple[float, float, float]
    tint: tuple[float, float, float]

    @property
    def size(self) -> tuple[float, float, float]:
        """Width, depth and height, metres."""
        (w, d, h), (a, b, c) = self.label.size, self.scale
        return w * a, d * b, h * c

    @property
    def top(self) -> float:
        """Height at which things may stand on it, metres."""
        return self.label.top * self.scale[2]

    def build(self, b: Builder, look: Look) -> None:
        """Back along y = 0 of the current frame."""
        b.mesh(look.model(self.label), self.scale, self.tint)

    def build_middle(self, b: Builder, look: Look) -> None:
        """Around the origin of the current frame."""
        with b.placed(0, -self.size[1] / 2):
            self.build(b, look)


def varied(look: Look, label: Label, height: float | None = None) -> Thing:
    """A thing a little larger, smaller, wider, lighter, darker than its catalogue has it.

    Args:
        height: metres that it is to have; its other sides follow half of the way.
    """
    whole = look.between(0.93, 1.09)
    a, b, c = (whole * look.between(0.97, 1.03) for _ in range(3))
    if height is not None:
        c = height / label.size[2]
        a, b = a * math.sqrt(c), b * math.sqrt(c)
    light = look.between(0.8, 1.25)
    red, green, blue = (light * (1 + look.rng.normal(0, 0.05)) for _ in range(3))
    return Thing(label, (a, b, c), (float(red), float(green), float(blue)))


def drawn(look: Look, kind: str, several: int = 1) -> Thing | None:
    """A thing of a kind; None where the world has none."""
    label = look.real(kind, 1.0, several=several)
    return None if label is None else varied(look, label)


def real_piece(kind: str, several: int = 1, share: float = 0.7) -> Callable[[Make[P]], Make[P]]:
    """The maker of a piece gives, with a chance of `share`, a real one of the kind instead.

    Args:
        several: of the same are built, as chairs around a table.
    """

    def either(make: Make[P]) -> Make[P]:
        @functools.wraps(make)
        def made(look: Look, *args: P.args, **kwargs: P.kwargs) -> Piece:
            label = look.real(kind, share, several=several)
            if label is None:
                return make(look, *args, **kwargs)
            return as_piece(look, varied(look, label))

        return cast(Make[P], made)

    return either


def as_piece(look: Look, thing: Thing) -> Piece:
    return Piece(thing.label.name, *thing.size, lambda b: thing.build(b, look))


def real_thing(
    kind: str, turn: float | None = None, share: float = 0.7
) -> Callable[[Build[P]], Build[P]]:
    """What builds a thing around the origin builds, with a chance of `share`, a real one.

    Args:
        turn: radians from the frame of catalogues to that of the function; None turns it at random.
    """

    def either(build: Build[P]) -> Build[P]:
        @functools.wraps(build)
        def built(b: Builder, look: Look, *args: P.args, **kwargs: P.kwargs) -> None:
            label = look.real(kind, share)
            if label is None:
                build(b, look, *args, **kwargs)
                return
            yaw = look.between(0, 2 * math.pi) if turn is None else turn
            with b.placed(0, 0, 0, yaw):
                varied(look, label).build_middle(b, look)

        return cast(Build[P], built)

    return either
