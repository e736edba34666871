"""Triangulation against points that are known."""

from __future__ import annotations

import numpy as np

from engine.geometry.cameras import Camera, Intrinsics
from engine.geometry.keypoints import projected
from engine.geometry.matching import Matches
from engine.geometry.triangulation import TriangulationConfig, depths_in, triangulated

LENS = Intrinsics(0.9, 1.2, 0.48, 0.53)
SIZE = (144, 256)


def camera(x: float, turn: float = 0.0) -> Camera:
    T = np.eye(4)
    T[:3, :3] = [[np.cos(turn), 0, np.sin(turn)], [0, 1, 0], [-np.sin(turn), 0, np.cos(turn)]]
    T[0, 3] = x
    return Camera(T, LENS)


def points(count: int = 60) -> np.ndarray:
    rng = np.random.default_rng(0)
    return np.stack(
        [rng.uniform(-1, 1, count), rng.uniform(-0.6, 0.6, count), rng.uniform(3, 6, count)], -1
    )


def matched(a: Camera, b: Camera, world: np.ndarray) -> Matches:
    return Matches(projected(world, a, SIZE), projected(world, b, SIZE))


def test_exact_matches_give_the_points_in_the_cameras_units() -> None:
    for unit in (1.0, 37.0):
        a, b = camera(0.0), camera(0.5 * unit, -0.05)
        world = points() * unit
        found = triangulated(matched(a, b, world), a, b, SIZE)
        assert len(found) == len(world)
        np.testing.assert_allclose(found.points, world, rtol=1e-6)
        np.testing.assert_allclose(depths_in(found.points, a), world[:, 2], rtol=1e-6)


def test_what_does_not_agree_is_left_out() -> None:
    a, b = camera(0.0), camera(0.5)
    world = points()
    matches = matched(a, b, world)
    matches.pixels_b[:10, 1] += 8.0  # off the epipolar line
    matches.pixels_b[10:20, 0] += 250.0  # behind the cameras
    found = triangulated(matches, a, b, SIZE)
    np.testing.assert_allclose(found.points, world[20:], rtol=1e-6)


def test_rays_that_are_nearly_parallel_say_nothing() -> None:
    a, b = camera(0.0), camera(0.01)
    assert not len(triangulated(matched(a, b, points()), a, b, SIZE))
    some = TriangulationConfig(angle=0.01)
    assert len(triangulated(matched(a, b, points()), a, b, SIZE, some))


def test_no_match_is_no_point() -> None:
    nothing = Matches(np.empty((0, 2)), np.empty((0, 2)))
    assert not len(triangulated(nothing, camera(0), camera(1), SIZE))
