import math

import cv2
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.geometry.cameras import Camera, Intrinsics
from engine.geometry.metrics import (
    ate,
    depth_metrics,
    rotation_error_degrees,
    rpe,
    translation_error,
    umeyama,
)

LENS = Intrinsics(0.8, 1.4)


def camera(position, turn=(0.0, 0.0, 0.0)):
    T = np.eye(4)
    T[:3, :3] = cv2.Rodrigues(np.array(turn, dtype=np.float64))[0]
    T[:3, 3] = position
    return Camera(T, LENS)


def wander(seed=0, views=12):
    g = np.random.default_rng(seed)
    places, turns = np.cumsum(g.normal(0, 0.3, (views, 3)), 0), g.normal(0, 0.5, (views, 3))
    return [camera(p, r) for p, r in zip(places, turns, strict=True)]


def test_depth_figures_by_hand():
    truth = torch.tensor([[1.0, 2.0, 4.0, 10.0]])
    prediction = torch.tensor([[1.1, 2.0, 5.2, 5.0]])
    m = depth_metrics(prediction, truth)
    assert m.abs_rel == pytest.approx((0.1 + 0 + 0.3 + 0.5) / 4, rel=1e-6)
    assert m.delta1 == 0.5
    logs = np.log([1.1, 1.0, 1.3, 0.5])
    assert m.rmse_log == pytest.approx(math.sqrt((logs**2).mean()), rel=1e-6)
    assert m.pixels == 4


def test_unknown_truth_and_the_mask_leave_pixels_out():
    truth = np.array([[1.0, math.nan, math.inf, 0.0, 3.0]])
    prediction = np.array([[1.0, math.nan, 5.0, 5.0, 9.0]])
    mask = np.array([[True, True, True, True, False]])
    assert depth_metrics(prediction, truth, mask).pixels == 1
    assert depth_metrics(prediction, truth, mask).abs_rel == 0.0


def test_drawn_sky_counts_as_too_far():
    m = depth_metrics(np.array([[math.inf, 1.0]]), np.array([[4.0, 1.0]]))
    assert m.abs_rel == pytest.approx(0.5)  # 8 for 4, and 1 for 1
    assert m.delta1 == 0.5


def test_holes_in_the_prediction_cannot_flatter_it():
    with pytest.raises(ValueError, match="no depth at 1 pixels"):
        depth_metrics(np.array([[math.nan, 1.0]]), np.ones((1, 2)))
    with pytest.raises(ValueError, match="nothing to compare"):
        depth_metrics(np.ones((1, 2)), np.full((1, 2), math.inf))


@given(angle=st.floats(0.0, math.pi), scale=st.floats(0.1, 10.0))
def test_pose_errors_are_angle_and_distance(angle, scale):
    a, b = camera((1, 2, 3)), camera((1, 2, 5), turn=(0.0, angle, 0.0))
    assert rotation_error_degrees(a, b) == pytest.approx(math.degrees(angle), abs=1e-5)
    assert translation_error(a, b, scale) == pytest.approx(2.0 / scale)


@given(seed=st.integers(0, 99), scale=st.floats(0.05, 20.0))
@settings(max_examples=30)
def test_umeyama_finds_the_similarity(seed, scale):
    g = np.random.default_rng(seed)
    points = g.normal(size=(9, 3))
    R = cv2.Rodrigues(g.normal(size=3))[0]
    t = g.normal(size=3)
    found = umeyama(points, scale * points @ R.T + t)
    assert found.scale == pytest.approx(scale)
    assert np.allclose(found.rotation, R)
    assert np.allclose(found.translation, t)


def test_umeyama_never_mirrors(rng):
    points = rng.normal(size=(20, 3))
    found = umeyama(points, points * [1, 1, -1])
    assert np.linalg.det(found.rotation) == pytest.approx(1.0)


def test_umeyama_of_one_place_is_a_shift():
    here, there = np.ones((5, 3)), np.full((5, 3), 4.0)
    found = umeyama(here, there)
    assert found.scale == 1.0
    assert np.allclose(found.apply(here), there)
    with pytest.raises(ValueError, match="equal sets"):
        umeyama(here, there[:3])


@given(seed=st.integers(0, 50))
@settings(max_examples=20)
def test_a_trajectory_in_another_world_has_no_error(seed):
    truth = wander(seed)
    points = np.stack([c.position for c in truth])
    g = np.random.default_rng(seed + 1000)
    R, t = cv2.Rodrigues(g.normal(size=3))[0], g.normal(size=3)
    elsewhere = umeyama(points, 2.5 * points @ R.T + t)
    estimated = [elsewhere.move(c) for c in truth]
    assert ate(estimated, truth) == pytest.approx(0.0, abs=1e-6)
    error = rpe(estimated, truth)
    assert error.translation == pytest.approx(0.0, abs=1e-6)
    assert error.rotation_degrees == pytest.approx(0.0, abs=1e-4)
    assert ate(estimated, truth, with_scale=False) > 0.1


def test_the_absolute_error_of_a_known_bump():
    truth = [camera((x, 0, 0)) for x in (-1.0, 0.0, 1.0, 0.0)] + [camera((0, 0, 5))]
    moved = list(truth)
    moved[1] = camera((0, 1e-4, 0))
    # Alignment takes up the mean of so small a bump, the rest is its share of four fifths.
    assert ate(moved, truth, with_scale=False) < 1e-4 * math.sqrt(0.8 / 5) + 1e-9
    assert ate(moved, truth, with_scale=False) > 0.5e-4 * math.sqrt(0.8 / 5)


def test_the_relative_error_of_a_known_drift():
    truth = [camera((0, 0, float(i))) for i in range(6)]
    drift = [camera((0, 0, float(i)), turn=(0, math.radians(2.0 * i), 0)) for i in range(6)]
    error = rpe(drift, truth, with_scale=False)
    assert error.rotation_degrees == pytest.approx(2.0)
    assert rpe(drift, truth, step=2, with_scale=False).rotation_degrees == pytest.approx(4.0)
    with pytest.raises(ValueError, match="does not fit"):
        rpe(drift, truth, step=6)
    with pytest.raises(ValueError, match="one length"):
        ate(drift, truth[:4])
