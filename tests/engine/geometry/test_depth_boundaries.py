"""Steps where it is known how far apart they are."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from engine.geometry.depth_boundaries import RATIOS, BoundaryScore, boundary_score


def step(at: int, near: float = 2.0, far: float = 4.0, across: bool = False) -> NDArray[np.float32]:
    """Near on the left of column `at` (or above that row), far on the other side; 24×24."""
    depth = np.full((24, 24), far, np.float32)
    depth[:, :at] = near
    return depth.T.copy() if across else depth


def both(found: BoundaryScore) -> tuple[float, float]:
    return found.precision, found.recall


@pytest.mark.parametrize("across", [False, True])
@pytest.mark.parametrize(("shift", "reach", "share"), [
    (0, 0, 1.0), (1, 0, 0.0), (1, 1, 1.0), (2, 1, 0.0), (-2, 2, 1.0), (3, 2, 0.0),
])  # fmt: skip
def test_a_shifted_step_is_found_within_reach(
    shift: int, reach: int, share: float, across: bool
) -> None:
    found = boundary_score(step(10 + shift, across=across), step(10, across=across), reach)
    assert both(found) == pytest.approx((share, share))
    assert found.reach == reach


def test_scale_and_library_do_not_matter() -> None:
    truth = step(10)
    truth[5:9, 3:6] = 1.2
    drawn = np.roll(truth, 1, axis=0)
    expected = both(boundary_score(drawn, truth, 1))
    assert both(boundary_score(1000 * drawn, truth, 1)) == pytest.approx(expected)
    assert both(boundary_score(torch.from_numpy(drawn), truth, 1)) == pytest.approx(expected)


def test_the_nearer_side_must_agree() -> None:
    assert both(boundary_score(step(10, 4.0, 2.0), step(10), 2)) == (0.0, 0.0)


def test_a_step_of_some_ratios_counts_for_these() -> None:
    """Of 1.12 there are two of the five, whichever of drawn and true is the flatter."""
    low = step(10, 1.0, 1.12)
    weight = sum(RATIOS[:2]) / sum(RATIOS)
    assert both(boundary_score(low, step(10), 1)) == pytest.approx((1.0, weight))
    assert both(boundary_score(step(10), low, 1)) == pytest.approx((weight, 1.0))


def test_half_the_boundaries_are_half_the_recall() -> None:
    truth, drawn = step(10), step(10)
    drawn[:12] = 4.0  # draws nothing of the upper half, but its own edge along row 12
    found = boundary_score(drawn, truth, 0)
    assert found.recall == pytest.approx(0.5)
    assert found.precision == pytest.approx(12 / (12 + 10))


def test_a_slope_in_place_of_a_step_is_missed() -> None:
    soft = np.interp(np.arange(24), (2, 22), (2.0, 4.0))[None].repeat(24, 0)
    assert boundary_score(soft, step(12), 2).recall < 0.25
    assert boundary_score(step(12), step(12), 2).recall == 1.0


def test_sky_is_farther_than_anything() -> None:
    truth = step(10, far=math.inf)
    assert both(boundary_score(truth, truth, 0)) == (1.0, 1.0)
    assert both(boundary_score(step(11, far=1e9), truth, 1)) == pytest.approx((1.0, 1.0))


def test_where_nothing_is_there_is_no_share() -> None:
    flat = np.ones((24, 24), np.float32)
    found = boundary_score(flat, step(10), 1)
    assert math.isnan(found.precision)
    assert found.recall == 0.0
    assert math.isnan(boundary_score(step(10), flat, 1).recall)


def test_unknown_depth_has_no_boundary() -> None:
    truth = step(10)
    holes = truth.copy()
    holes[4:8, 9:12] = np.nan
    holes[12:16, 9:12] = 0.0
    found = boundary_score(holes, truth, 0)
    assert found.precision == 1.0
    assert found.recall == pytest.approx(16 / 24)


def test_against_a_slow_reference() -> None:
    rng = np.random.default_rng(0)
    truth = np.exp(rng.normal(size=(13, 17)).cumsum(1) * 0.08)
    drawn = truth * np.exp(rng.normal(size=truth.shape) * 0.05)
    for reach in (0, 1, 2):
        assert both(boundary_score(drawn, truth, reach)) == pytest.approx(slow(drawn, truth, reach))


def slow(drawn: NDArray[np.float64], truth: NDArray[np.float64], reach: int) -> tuple[float, float]:
    def edges(d: NDArray[np.float64], ratio: float) -> set[tuple[int, int, int, int]]:
        found = set()
        for y in range(d.shape[0]):
            for x in range(d.shape[1]):
                for dy, dx in ((0, 1), (1, 0), (0, -1), (-1, 0)):
                    v, u = y + dy, x + dx
                    inside = 0 <= v < d.shape[0] and 0 <= u < d.shape[1]
                    if inside and d[v, u] / d[y, x] > ratio:
                        found.add((min(y, v), min(x, u), dy, dx))
        return found

    def share(of: set[tuple[int, int, int, int]], by: set[tuple[int, int, int, int]]) -> float:
        near = [
            any((a - c) ** 2 + (b - d) ** 2 <= reach**2 and k == m for c, d, *m in by)
            for a, b, *k in of
        ]
        return float(np.mean(near))

    pairs = [(edges(drawn, ratio), edges(truth, ratio)) for ratio in RATIOS]
    precision = [share(d, t) for d, t in pairs]
    recall = [share(t, d) for d, t in pairs]
    return float(np.average(precision, weights=RATIOS)), float(np.average(recall, weights=RATIOS))


def test_shapes_are_checked() -> None:
    with pytest.raises(ValueError, match="one shape"):
        boundary_score(np.ones((4, 5)), np.ones((5, 4)), 1)
    with pytest.raises(ValueError, match="reach"):
        boundary_score(np.ones((4, 5)), np.ones((4, 5)), -1)
