import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.geometry.cameras import Camera, Intrinsics
from engine.geometry.metrics import rotation_error_degrees, translation_error
from engine.geometry.pose import estimate_camera

SIZE = (144, 256)
LENS = Intrinsics.from_fov(70.0, 256 / 144)


def camera(turn, place):
    T = np.eye(4)
    T[:3, :3] = cv2.Rodrigues(np.array(turn, dtype=np.float64))[0]
    T[:3, 3] = place
    return Camera(T, LENS)


def matches(truth, g, count=200, unit=1.0):
    """Points that the camera sees, in the world, and their pixels."""
    uv = g.uniform((0, 0), (256, 144), (count, 2))
    depth = g.uniform(0.5, 6.0, count) * unit
    rays = np.column_stack([uv, np.ones(count)]) @ np.linalg.inv(LENS.matrix(256, 144)).T
    return (rays * depth[:, None]) @ truth.T_world_camera[:3, :3].T + truth.position, uv


@given(
    turn=st.tuples(*[st.floats(-1.5, 1.5)] * 3),
    place=st.tuples(*[st.floats(-50.0, 50.0)] * 3),
    unit=st.sampled_from([0.01, 1.0, 300.0]),
    seed=st.integers(0, 99),
)
@settings(max_examples=25)
def test_the_camera_comes_back(turn, place, unit, seed):
    truth = camera(turn, np.array(place) * unit)
    points, uv = matches(truth, np.random.default_rng(seed), unit=unit)
    found = estimate_camera(points, uv, LENS, SIZE)
    assert found is not None
    assert rotation_error_degrees(found.camera, truth) < 1e-3
    assert translation_error(found.camera, truth, unit) < 1e-4
    assert found.inliers.all()
    assert found.reprojection_error < 1e-3


def test_half_of_the_matches_may_be_wrong(rng):
    truth = camera((0.1, -0.3, 0.05), (0.4, 0.1, -0.2))
    points, uv = matches(truth, rng, count=400)
    seen = uv + rng.normal(0, 0.3, uv.shape)
    seen[:200] = rng.uniform((0, 0), (256, 144), (200, 2))
    found = estimate_camera(points, seen, LENS, SIZE)
    assert found is not None
    assert rotation_error_degrees(found.camera, truth) < 0.2
    assert translation_error(found.camera, truth) < 0.02
    assert found.inliers[200:].mean() > 0.98
    assert found.inliers[:200].mean() < 0.05
    assert 0.2 < found.reprojection_error < 0.7  # two axes of 0.3 pixels
    again = estimate_camera(points, seen, LENS, SIZE)
    assert again is not None
    assert (again.camera.T_world_camera == found.camera.T_world_camera).all()


def test_no_camera_from_noise_or_too_little(rng):
    points, uv = matches(camera((0, 0, 0), (0, 0, 0)), rng, count=60)
    assert estimate_camera(points, rng.permutation(uv), LENS, SIZE) is None
    assert estimate_camera(points[:8], uv[:8], LENS, SIZE) is None


def test_matches_of_different_length_are_refused():
    with pytest.raises(ValueError, match="pixels"):
        estimate_camera(np.zeros((20, 3)), np.zeros((19, 2)), LENS, SIZE)


def test_coinciding_points_fix_no_camera() -> None:
    points = np.tile([[0.3, -0.2, 4.0]], (40, 1))
    pixels = np.tile([[100.0, 60.0]], (40, 1))
    lens = Intrinsics.from_fov(60, 16 / 9)
    assert estimate_camera(points, pixels, lens, (144, 256)) is None
