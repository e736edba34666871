"""The camera waits for the model, and is never held on the way back."""

import numpy as np
import pytest

from engine.geometry.cameras import Camera, Intrinsics
from explorer.walk.motion.leash import LeashConfig, held, tension
from explorer.walk.motion.mover import MoveCommand, Mover, turned
from explorer.walk.motion.nearness import Nearness

LENS = Intrinsics.from_fov(60, 16 / 9)
CONFIG = LeashConfig()


def at(z: float) -> Camera:
    T = np.eye(4)
    T[2, 3] = z
    return Camera(T, LENS)


def flown(mover: Mover, drawn: list[Camera], seconds: float, scale: float = 1.0) -> float:
    """How far ahead it is after so long."""
    for _ in range(round(seconds / 0.02)):
        before = mover.camera
        mover.hold(held(before, mover.advance(0.02), drawn, scale))
    return float(mover.camera.position[2])


@pytest.mark.parametrize("scale", [1.0, 30.0])
def test_held_keys_end_at_the_leash_and_go_on_with_the_next_picture(scale: float) -> None:
    mover = Mover(at(0.0), scale)
    mover.press(MoveCommand.FORWARD)
    drawn = [at(0.0)]
    free = Mover(at(0.0), scale)
    free.press(MoveCommand.FORWARD)
    for _ in range(40):
        free.advance(0.02)
    assert flown(mover, drawn, 0.8, scale) == pytest.approx(float(free.camera.position[2]))
    end = flown(mover, drawn, 30.0, scale)
    assert 0.9 * CONFIG.length.shift * scale < end <= CONFIG.length.shift * scale
    drawn.append(mover.camera)
    assert flown(mover, drawn, 1.0, scale) > end + 0.1 * scale


def test_who_turns_back_is_not_held() -> None:
    mover = Mover(at(0.34), 1.0)
    mover.press(MoveCommand.BACK)
    free = Mover(at(0.34), 1.0)
    free.press(MoveCommand.BACK)
    assert flown(mover, [at(0.0)], 0.5) == pytest.approx(flown(free, [], 0.5))


def test_turning_is_held_too() -> None:
    camera = at(0.0)
    for _ in range(400):
        camera = held(camera, turned(camera, 0.02, 0.0, 1.4), [at(0.0)], 1.0)
    assert 0.9 < tension(camera, [at(0.0)], 1.0, CONFIG) <= 1.0
    assert CONFIG.length == Nearness(0.35, 40.0)


def test_nothing_drawn_holds_nothing() -> None:
    far = at(9.0)
    assert held(at(0.0), far, [], 1.0) is far
