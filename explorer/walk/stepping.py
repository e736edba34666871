"""Runs what is asked of the model, step by step."""

from __future__ import annotations

from collections.abc import Generator
from typing import TypeVar

from engine import queries
from explorer.walk.records import StepProgress
from explorer.walk.timing import Stopwatch

Answer = TypeVar("Answer")


def stepped(
    clock: Stopwatch, view_id: int, part: str, asked: queries.Drawing[Answer]
) -> Generator[StepProgress, None, Answer]:
    """Runs a query to its end, timed without what the caller does between two steps.

    Args:
        part: "photo depth", "view" or "depth".
    """
    timed = clock.steps("steps", "decode", asked)
    while True:
        try:
            step = next(timed)
        except StopIteration as end:
            answer: Answer = end.value
            return answer
        yield StepProgress(view_id, part, step.index, step.total)
