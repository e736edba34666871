"""Families of worlds, by name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from engine.training.worlds.blueprint import Blueprint, Look
from engine.training.worlds.families.closeups import build_closeup
from engine.training.worlds.families.corridors import build_corridor
from engine.training.worlds.families.courtyards import build_courtyard
from engine.training.worlds.families.displays import build_display
from engine.training.worlds.families.furnished import build_furnished
from engine.training.worlds.families.halls import build_hall
from engine.training.worlds.families.kerbs import build_kerb
from engine.training.worlds.families.markets import build_market
from engine.training.worlds.families.parks import build_park
from engine.training.worlds.families.rooms import build_room
from engine.training.worlds.families.seats import build_seats
from engine.training.worlds.families.streets import build_street
from engine.training.worlds.families.tables import build_table
from engine.training.worlds.families.valleys import build_valley
from engine.training.worlds.families.workplaces import build_workplace
from engine.training.worlds.families.yards import build_yard


@dataclass(frozen=True)
class Family:
    """How to make a world of this kind, and its share among the known ones.

    Attributes:
        measured: whether worlds of the unseen split are drawn from it as well. Families that came
            later are not, so that published tables stay comparable.
    """

    build: Callable[[Look], Blueprint]
    weight: float
    measured: bool = True


#: Never shown to training: kept for measuring on worlds of a new kind.
UNSEEN_FAMILY = "market"

FAMILIES: dict[str, Family] = {
    "room": Family(build_room, 4.0),
    "corridor": Family(build_corridor, 1.5),
    "hall": Family(build_hall, 1.0),
    "street": Family(build_street, 2.5),
    "valley": Family(build_valley, 1.5),
    "park": Family(build_park, 1.5),
    "courtyard": Family(build_courtyard, 1.0),
    "table": Family(build_table, 3.0, measured=False),
    "closeup": Family(build_closeup, 3.0, measured=False),
    "seat": Family(build_seats, 2.0, measured=False),
    "kerb": Family(build_kerb, 2.0, measured=False),
    "workplace": Family(build_workplace, 2.0, measured=False),
    "market": Family(build_market, 0.0),
}

#: Worlds full of real things; drawn only where there are any.
REAL_FAMILIES: dict[str, Family] = {
    "furnished": Family(build_furnished, 8.0, measured=False),
    "display": Family(build_display, 6.0, measured=False),
    "yard": Family(build_yard, 3.0, measured=False),
}
