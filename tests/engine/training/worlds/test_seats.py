"""Chairs of many kinds can be built, hold together, and stand near the camera in their worlds."""

from __future__ import annotations

import numpy as np

from engine.training.worlds.blueprint import Look
from engine.training.worlds.families.seats import build_seats
from engine.training.worlds.objects.seats import seat
from engine.training.worlds.shapes import Builder
from engine.training.worlds.textures import TextureBank
from engine.training.worlds.world import sample_sequence
from tests.engine.training.worlds.bounds import bounds


def test_every_drawn_seat_stands_on_the_floor_within_its_measures(bank: TextureBank) -> None:
    for seed in range(300):
        builder = Builder()
        piece = seat(Look(np.random.default_rng(seed), bank, "train"))
        piece.build(builder)
        low, high = bounds(builder)
        assert low[:, 2].min() > -0.03, "nothing below the floor"
        assert 0.4 < high[:, 2].max() < piece.height + 0.04
        assert np.abs(low[:, 0]).max() < 0.4, "as wide as a chair"
        assert low[:, 1].min() > -0.2, "the back leans a little"
        assert high[:, 1].max() < piece.depth + 0.2


def test_seats_of_a_world_are_of_one_make(bank: TextureBank) -> None:
    look = Look(np.random.default_rng(3), bank, "train")
    materials = []
    for _ in range(2):
        builder = Builder()
        seat(look).build(builder)
        materials.append(set(builder.materials))
    assert materials[0] & materials[1]


def test_chairs_are_seen_from_near_and_from_above(bank: TextureBank) -> None:
    near, pitches = [], []
    for seed in range(24):
        sequence = sample_sequence(seed, 1, 48, 64, "train", bank, family="seat")
        near.append(float((sequence.depth[0] < 1.3).mean()))
        pitches.append(np.degrees(np.arcsin(sequence.cameras[0].T_world_camera[1, 2])))
    assert np.median(near) > 0.1
    assert np.mean([share > 0.03 for share in near]) > 0.5
    assert 10 < np.median(pitches) < 35, "y points down"


def test_most_kitchens_among_them_have_worktops(bank: TextureBank) -> None:
    captions = [
        build_seats(Look(np.random.default_rng(seed), bank, "train")).caption for seed in range(80)
    ]
    kitchens = [c for c in captions if "kitchen" in c]
    assert 40 < len(kitchens) < 75
    assert np.mean(["counter" in c for c in kitchens]) > 0.6
    assert all(c.startswith("chairs in ") for c in captions)
