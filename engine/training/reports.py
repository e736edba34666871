"""What a run tells of itself: means over the steps since it last did."""

from __future__ import annotations

import time
from dataclasses import dataclass

from engine.model.kinds import Kind


@dataclass(frozen=True)
class Report:
    """One interval of steps.

    Attributes:
        losses: mean loss of each kind asked, by the kind's name.
        samples_per_second: trained entries.
        tflops: achieved, forward and backward, by 6 × parameters × tokens.
    """

    step: int
    minutes: float
    learning_rate: float
    losses: dict[str, float]
    samples_per_second: float
    tflops: float


class Running:
    """Means over the current interval."""

    def __init__(self) -> None:
        self.sums: dict[str, float] = {}
        self.counts: dict[str, int] = {}
        self.samples, self.tokens, self.started = 0, 0, time.monotonic()

    def add(self, losses: dict[Kind, float], samples: int, tokens: int, prefix: str) -> None:
        for kind, value in losses.items():
            self.note(f"{prefix}/{kind.name.lower()}", value)
        self.samples, self.tokens = self.samples + samples, self.tokens + samples * tokens

    def note(self, name: str, value: float) -> None:
        self.sums[name] = self.sums.get(name, 0.0) + value
        self.counts[name] = self.counts.get(name, 0) + 1

    def means(self) -> dict[str, float]:
        return {name: self.sums[name] / self.counts[name] for name in self.sums}
