"""Closed forms of the kernel distance, and a reference that goes through pairs."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from explorer.evaluation.yardstick.sets import LookSet
from explorer.evaluation.yardstick.together import (
    FEWEST_PICTURES,
    MOST_PICTURES,
    kernel_distance,
)

ONE_SCENE = "a"


def features(seed: int, count: int, middle: float = 0.0) -> NDArray[np.float64]:
    return np.random.default_rng(seed).normal(size=(count, 12)) + middle


def scenes(count: int, each: int = 1) -> list[str]:
    return [f"{k // each:04d}" for k in range(count)]


def slow(true: NDArray[np.float64], drawn: NDArray[np.float64]) -> float:
    def k(x: NDArray[np.float64], y: NDArray[np.float64]) -> float:
        return float((x @ y / len(x) + 1) ** 3)

    n, total = len(true), 0.0
    for i in range(n):
        for j in range(n):
            if i != j:
                total += k(true[i], true[j]) + k(drawn[i], drawn[j])
                total -= k(true[i], drawn[j]) + k(true[j], drawn[i])
    return total / (n * (n - 1))


def test_against_a_slow_reference() -> None:
    true, drawn = features(0, 21), features(1, 21, 0.4)
    names = scenes(21, 3)
    found = kernel_distance(true, drawn, names)
    assert found is not None
    assert found.mean == pytest.approx(slow(true, drawn), rel=1e-9)
    without = []
    for name in sorted(set(names)):
        rest = np.array([other != name for other in names])
        without.append(slow(true[rest], drawn[rest]))
    expected = np.sqrt(6 / 7 * np.square(np.array(without) - np.mean(without)).sum())
    assert found.standard_error == pytest.approx(expected, rel=1e-9)
    assert found.pictures == 21


def test_the_truth_itself_is_at_0() -> None:
    found = kernel_distance(features(0, 20), features(0, 20), scenes(20))
    assert found is not None
    assert (found.mean, found.standard_error) == pytest.approx((0.0, 0.0), abs=1e-12)


def test_halves_of_one_set_are_near_and_unlike_sets_are_far() -> None:
    one, other = features(0, 400), features(1, 400)
    near = kernel_distance(one, other, scenes(400))
    far = kernel_distance(one, other + 0.5, scenes(400))
    farther = kernel_distance(one, other + 1.0, scenes(400))
    assert near is not None
    assert far is not None
    assert farther is not None
    assert abs(near.mean) < 3 * near.standard_error
    assert far.mean > 10 * far.standard_error
    assert farther.mean > 2 * far.mean


def test_it_has_no_bias_and_its_error_is_what_it_says() -> None:
    found = [kernel_distance(features(k, 24), features(1000 + k, 24), scenes(24))
             for k in range(200)]  # fmt: skip
    means = np.array([each.mean for each in found if each is not None])
    errors = np.array([each.standard_error for each in found if each is not None])
    assert abs(means.mean()) < 3 * means.std() / np.sqrt(len(means))
    assert 0.7 < errors.mean() / means.std() < 2.0


def test_too_few_make_no_set() -> None:
    few = FEWEST_PICTURES - 1
    assert kernel_distance(features(0, few), features(1, few), scenes(few)) is None
    enough = kernel_distance(features(0, few + 1), features(1, few + 1), [ONE_SCENE] * (few + 1))
    assert enough is not None
    assert enough.standard_error > 0  # a single scene is left out in runs
    assert LookSet().distance() is None


def test_of_very_many_some_are_taken() -> None:
    count = MOST_PICTURES + 100
    found = kernel_distance(features(0, count), features(1, count), scenes(count))
    assert found is not None
    assert found.pictures == MOST_PICTURES
    assert abs(found.mean) < 4 * found.standard_error


def test_shapes_are_checked() -> None:
    with pytest.raises(ValueError, match="each drawn picture needs its true one"):
        kernel_distance(features(0, 20), features(0, 19), scenes(20))
    with pytest.raises(ValueError, match="and a scene"):
        kernel_distance(features(0, 20), features(0, 20), scenes(19))
