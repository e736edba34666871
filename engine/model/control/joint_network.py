"""What every coupling of pictures and geometry has in common: frozen weights and what is trained.

A `JointNetwork` answers queries as the plain transformer does, so that trainers and queries need
not know which one they have.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from enum import Enum
from functools import cached_property

import torch
from torch import Tensor, nn

from engine.model.control.adapters_file import weights_hash
from engine.model.control.links import Place
from engine.model.control.lora import LoraConfig, branch_of
from engine.model.text import Kind
from engine.model.tokens import Group
from engine.model.transformer import Cache, Transformer

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


class JointNetwork(nn.Module):
    """A frozen transformer with something trained beside it; `base` is frozen in place.

    Attributes:
        base: the frozen transformer; every branch shares its parameters.
        config: the base's.
        control: how the network was built.
    """

    def __init__(self, base: Transformer, control: ControlConfig) -> None:
        super().__init__()
        self.base = base.requires_grad_(False)
        self.config, self.control = base.config, control

    def forward(self, groups: Sequence[Group]) -> list[list[Tensor]]:
        """Clean contents of every picture of every asked group, in its order.

        Raises:
            ValueError: RAYS are asked of a view whose rays another picture carries.
        """
        raise NotImplementedError

    @cached_property
    def base_hash(self) -> str:
        """Of the frozen weights; found once, since large ones take a while."""
        return weights_hash(self.base)

    def trained(self) -> dict[str, nn.Parameter]:
        """Everything that may change, by name; the base's own parameters never do."""
        return {name: p for name, p in self.named_parameters() if p.requires_grad}

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

    def _geometry_branch(self, generator: torch.Generator) -> Transformer:
        """A branch whose geometry enters and leaves through projections of its own.

        The base may never have learned XYZ, whose projections then are zero; a low rank on top of
        them could not carry a whole picture.
        """
        branch = branch_of(self.base, self.control.lora, generator)
        for kind in GEOMETRY_KINDS:
            for own in (branch.inputs, branch.outputs):
                own[kind] = copy.deepcopy(own[kind]).requires_grad_(True)
        return branch


def _shown(cache: Cache) -> tuple[Group, ...]:
    if isinstance(cache, Shown):
        return cache.groups
    if cache.layers is not None:
        raise ValueError("keys and values of a plain transformer mean nothing to a joint network")
    return ()


def places(groups: Sequence[Group]) -> list[list[Place]]:
    """Where the tokens of each group's pictures lie in the sequence of a pass."""
    found, start = [], 0
    for group in groups:
        own = []
        for picture in group.pictures:
            rows, columns = picture.grid
            own.append(Place(start, start + rows * columns))
            start += rows * columns
        start += 0 if group.prompt is None else group.prompt.shape[1]
        found.append(own)
    return found
