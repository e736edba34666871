"""Seconds by part of a step, without the time that its caller spends between two yields."""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from typing import TypeVar

Yielded = TypeVar("Yielded")
Answer = TypeVar("Answer")


class Stopwatch:
    """Adds up seconds by name."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        """Counts the time of the block."""
        begin = time.perf_counter()
        try:
            yield
        finally:
            self._add(name, time.perf_counter() - begin)

    def steps(
        self, name: str, last: str, generator: Generator[Yielded, None, Answer]
    ) -> Generator[Yielded, None, Answer]:
        """Passes a generator on and counts only the time spent inside it.

        Args:
            name: for the time up to its last yield.
            last: for the time from there to its end.
        """
        try:
            while True:
                begin = time.perf_counter()
                try:
                    step = next(generator)
                except StopIteration as end:
                    self._add(last, time.perf_counter() - begin)
                    answer: Answer = end.value
                    return answer
                self._add(name, time.perf_counter() - begin)
                yield step
        finally:
            generator.close()

    def _add(self, name: str, seconds: float) -> None:
        self.seconds[name] = self.seconds.get(name, 0.0) + seconds
