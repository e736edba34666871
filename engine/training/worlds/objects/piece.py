"""What families place in rooms."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from engine.training.worlds.shapes import Builder


@dataclass(frozen=True)
class Piece:
    """A thing to place: footprint in metres and how to build it in its own frame."""

    name: str
    width: float
    depth: float
    height: float
    build: Callable[[Builder], None]
