"""Things that move: where they are said to be, and nothing else changes."""

from __future__ import annotations

import numpy as np
import pytest

from engine.geometry.cameras import Camera
from engine.training.worlds.casting import PUBLIC_FROM_WORLD
from engine.training.worlds.movers import FORMS, Mover, draw_movers
from engine.training.worlds.prerender import is_moving
from engine.training.worlds.textures import TextureBank
from engine.training.worlds.world import sample_sequence, sample_world

HEIGHT, WIDTH = 48, 64


@pytest.fixture(scope="module")
def bank() -> TextureBank:
    return TextureBank.procedural()


@pytest.fixture(scope="module")
def camera(bank: TextureBank) -> Camera:
    world = sample_world(3, "room", bank)
    return world.walk(1, np.random.default_rng(0))[0]


def ahead(camera: Camera, distance: float) -> np.ndarray:
    return PUBLIC_FROM_WORLD.T @ (camera.position + distance * camera.forward)


def ball(camera: Camera, distance: float, step: np.ndarray) -> Mover:
    return Mover("ball", ahead(camera, distance), step, 0.3, 0.0)


def test_a_ball_is_where_it_is_said_to_be(bank: TextureBank, camera: Camera) -> None:
    """Half a metre ahead, then further to the right at every view."""
    right = PUBLIC_FROM_WORLD.T @ camera.T_world_camera[:3, 0]
    mover = ball(camera, 0.6, 0.1 * right)
    world = sample_world(3, "room", bank, movers=(mover,))
    depth = world.render([camera] * 3, HEIGHT, WIDTH).depth.numpy()
    empty = sample_world(3, "room", bank).render([camera], HEIGHT, WIDTH).depth[0].numpy()
    k = camera.intrinsics
    for view in range(3):
        changed = np.argwhere(np.abs(depth[view] - empty) > 1e-3)
        assert depth[view][tuple(changed.T)].min() == pytest.approx(0.45, abs=0.02)
        column = (changed[:, 1].mean() + 0.5) / WIDTH
        assert column == pytest.approx(k.cx + k.fx * 0.1 * view / 0.6, abs=0.02)


def test_all_else_stays_as_it_is(bank: TextureBank, camera: Camera) -> None:
    mover = ball(camera, 0.6, np.zeros(3))
    with_ball = sample_world(3, "room", bank, movers=(mover,)).render([camera], HEIGHT, WIDTH)
    without = sample_world(3, "room", bank).render([camera], HEIGHT, WIDTH)
    same = (with_ball.depth == without.depth)[0]
    assert 0.3 < float(same.float().mean()) < 1.0
    inner = same[1:-1, 1:-1] & same[:-2, 1:-1] & same[2:, 1:-1] & same[1:-1, :-2] & same[1:-1, 2:]
    difference = (with_ball.rgb - without.rgb)[0, 1:-1, 1:-1].abs().amax(-1)
    assert float(difference[inner].mean()) < 0.01


def test_movers_start_in_front_of_what_is_seen(camera: Camera) -> None:
    depth = np.full((32, 56), 4.0, np.float32)
    for seed in range(20):
        for mover in draw_movers(camera, depth, 6, np.random.default_rng(seed)):
            assert mover.form in FORMS
            z = camera.forward @ (PUBLIC_FROM_WORLD @ mover.start - camera.position)
            assert 0.3 * 4.0 < z < 0.85 * 4.0
            assert 0 < np.linalg.norm(mover.step) * 5 < 0.9 * z / camera.intrinsics.fx


def test_a_view_of_the_sky_alone_has_no_place_for_movers(camera: Camera) -> None:
    sky = np.full((32, 56), np.inf, np.float32)
    assert draw_movers(camera, sky, 6, np.random.default_rng(0)) == ()


def test_sequences_with_movers_are_the_same_for_the_same_seed(bank: TextureBank) -> None:
    one, again = (
        sample_sequence(5, 3, HEIGHT, WIDTH, textures=bank, family="room", moving=True)
        for _ in range(2)
    )
    assert np.array_equal(one.rgb, again.rgb)
    still = sample_sequence(5, 3, HEIGHT, WIDTH, textures=bank, family="room")
    assert not np.array_equal(one.depth, still.depth)
    for a, b in zip(one.cameras, still.cameras, strict=True):
        assert np.array_equal(a.T_world_camera, b.T_world_camera)


def test_the_share_of_moving_sequences_is_kept_by_seed() -> None:
    moving = [is_moving(seed, 0.3) for seed in range(2000)]
    assert np.mean(moving) == pytest.approx(0.3, abs=0.03)
    assert not any(is_moving(seed, 0.0) for seed in range(100))
    assert all(is_moving(seed, 1.0) for seed in range(100))
