from typing import Any

import numpy as np
import pytest

from explorer.evaluation.depths import REACHES, median_ratio, score_depth


def test_a_wrong_scale_is_forgiven_once_aligned(boxes: Any) -> None:
    truth = boxes.view(boxes.camera()).depth
    record = score_depth("s", "m", 3, truth * 2.0, truth, True)
    assert record is not None
    assert record.by_scale.abs_rel == pytest.approx(0.0, abs=1e-5)
    assert record.by_scale_shift.delta1 == 1.0
    assert record.by_walk_scale.abs_rel == pytest.approx(1.0, abs=1e-4)
    assert record.by_walk_scale.delta1 == 0.0


def test_a_flat_guess_is_bad_by_scale(boxes: Any) -> None:
    truth = boxes.view(boxes.camera()).depth
    record = score_depth("s", "m", 0, np.ones_like(truth), truth, True)
    assert record is not None
    assert record.by_scale.abs_rel > 0.1
    assert record.by_scale.delta1 < 0.95


def test_unknown_truth_and_unknown_depth_are_left_out(boxes: Any) -> None:
    truth = boxes.view(boxes.camera()).depth.copy()
    depth = truth.copy()
    depth[:10] = np.nan
    truth[-10:] = np.nan
    truth[40, :10] = np.inf
    record = score_depth("s", "m", 0, depth, truth, True)
    assert record is not None
    assert record.by_scale.abs_rel == pytest.approx(0.0, abs=1e-5)
    assert score_depth("s", "m", 0, depth, np.full_like(truth, np.inf), True) is None


def test_sky_drawn_on_a_wall_counts_as_an_error(boxes: Any) -> None:
    truth = boxes.view(boxes.camera()).depth
    depth = truth.copy()
    depth[:20] = np.inf
    record = score_depth("s", "m", 0, depth, truth, True)
    assert record is not None
    assert record.by_scale.delta1 < 0.85


def test_boundaries_are_judged_only_where_the_truth_is_exact(boxes: Any) -> None:
    truth = boxes.view(boxes.camera()).depth
    record = score_depth("s", "m", 0, np.roll(truth, 2, axis=1) * 3.0, truth, True)
    assert record is not None
    assert tuple(score.reach for score in record.boundaries) == REACHES == (1, 2)
    near, far = record.boundaries
    assert near.recall < 0.6  # what lies above and below has not moved
    assert (far.precision, far.recall) == pytest.approx((1.0, 1.0), abs=0.02)
    measured = score_depth("s", "m", 0, truth, truth, False)
    assert measured is not None
    assert measured.boundaries == ()


def test_median_ratio_ignores_outliers() -> None:
    depth = np.full((10, 10), 2.0, np.float32)
    truth = np.full((10, 10), 5.0, np.float32)
    truth[:4] = 100.0
    assert median_ratio(depth, truth) == 2.5
    with pytest.raises(ValueError, match="no pixel in common"):
        median_ratio(depth, np.full((10, 10), np.inf, np.float32))


def test_large_pictures_are_fitted_by_some_of_their_pixels() -> None:
    rng = np.random.default_rng(0)
    truth = (1 / rng.uniform(0.1, 1.0, (432, 768))).astype(np.float32)
    bent = (1 / (2.0 / truth + 0.3)).astype(np.float32)
    record = score_depth("a", "ours", 1, bent, truth, exact=False)
    assert record is not None
    assert record.by_scale_shift.abs_rel < 1e-4 < record.by_scale.abs_rel
    # The few that are known need not be among them.
    sparse = np.full_like(truth, np.nan)
    sparse[1, ::5] = truth[1, ::5]
    record = score_depth("a", "ours", 1, bent, sparse, exact=False)
    assert record is not None
    assert record.by_scale_shift.abs_rel < 1e-4
