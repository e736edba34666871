"""How far a run is, by its clock or by its steps, and the learning rate that follows."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass


@dataclass(frozen=True)
class ScheduleConfig:
    """`minutes` (and `steps`, where given) bound a run; the learning rate falls along it.

    Attributes:
        warm_up: steps until the momenta of the optimisers mean something.
        final_rate: the learning rate's last value, as a share of the first.
    """

    minutes: float = 5.0
    steps: int | None = None
    learning_rate: float = 2e-3
    warm_up: int = 60
    final_rate: float = 0.03


@dataclass(frozen=True)
class Spent:
    """What a run has behind it."""

    seconds: float = 0.0
    steps: int = 0


class Schedule:
    """See the module."""

    def __init__(self, config: ScheduleConfig) -> None:
        self.config = config
        self._before, self._since, self._steps = Spent(), time.monotonic(), 0
        self._warm = 0

    @property
    def spent(self) -> Spent:
        """So far, with what a resumed run had spent before."""
        seconds = self._before.seconds + time.monotonic() - self._since
        return Spent(seconds, self._before.steps + self._steps)

    def begin(self) -> None:
        """The clock starts; what was prepared until now does not count."""
        self._since, self._steps = time.monotonic(), 0

    def go_on(self, spent: Spent, momenta: bool) -> None:
        """From where a run was stopped. One that had come to its end begins another.

        Args:
            momenta: whether the optimisers go on with theirs; else they warm up again.
        """
        self._before = spent if self._part(spent) < 1.0 else Spent()
        self._warm = self._before.steps if momenta else 0

    def step(self) -> None:
        """One more was taken."""
        self._steps += 1

    def gone(self) -> float:
        """The part of the run that lies behind, by clock or by steps."""
        return self._part(self.spent)

    def rate(self, gone: float) -> float:
        """Warm-up, a plateau, then a cosine to the final rate."""
        warm = min(1.0, (self._warm + self._steps + 1) / self.config.warm_up)
        fall = max(0.0, (gone - 0.3) / 0.7)
        shape = 0.5 * (1 + math.cos(math.pi * fall))
        low = self.config.final_rate
        return self.config.learning_rate * warm * (low + (1 - low) * shape)

    def _part(self, spent: Spent) -> float:
        by_clock = spent.seconds / (60 * self.config.minutes)
        by_steps = spent.steps / self.config.steps if self.config.steps else 0.0
        return max(by_clock, by_steps)


def check_run(minutes: float, batch: int) -> None:
    """
    Raises:
        ValueError: a run would have no time, or steps without pictures.
    """
    if not 0.0 < minutes < math.inf:
        raise ValueError(f"--minutes must be more than 0, not {minutes:g}")
    if batch < 1:
        raise ValueError(f"--batch must be at least 1, not {batch}")
