"""Search keeps the best of its samples."""

from __future__ import annotations

import pytest

from engine.sampling.flow import Step, finish
from engine.sampling.search import best_of


def drawing(values):
    def draw(number):
        yield Step("RGB", 1, 1)
        return values[number]

    return draw


def test_the_highest_score_wins():
    found = finish(best_of(drawing([3, 9, 4]), float, 3))
    assert (found.answer, found.index, found.scores) == (9, 1, (3.0, 9.0, 4.0))


def test_a_score_that_is_not_a_number_is_the_worst():
    found = finish(best_of(drawing([float("nan"), -5.0]), lambda x: x, 2))
    assert found.index == 1


def test_the_best_score_rises_with_the_number_of_samples():
    values = [0.1, 0.7, 0.3, 0.9, 0.2]
    best = [max(finish(best_of(drawing(values), float, n)).scores) for n in range(1, 6)]
    assert best == sorted(best)


def test_steps_of_all_samples_are_told():
    assert len(list(best_of(drawing([1, 2, 3]), float, 3))) == 3


def test_at_least_one_sample():
    with pytest.raises(ValueError, match="at least one sample"):
        finish(best_of(drawing([]), float, 0))
