"""Search at inference time (seed 000): draw several answers, score them, keep the best."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic

from engine.sampling.flow import Answer, Drawing


@dataclass(frozen=True)
class Found(Generic[Answer]):
    """The best answer.

    Attributes:
        answer: the one with the highest score.
        index: which it was, from 0.
        scores: of all, in the order of drawing.
    """

    answer: Answer
    index: int
    scores: tuple[float, ...]


def best_of(
    draw: Callable[[int], Drawing[Answer]], score: Callable[[Answer], float], samples: int
) -> Drawing[Found[Answer]]:
    """
    Args:
        draw: the drawing of sample 0, 1, …; each with noise of its own.
        score: higher is better; NaN counts as the worst.

    Only the best answer so far is kept in memory.

    Raises:
        ValueError: fewer than one sample.
    """
    if samples < 1:
        raise ValueError(f"a search needs at least one sample, not {samples}")
    best: Answer | None = None
    index, highest, scores = 0, float("-inf"), []
    for number in range(samples):
        answer = yield from draw(number)
        value = float(score(answer))
        scores.append(value)
        if best is None or value > highest:
            best, index = answer, number
            highest = value if value == value else float("-inf")
    assert best is not None
    return Found(best, index, tuple(scores))
