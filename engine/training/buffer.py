"""A replay buffer of encoded entries: each is drawn a few times, then replaced."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

import torch

from engine.training.sequences import PosedSequence

E = TypeVar("E")


@dataclass(frozen=True)
class Offer:
    """What the sequences of a source have.

    Attributes:
        depth: of every view.
        cameras: of several views; without them a sequence is a single picture.
    """

    depth: bool = True
    cameras: bool = True

    def serves(self, wanted: Offer) -> bool:
        """Depth or its absence must agree: what has depth is too good for lessons without."""
        return self.depth == wanted.depth and (self.cameras or not wanted.cameras)


class SequenceSource(Protocol):
    """Has depth and cameras, unless it has an attribute `offer` that says otherwise."""

    def draw(self, generator: torch.Generator) -> PosedSequence: ...


@dataclass(frozen=True)
class SourceShares:
    """Sequence sources with the share of draws that each gets."""

    sources: tuple[SequenceSource, ...]
    shares: tuple[float, ...]

    def _weights(self, wanted: Offer) -> list[float]:
        return [
            share if getattr(source, "offer", Offer()).serves(wanted) else 0.0
            for source, share in zip(self.sources, self.shares, strict=True)
        ]

    def can(self, wanted: Offer) -> bool:
        """Some source has what is wanted."""
        return any(self._weights(wanted))

    def draw(self, generator: torch.Generator, wanted: Offer | None = None) -> PosedSequence:
        """From the sources that have what is wanted: depth and cameras, if nothing else is said.

        Raises:
            ValueError: there is none.
        """
        return self.choose(generator, wanted or Offer()).draw(generator)

    def choose(self, generator: torch.Generator, wanted: Offer) -> SequenceSource:
        """One of the sources that have what is wanted, by their shares.

        Raises:
            ValueError: there is none.
        """
        if not self.can(wanted):
            kind = "depth" if wanted.depth else "pictures without depth"
            raise ValueError(f"no source has {kind}{' and cameras' if wanted.cameras else ''}")
        weights = torch.tensor(self._weights(wanted))
        return self.sources[int(torch.multinomial(weights, 1, generator=generator))]


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
