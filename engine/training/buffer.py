"""A replay buffer of encoded entries: each is drawn a few times, then replaced."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

import torch

from engine.training.sequences import PosedSequence

E = TypeVar("E")


class SequenceSource(Protocol):
    def draw(self, generator: torch.Generator) -> PosedSequence: ...


@dataclass(frozen=True)
class SourceShares:
    """Sequence sources with the share of draws that each gets."""

    sources: tuple[SequenceSource, ...]
    shares: tuple[float, ...]

    def draw(self, generator: torch.Generator) -> PosedSequence:
        weights = torch.tensor(self.shares)
        index = int(torch.multinomial(weights, 1, generator=generator))
        return self.sources[index].draw(generator)


class ReplayBuffer(Generic[E]):
    """Holds `capacity` entries; after `uses` draws on average an entry makes room for a new one."""

    def __init__(
        self, make: Callable[[], E | None], capacity: int, uses: float, generator: torch.Generator
    ) -> None:
        self.make, self.capacity, self.uses, self.generator = make, capacity, uses, generator
        self.entries: list[E] = []
        self.made = 0

    def _random(self) -> float:
        return float(torch.rand((), generator=self.generator))

    def draw(self) -> E:
        full = len(self.entries) >= self.capacity
        if not full or self._random() < 1.0 / self.uses:
            entry = self.make()
            if entry is None:  # none is ready: an old one serves again
                return self.entries[int(self._random() * len(self.entries))]
            self.made += 1
            if full:
                self.entries[int(self._random() * len(self.entries))] = entry
            else:
                self.entries.append(entry)
            return entry
        return self.entries[int(self._random() * len(self.entries))]
