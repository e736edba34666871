import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.geometry.alignment import align_inverse_depth, align_log_scale, weighted_median


def scene(seed=0, shape=(24, 32)):
    return np.exp(np.random.default_rng(seed).normal(0.0, 0.7, shape))


@given(log_scale=st.floats(-5.0, 5.0), seed=st.integers(0, 99))
@settings(max_examples=30)
def test_a_common_factor_is_found_exactly(log_scale, seed):
    depth, factor = scene(seed), math.exp(log_scale)
    found = align_log_scale(depth, factor * depth, np.ones_like(depth))
    assert found.scale == pytest.approx(factor, rel=1e-9)
    assert found.coverage == pytest.approx(1.0)
    assert found.spread == pytest.approx(0.0, abs=1e-9)


def test_a_third_of_wrong_pixels_does_not_matter(rng):
    depth = scene()
    known = 2.0 * depth * np.exp(rng.normal(0, 0.03, depth.shape))
    wrong = rng.random(depth.shape) < 0.33
    known[wrong] *= rng.uniform(2.0, 5.0, depth.shape)[wrong]
    found = align_log_scale(torch.from_numpy(depth), torch.from_numpy(known), np.ones_like(depth))
    assert found.scale == pytest.approx(2.0, rel=0.02)


def test_the_spread_is_that_of_the_noise(rng):
    depth = scene(shape=(100, 100))
    known = depth * np.exp(rng.normal(0, 0.05, depth.shape))
    assert align_log_scale(depth, known, np.ones_like(depth)).spread == pytest.approx(0.05, rel=0.1)


def test_weights_decide_and_make_the_coverage():
    depth = np.ones((10, 10))
    known = np.ones((10, 10))
    known[:6] = 3.0
    weights = np.ones((10, 10))
    weights[:6] = 0.1
    found = align_log_scale(depth, known, weights)
    assert found.scale == pytest.approx(1.0)
    assert found.coverage == pytest.approx(0.46)


def test_sky_and_unknown_are_left_out():
    depth = np.full((10, 10), 2.0)
    known = np.full((10, 10), 3.0)
    depth[:5], known[:, :5], known[9] = math.inf, math.nan, 0.0
    found = align_log_scale(depth, known, np.ones((10, 10)))
    assert found.scale == pytest.approx(1.5)
    assert found.coverage == pytest.approx(0.2)


def test_too_little_overlap_leaves_the_scale_alone():
    depth, known = np.ones((10, 10)), np.full((10, 10), math.nan)
    nothing = align_log_scale(depth, known, np.ones((10, 10)))
    assert (nothing.scale, nothing.coverage) == (1.0, 0.0)
    assert math.isnan(nothing.spread)
    known[0] = 7.0
    little = align_log_scale(depth, known, np.ones((10, 10)))
    assert little.scale == pytest.approx(7.0)
    assert little.trusted() == 1.0
    assert little.trusted(minimum_coverage=0.05) == pytest.approx(7.0)


def test_pictures_of_different_shape_are_refused():
    with pytest.raises(ValueError, match="must agree"):
        align_log_scale(np.ones((2, 2)), np.ones((2, 3)), np.ones((2, 2)))
    with pytest.raises(ValueError, match="one shape"):
        align_inverse_depth(np.ones((2, 2)), np.ones((2, 3)))


@given(scale=st.floats(0.01, 100.0), shift=st.floats(0.0, 2.0), seed=st.integers(0, 99))
@settings(max_examples=30)
def test_scale_and_shift_in_inverse_depth_are_found(scale, shift, seed):
    prediction = scene(seed)
    truth = 1.0 / (scale / prediction + shift)
    fit = align_inverse_depth(prediction, truth)
    assert fit.scale == pytest.approx(scale, rel=1e-6)
    assert fit.shift == pytest.approx(shift, abs=1e-6 * scale + 1e-9)
    assert np.allclose(fit.apply(prediction, farthest=1e6), truth, rtol=1e-6)


def test_outliers_move_the_fit_less_than_least_squares(rng):
    prediction = scene(shape=(60, 60))
    inverse = 0.5 / prediction + 0.2
    inverse[rng.random(inverse.shape) < 0.1] += 5.0
    fit = align_inverse_depth(prediction, 1 / inverse)
    slope, offset = np.polyfit((1 / prediction).ravel(), inverse.ravel(), 1)
    assert abs(offset - 0.2) > 0.3
    assert abs(fit.shift - 0.2) < 0.05
    assert abs(fit.scale - 0.5) < max(0.05, abs(slope - 0.5))


def test_flat_and_inverted_predictions_are_worth_a_constant():
    truth = scene()
    flat = align_inverse_depth(np.full_like(truth, 3.0), truth)
    inverted = align_inverse_depth(1.0 / truth, truth)
    for fit in (flat, inverted):
        assert fit.scale == 0.0
        assert fit.shift == pytest.approx(np.median(1 / truth))


def test_only_masked_and_known_pixels_count():
    prediction, truth = scene(), 4.0 * scene()
    mask = np.zeros(truth.shape, dtype=bool)
    mask[:, :10] = True
    truth[:, 10:] = 0.1
    truth[0] = math.inf
    truth[1] = math.nan
    prediction[2] = math.nan
    fit = align_inverse_depth(prediction, truth, mask)
    assert fit.scale == pytest.approx(0.25, rel=1e-6)
    with pytest.raises(ValueError, match="two pixels"):
        align_inverse_depth(prediction, truth, np.zeros_like(mask))


def test_predicted_sky_is_inverse_depth_zero():
    prediction = np.array([[1.0, 2.0, 4.0, math.inf]])
    truth = 1.0 / np.array([[1.1, 0.6, 0.35, 0.1]])
    fit = align_inverse_depth(prediction, truth)
    assert (fit.scale, fit.shift) == (pytest.approx(1.0), pytest.approx(0.1))


def test_an_aligned_depth_ends_at_the_farthest():
    prediction = np.array([[1.0, 2.0, 10.0]])
    fit = align_inverse_depth(prediction, 1 / np.array([[0.8, 0.3, 0.001]]))
    depth = fit.apply(np.array([[1.0, 100.0, math.inf]]), farthest=50.0)
    assert depth.max() == 50.0
    assert (depth > 0).all()


@given(values=st.lists(st.floats(-10, 10), min_size=1, max_size=30))
def test_the_weighted_median_splits_the_weight(values):
    x = torch.tensor(values, dtype=torch.float64)
    w = torch.linspace(0.1, 1.0, len(x), dtype=torch.float64)
    m = weighted_median(x, w)
    assert w[x < m].sum() <= w.sum() / 2 + 1e-9
    assert w[x > m].sum() <= w.sum() / 2 + 1e-9
