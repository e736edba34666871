"""What every coupling of pictures and geometry has in common: frozen weights and what is trained.

A `JointNetwork` answers queries as the plain transformer does, so that trainers and queries need
not know which one they have.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from enum import Enum
from functools import cached_property

import torch
from torch import Tensor

from engine.model.backbones.backbone import AnyLayered, Backbone, Cache
from engine.model.control.links import Place
from engine.model.control.lora import LoraConfig, branch_of
from engine.model.kinds import Kind
from engine.model.tokens import Group

COLOUR_KINDS = (Kind.RGB, Kind.WARP)
GEOMETRY_KINDS = (Kind.DEPTH, Kind.XYZ, Kind.RAYS)


class Coupling(Enum):
    """How pictures and geometry meet; the values are words for files and command lines."""

    DECOUPLED = "decoupled"
    CHANNEL = "channel"
    SPATIAL = "spatial"


@dataclass(frozen=True)
class ControlConfig:
    """Attributes:
    coupling: which network.
    links: on how many layers the branches hear of one another (the seed: 5 of 40); decoupled only.
    seed: of the adapters' first values.
    """

    coupling: Coupling = Coupling.DECOUPLED
    lora: LoraConfig = field(default_factory=LoraConfig)
    links: int = 3
    seed: int = 0


@dataclass(frozen=True)
class Shown(Cache):
    """What a query has shown so far, as groups: they are computed again in every pass."""

    groups: tuple[Group, ...] = ()


class JointNetwork(Backbone):
    """A frozen transformer with something trained beside it; `base` is frozen in place.

    Attributes:
        base: the frozen transformer; every branch shares its parameters. Of networks of others,
            what stands beside them goes on learning (see `LayeredBackbone.freeze`).
        config: the base's.
        control: how the network was built.
    """

    def __init__(self, base: AnyLayered, control: ControlConfig) -> None:
        super().__init__()
        base.freeze()
        self.base = base
        self.config, self.control = base.config, control

    @property
    def checkpointing(self) -> bool:
        """See `Backbone.checkpointing`; all branches do alike."""
        return self.base.checkpointing

    @checkpointing.setter
    def checkpointing(self, wanted: bool) -> None:
        for part in self.children():
            if isinstance(part, Backbone):
                part.checkpointing = wanted

    @cached_property
    def base_hash(self) -> str:
        """Of the frozen weights; found once, since large ones take a while."""
        return self.base.frozen_hash()

    def remember(self, group: Group, cache: Cache) -> Shown:
        """`cache` with one more group of observed pictures, which see all that it holds.

        Raises:
            ValueError: the cache was filled by another network.
        """
        before = _shown(cache)
        return Shown(groups=(*before, replace(group, sees=tuple(range(len(before))), asked=False)))

    def predict(self, group: Group, cache: Cache) -> list[Tensor]:
        """Clean contents of an asked group that sees all that the cache holds."""
        before = _shown(cache)
        asked = replace(group, sees=tuple(range(len(before))), asked=True)
        answers: list[list[Tensor]] = self([*before, asked])
        return answers[-1]

    def _geometry_branch(self, generator: torch.Generator) -> AnyLayered:
        """A branch whose geometry enters and leaves through projections that may be trained.

        The base may never have learned XYZ, whose projections then are zero; a low rank on top of
        them could not carry a whole picture.
        """
        branch = branch_of(self.base, self.control.lora, generator)
        branch.free_projections(GEOMETRY_KINDS)
        return branch


def _shown(cache: Cache) -> tuple[Group, ...]:
    if isinstance(cache, Shown):
        return cache.groups
    if cache.layers is not None:
        raise ValueError("keys and values of a plain transformer mean nothing to a joint network")
    return ()


def places(groups: Sequence[Group], prompts_are_tokens: bool) -> list[list[Place]]:
    """Where the tokens of each group's pictures lie in the sequence of a pass."""
    found, start = [], 0
    for group in groups:
        own = []
        for picture in group.pictures:
            rows, columns = picture.grid
            own.append(Place(start, start + rows * columns))
            start += rows * columns
        if prompts_are_tokens and group.prompt is not None:
            start += group.prompt.shape[1]
        found.append(own)
    return found
