"""The choice of what is trained of a Wan model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import Enum
from typing import Any

from engine.model.control.lora import LoraConfig

#: Attention and feed-forward layers of Wan's blocks, as seed 001 adapts them (§4.1).
_BLOCKS = ("layers.",)


class Adapted(Enum):
    """The values are words for files and command lines. Gates and projections always learn.

    BESIDE: nothing else. LORA: one set of adapters for pictures of every kind; keys and values can
    be cached, so walks take this one. DECOUPLED: colours and geometry in branches with adapters of
    their own, joined by links (seed 001); every pass computes everything again. WHOLE: Wan itself.
    """

    BESIDE = "beside"
    LORA = "lora"
    DECOUPLED = "decoupled"
    WHOLE = "whole"


@dataclass(frozen=True)
class WanAdaptation:
    """Attributes:
    adapted: what is trained.
    rank, alpha: of every adapter; the seed has rank 64.
    links: on how many layers the branches hear of one another (the seed: 5); decoupled only.
    seed: of the adapters' first values.
    """

    adapted: Adapted = Adapted.LORA
    rank: int = 64
    alpha: float = 64.0
    links: int = 5
    seed: int = 0

    @property
    def lora(self) -> LoraConfig:
        return LoraConfig(self.rank, self.alpha, _BLOCKS)

    def as_json(self) -> dict[str, Any]:
        return asdict(self) | {"adapted": self.adapted.value}

    @staticmethod
    def from_json(fields: Mapping[str, Any]) -> WanAdaptation:
        """
        Raises:
            TypeError, ValueError, KeyError: it was written by another version.
        """
        return WanAdaptation(**{**fields, "adapted": Adapted(fields["adapted"])})
