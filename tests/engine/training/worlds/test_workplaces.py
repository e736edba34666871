"""Desks, office chairs and long tables hold together and fill offices and meeting rooms."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from engine.training.worlds.blueprint import Look
from engine.training.worlds.families.workplaces import build_workplace
from engine.training.worlds.objects.piece import Piece
from engine.training.worlds.objects.workplaces import long_table, office_chair, workstation
from engine.training.worlds.shapes import Builder
from engine.training.worlds.textures import TextureBank
from engine.training.worlds.world import sample_sequence
from tests.engine.training.worlds.bounds import bounds


@pytest.mark.parametrize("make", [workstation, office_chair, long_table])
def test_pieces_stand_on_the_floor_about_as_large_as_they_say(
    make: Callable[[Look], Piece], bank: TextureBank
) -> None:
    for seed in range(120):
        builder = Builder()
        piece = make(Look(np.random.default_rng(seed), bank, "train"))
        piece.build(builder)
        low, high = bounds(builder)
        assert low[:, 2].min() > -0.03, f"{seed}: below the floor"
        assert 0.65 < high[:, 2].max() < piece.height + 0.6, "screens and plants stand above"
        # Chairs lean back and their feet reach out; sheets and screens may stand over an edge.
        assert low[:, 0].min() > -piece.width / 2 - 0.35
        assert high[:, 0].max() < piece.width / 2 + 0.35
        assert low[:, 1].min() > -0.35
        assert high[:, 1].max() < piece.depth + 0.3


def test_screens_face_who_sits_there_and_stand_on_the_desk(bank: TextureBank) -> None:
    found = 0
    for seed in range(60):
        look = Look(np.random.default_rng(seed), bank, "train")
        builder = Builder()
        piece = workstation(look)
        piece.build(builder)
        low, high = bounds(builder)
        half, centre = (high - low) / 2, (high + low) / 2
        # Wider than laptops, higher than keyboards, thinner than boxes.
        panes = (half[:, 0] > 0.2) & (half[:, 2] > 0.1) & (centre[:, 2] > 0.85)
        panes &= half[:, 1] < 0.2
        found += int(panes.sum())
        assert np.all(centre[panes, 1] < piece.depth * 0.6), "at the back of the desk"
        assert np.all(centre[panes, 2] - half[panes, 2] > 0.69), "not through the top"
    assert found > 60


def test_both_kinds_of_rooms_come_with_their_furniture(bank: TextureBank) -> None:
    captions = [
        build_workplace(Look(np.random.default_rng(seed), bank, "train")).caption
        for seed in range(40)
    ]
    offices = [c for c in captions if c.startswith("an office with a desk")]
    meetings = [c for c in captions if c.startswith("a meeting room with a table")]
    assert len(offices) + len(meetings) == 40
    assert min(len(offices), len(meetings)) > 8


def test_what_stands_near_is_seen_before_what_is_far(bank: TextureBank) -> None:
    """Most pictures have steps of depth between things, not walls and floor alone."""
    steps = []
    for seed in range(24):
        depth = sample_sequence(seed, 1, 48, 80, "train", bank, family="workplace").depth[0]
        near = np.minimum(depth, 30.0)
        across = np.abs(np.diff(np.log(near), axis=1))
        steps.append(float((across > 0.2).mean()))
    assert np.median(steps) > 0.02
