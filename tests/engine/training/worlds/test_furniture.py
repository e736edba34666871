"""Pieces of furniture can be built whatever sizes are drawn."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from engine.training.worlds.blueprint import Look
from engine.training.worlds.objects import furniture
from engine.training.worlds.shapes import Builder
from engine.training.worlds.textures import TextureBank

PIECES = [
    furniture.table,
    furniture.chair,
    furniture.sofa,
    furniture.bed,
    furniture.shelf,
    furniture.cabinet,
    furniture.desk,
    furniture.kitchen_row,
    furniture.fridge,
    furniture.floor_lamp,
    furniture.potted_plant,
    furniture.box_pile,
]


@pytest.mark.parametrize("make", PIECES, ids=lambda make: make.__name__)
def test_every_drawn_size_can_be_built(make: Callable[[Look], object], bank: TextureBank) -> None:
    """One armchair in a few hundred is narrow between wide arms, with a cushion."""
    for seed in range(400):
        builder = Builder()
        piece = make(Look(np.random.default_rng(seed), bank, "train"))
        piece.build(builder)
        assert builder.rows
