from __future__ import annotations

import itertools

import numpy as np
import pytest

from engine.geometry.cameras import Camera, Intrinsics
from explorer.walk.motion.autopilot import Autopilot, fly_to, return_path
from explorer.walk.motion.mover import turned
from explorer.walk.motion.nearness import Nearness, nearest, nearness

LENS = Intrinsics.from_fov(60.0, 16 / 9)


def at(x: float, yaw: float = 0.0) -> Camera:
    T = np.eye(4)
    T[0, 3] = x
    return turned(Camera(T, LENS), yaw, 0.0, 1.4)


def flown(pilot: Autopilot, tick: float = 0.05) -> list[Camera]:
    found = []
    while (camera := pilot.advance(tick)) is not None:
        found.append(camera)
        assert len(found) < 1000
    return found


def test_a_flight_ends_exactly_at_its_goal_without_leaps() -> None:
    goal = at(1.0, 1.2)
    way = flown(fly_to(at(0.0), goal, 1.0))
    assert way[-1] is goal
    steps = [np.linalg.norm(b.position - a.position) for a, b in itertools.pairwise(way)]
    assert max(steps) < 0.06
    xs = [c.position[0] for c in way]
    assert xs == sorted(xs)


def test_the_way_back_runs_between_the_cameras_of_the_way_out() -> None:
    out = [at(x) for x in (0.0, 1.0, 2.0, 3.0)]
    back = [c.position[0] for c in return_path(out)]
    assert back == [3.0, 2.5, 1.5, 0.5, 0.0]


def test_nothing_to_fly_to() -> None:
    with pytest.raises(ValueError, match="somewhere"):
        Autopilot([])
    assert len(flown(Autopilot([at(1.0)]))) == 1


def test_nearness_is_in_scene_scales_and_degrees() -> None:
    gap = nearness(at(0.0), at(3.0, np.radians(25.0)), 2.0)
    assert gap.shift == pytest.approx(1.5)
    assert gap.degrees == pytest.approx(25.0)
    assert nearness(at(0.0), at(0.0, np.radians(0.01)), 1.0).degrees == pytest.approx(0.01)
    assert nearness(at(0.0), at(0.0, np.pi), 1.0).degrees == pytest.approx(180.0)


def test_the_nearest_is_found_only_within_the_limit() -> None:
    others = [at(0.0), at(1.0), at(2.0)]
    limit = Nearness(0.2, 5.0)
    assert nearest(at(1.1), others, 1.0, limit) == 1
    assert nearest(at(1.4), others, 1.0, limit) is None
