from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from engine.geometry.cameras import Camera, Intrinsics
from engine.geometry.projection import project
from explorer.walk.motion.mover import MoveCommand, Mover

START = Camera(np.eye(4), Intrinsics.from_fov(60.0, 16 / 9))
PAIRS = [
    (MoveCommand.FORWARD, MoveCommand.BACK),
    (MoveCommand.LEFT, MoveCommand.RIGHT),
    (MoveCommand.UP, MoveCommand.DOWN),
    (MoveCommand.TURN_LEFT, MoveCommand.TURN_RIGHT),
]


def held(commands, seconds: float, ticks: int = 60, scale: float = 1.0) -> Mover:
    mover = Mover(START, scale)
    for command in commands:
        mover.press(command)
    for _ in range(ticks):
        mover.advance(seconds / ticks)
    return mover


def column(camera: Camera, point=(0.0, 0.0, 3.0)) -> float:
    return float(project(torch.tensor([point]), camera, 144, 256).uv[0, 0])


def test_left_means_left() -> None:
    # Who steps to the left sees what was in the middle move to the right.
    assert held([MoveCommand.LEFT], 1.0).camera.position[0] < -0.1
    assert column(held([MoveCommand.LEFT], 1.0).camera) > 130
    # Who turns to the left has in the middle what was on the left.
    turned = held([MoveCommand.TURN_LEFT], 0.5).camera
    assert turned.forward[0] < -0.1
    assert column(turned) > 150


def test_up_is_up_and_forward_is_nearer() -> None:
    assert held([MoveCommand.UP], 1.0).camera.position[1] < 0
    assert held([MoveCommand.FORWARD], 1.0).camera.position[2] > 0.1
    assert held([MoveCommand.TURN_UP], 0.5).camera.forward[1] < -0.1


@pytest.mark.parametrize("pair", PAIRS)
def test_there_and_back_is_where_it_began(pair) -> None:
    mover = Mover(START, 2.0)
    for command in pair:
        mover.press(command)
        for _ in range(30):
            mover.advance(0.02)
        mover.release(command)
        for _ in range(100):
            mover.advance(0.02)
    assert not mover.is_moving
    assert np.allclose(mover.camera.T_world_camera, np.eye(4), atol=0.02)


def test_the_way_depends_on_time_and_not_on_the_frame_rate() -> None:
    slow = held([MoveCommand.FORWARD], 1.0, ticks=10).camera
    fast = held([MoveCommand.FORWARD], 1.0, ticks=240).camera
    assert np.allclose(slow.position, fast.position, atol=1e-9)


def test_fast_slow_and_the_size_of_the_scene() -> None:
    way = held([MoveCommand.FORWARD], 2.0).camera.position[2]
    fast = held([MoveCommand.FORWARD, MoveCommand.FAST], 2.0).camera.position[2]
    slow = held([MoveCommand.FORWARD, MoveCommand.SLOW], 2.0).camera.position[2]
    assert fast == pytest.approx(3 * way)
    assert slow == pytest.approx(0.3 * way)
    valley = held([MoveCommand.FORWARD], 2.0, scale=50.0).camera.position[2]
    assert valley == pytest.approx(50 * way)


def test_a_release_glides_to_rest_and_then_nothing_moves() -> None:
    mover = held([MoveCommand.FORWARD], 0.5)
    mover.release_all()
    assert mover.is_moving
    for _ in range(100):
        mover.advance(0.02)
    rest = mover.advance(0.02)
    assert rest is mover.advance(0.02)


@given(
    st.lists(
        st.tuples(st.floats(-3, 3), st.floats(-2, 2)).map(lambda t: (float(t[0]), float(t[1]))),
        max_size=8,
    )
)
def test_the_horizon_stays_level_whatever_the_mouse_does(looks) -> None:
    mover = Mover(START, 1.0)
    for yaw, pitch in looks:
        mover.look(yaw, pitch)
    R = mover.camera.T_world_camera[:3, :3]
    assert abs(R[1, 0]) < 1e-9  # the camera's right has no part of the vertical
    assert np.allclose(R @ R.T, np.eye(3), atol=1e-9)
    assert -mover.camera.forward[1] <= np.sin(np.radians(80.0)) + 1e-9


def test_keys_stay_held_when_the_size_of_the_scene_becomes_known() -> None:
    mover = Mover(Camera(np.eye(4), Intrinsics.from_fov(60, 16 / 9)), 1.0)
    mover.press(MoveCommand.FORWARD)
    mover.advance(1.0)
    before = mover.camera.position[2]
    mover.scene_scale = 3.0
    mover.advance(1.0)
    assert mover.is_moving
    assert mover.camera.position[2] - before > 2.5 * before
