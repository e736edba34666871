"""Real tables, desks and low cupboards with things on them."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import cast

from engine.training.worlds.blueprint import Look
from engine.training.worlds.objects.clutter import litter
from engine.training.worlds.objects.piece import Piece
from engine.training.worlds.objects.real import Make, P, Thing, drawn, varied
from engine.training.worlds.shapes import Builder

#: Nobody puts things on what is higher, metres.
_HIGHEST = 1.35


def loaded(look: Look, thing: Thing, most: int = 6, screen: bool = False) -> Piece:
    """A thing with up to `most` small ones on it, where it is low enough and has a top.

    Args:
        screen: one or two screens stand at its back.
    """
    w, d, _ = thing.size
    useful = 0.2 < thing.top < _HIGHEST and min(w, d) > 0.25
    screens = [s for _ in range(look.count(1, 2)) if (s := drawn(look, "screen"))] if screen else []

    def build(b: Builder) -> None:
        thing.build(b, look)
        if not useful:
            return
        for i, one in enumerate(screens):
            x = (i - (len(screens) - 1) / 2) * 0.62
            if abs(x) + one.size[0] / 2 < w / 2 and one.size[1] < d - 0.1:
                with b.placed(x, 0.05, thing.top):
                    one.build(b, look)
        low = 0.55 if screens else 0.2
        litter(b, look, (-w * 0.38, d * low, w * 0.38, d * 0.8), thing.top, look.count(0, most))

    return Piece(thing.label.name, *thing.size, build)


def real_support(
    kind: str, most: int = 6, share: float = 0.7, screen: bool = False
) -> Callable[[Make[P]], Make[P]]:
    """As `real.real_piece`, for what carries things."""

    def either(make: Make[P]) -> Make[P]:
        @functools.wraps(make)
        def made(look: Look, *args: P.args, **kwargs: P.kwargs) -> Piece:
            label = look.real(kind, share)
            if label is None:
                return make(look, *args, **kwargs)
            return loaded(look, varied(look, label), most, screen)

        return cast(Make[P], made)

    return either


def real_table(look: Look, height: float, most: int, share: float = 0.7) -> Piece | None:
    """A table of a height in metres with things on it; None where a primitive one is to stand."""
    label = look.real("low table" if height < 0.6 else "table", share)
    return None if label is None else loaded(look, varied(look, label, height), most)
