"""Rows of cupboards fit the walls that they stand at."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from engine.training.worlds.blueprint import Look
from engine.training.worlds.objects.furnishing import free_stretch, overlaps, worktops
from engine.training.worlds.objects.interior import Opening, Shell, build_shell
from engine.training.worlds.shapes import Builder
from engine.training.worlds.textures import TextureBank

DOOR = Opening(wall=1, along=1.0, width=0.9, bottom=0.0, top=2.05, outside=False, leaf="door")
WINDOW = Opening(wall=1, along=-1.0, width=1.2, bottom=1.3, top=2.1, outside=True, leaf="window")
SHELL = Shell(5.0, 4.0, 2.5, (DOOR, WINDOW))


def test_the_longest_stretch_ends_at_doors_and_goes_on_under_high_windows() -> None:
    assert free_stretch(SHELL, 1, height=1.2) == pytest.approx((-1.98, 0.43))
    assert free_stretch(SHELL, 1, height=1.5) == pytest.approx((-0.28, 0.43))
    assert free_stretch(SHELL, 0, height=1.5) == pytest.approx((-2.48, 2.48))


def test_rows_keep_off_what_is_taken_and_are_places_in_the_room(bank: TextureBank) -> None:
    table = (-0.9, -0.9, 0.9, 0.9)
    rows = 0
    for seed in range(60):
        look, b, taken = Look(np.random.default_rng(seed), bank, "train"), Builder(), [table]
        places = worktops(b, look, SHELL, taken)
        assert bool(b.rows) == bool(places) == (len(taken) > 1)
        assert not any(overlaps(table, box) for box in taken[1:])
        assert all(abs(x) <= 2.5 and abs(y) <= 2.0 for x, y in places)
        rows += len(taken) - 1
    assert rows > 60, "more than one wall in a room now and then"


def test_nothing_is_built_where_the_room_is_full(bank: TextureBank) -> None:
    look, b = Look(np.random.default_rng(0), bank, "train"), Builder()
    taken = [(-2.5, -2.0, 2.5, 2.0)]
    assert worktops(b, look, SHELL, taken) == []
    assert not b.rows
    assert len(taken) == 1


def test_only_rooms_that_ask_for_panels_have_them(bank: TextureBank) -> None:
    """Four walls have at least one each; what hangs on walls differs from draw to draw."""
    counts = {0.0: 0, 1.0: 0}
    for panels, seed in itertools.product(counts, range(30)):
        look, b = Look(np.random.default_rng(seed), bank, "train"), Builder()
        build_shell(b, look, 5.0, 4.0, 2.5, panels)
        counts[panels] += len(b.rows)
    assert counts[1.0] > counts[0.0] + 30 * 3
