"""Walks keep their distance, move by sensible steps, and turn back."""

from itertools import pairwise

import numpy as np
import pytest
import torch

from engine.training.worlds.casting import PUBLIC_FROM_WORLD
from engine.training.worlds.solids import inside_any
from engine.training.worlds.surveying import Surveyor
from engine.training.worlds.walks import NoRoomError
from engine.training.worlds.world import sample_world


@pytest.mark.parametrize("family", ["room", "street", "courtyard", "corridor"])
def test_cameras_stay_clear_of_solids(family, bank):
    world = sample_world(4, family, bank)
    surveyor = Surveyor(world.scene, world.style)
    for camera in world.walk(10, np.random.default_rng(1)):
        at = PUBLIC_FROM_WORLD.T @ camera.position
        assert surveyor.ring(at) is not None
        assert not inside_any(world.scene.shapes, torch.as_tensor(at, dtype=torch.float32))


def test_cameras_stay_above_land(bank):
    world = sample_world(6, "valley", bank)
    for camera in world.walk(8, np.random.default_rng(1)):
        x, y, z = PUBLIC_FROM_WORLD.T @ camera.position
        assert z - world.scene.terrain.height_at(x, y) >= world.style.clearance - 1e-3


def test_steps_are_small_and_turns_bounded(bank):
    for seed in range(3):
        world = sample_world(seed, "room", bank)
        cameras = world.walk(12, np.random.default_rng(seed))
        assert len(cameras) == 12
        for a, b in pairwise(cameras):
            step = np.linalg.norm(a.position - b.position)
            cosine = (np.trace(a.T_world_camera[:3, :3].T @ b.T_world_camera[:3, :3]) - 1) / 2
            assert step < 1.6
            assert np.degrees(np.arccos(np.clip(cosine, -1, 1))) < 60
            assert a.intrinsics == b.intrinsics


def test_many_walks_come_back(bank):
    """Some walk's end is nearer to its start than its farthest point by half."""
    world = sample_world(1, "street", bank)
    back = 0
    for seed in range(8):
        p = np.array([c.position for c in world.walk(12, np.random.default_rng(seed))])
        away = np.linalg.norm(p - p[0], axis=1)
        back += away[-1] < 0.5 * away.max()
    assert 1 <= back <= 7


def test_walks_are_deterministic(bank):
    world = sample_world(1, "room", bank)
    a, b = (world.walk(5, np.random.default_rng(3)) for _ in range(2))
    for p, q in zip(a, b, strict=True):
        assert np.array_equal(p.T_world_camera, q.T_world_camera)


def test_a_world_without_room_is_replaced(bank, monkeypatch):
    from engine.training.worlds import world as module

    real, calls = module.random_walk, []

    def cramped_once(*arguments):
        calls.append(1)
        if len(calls) == 1:
            raise NoRoomError("full")
        return real(*arguments)

    monkeypatch.setattr(module, "random_walk", cramped_once)
    sequence = module.sample_sequence(2, 1, 40, 64, "train", bank)
    assert len(calls) == 2
    assert len(sequence.cameras) == 1


def test_a_seed_without_any_room_says_so(bank, monkeypatch):
    from engine.training.worlds import world as module

    def full(*_):
        raise NoRoomError("full")

    monkeypatch.setattr(module, "random_walk", full)
    with pytest.raises(NoRoomError):
        module.sample_sequence(2, 1, 40, 64, "train", bank)
