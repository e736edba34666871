"""Families of worlds, by name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from engine.training.worlds.blueprint import Blueprint, Look
from engine.training.worlds.families.rooms import build_room
from engine.training.worlds.families.streets import build_street


@dataclass(frozen=True)
class Family:
    """How to make a world of this kind, and its share among the known ones."""

    build: Callable[[Look], Blueprint]
    weight: float


#: Never shown to training: kept for measuring on worlds of a new kind.
UNSEEN_FAMILY = "courtyard"

FAMILIES: dict[str, Family] = {
    "room": Family(build_room, 4.0),
    "street": Family(build_street, 3.0),
}
