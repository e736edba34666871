"""What every network is to queries, samplers and trainers, whoever made it.

`forward` trains, `remember` and `predict` draw. A `LayeredBackbone` says how a pass is embedded,
what one layer does and how answers are read; the passes themselves are written here, once.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Generic, Protocol, TypeVar

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from engine.model.attention import KeyValue
from engine.model.kinds import Kind
from engine.model.tokens import Group, check_rays_hidden

E = TypeVar("E", bound="Pass")


@dataclass(frozen=True)
class Cache:
    """Keys and values of all that is known so far, one entry a layer; None while nothing is."""

    layers: tuple[KeyValue, ...] | None = None


class BackboneConfig(Protocol):
    """What everybody may ask of a network's configuration."""

    @property
    def width(self) -> int:
        """Numbers in a token."""

    @property
    def latent_channels(self) -> int:
        """Channels of the codec's latents."""


class Pass(Protocol):
    """An embedded pass: one sequence of tokens."""

    @property
    def tokens(self) -> Tensor:
        """(B, N, D)."""


class Backbone(nn.Module, ABC):
    """A network that answers groups of pictures with clean contents.

    Attributes:
        config: the sizes that it was built with.
        checkpointing: layers are computed again in the backward pass instead of being kept, which
            trades a third more time for the memory of all activations but one layer's.
    """

    config: BackboneConfig
    checkpointing: bool = False

    @abstractmethod
    def forward(self, groups: Sequence[Group]) -> list[list[Tensor]]:
        """Clean contents of every picture of every asked group, in one pass without a cache.

        Raises:
            ValueError: RAYS are asked of a view whose rays another picture carries.
        """

    @abstractmethod
    def remember(self, group: Group, cache: Cache) -> Cache:
        """The cache extended by one group of observed pictures, which see all that it holds."""

    @abstractmethod
    def predict(self, group: Group, cache: Cache) -> list[Tensor]:
        """Clean contents of an asked group that sees all that the cache holds."""

    def trained(self) -> dict[str, nn.Parameter]:
        """Everything that may change, by name."""
        return {name: p for name, p in self.named_parameters() if p.requires_grad}


class LayeredBackbone(Backbone, Generic[E]):
    """A network whose layers can be run one at a time, so that branches of it can be linked.

    Attributes:
        prompts_are_tokens: a group's prompt lies in the sequence, after its pictures.
    """

    prompts_are_tokens: bool = True

    @property
    @abstractmethod
    def depth(self) -> int:
        """How many layers there are."""

    @abstractmethod
    def embed(self, groups: Sequence[Group]) -> E:
        """One sequence of all groups, in their order."""

    @abstractmethod
    def layer(
        self, index: int, x: Tensor, embedded: E, past: KeyValue | None
    ) -> tuple[Tensor, KeyValue]:
        """Tokens (B, N, D) after one layer, and its keys and values."""

    def keys_values(self, index: int, x: Tensor, embedded: E, past: KeyValue | None) -> KeyValue:
        """A layer's keys and values alone, which may cost less than the layer."""
        return self.layer(index, x, embedded, past)[1]

    @abstractmethod
    def answers(self, x: Tensor, embedded: E, groups: Sequence[Group]) -> list[list[Tensor]]:
        """Clean contents from the last layer's tokens, as `forward` returns them."""

    def freeze(self) -> None:
        """Freezes what came trained; what stands untrained beside it goes on learning."""
        self.requires_grad_(False)

    @abstractmethod
    def frozen_hash(self) -> str:
        """Names the weights that `freeze` freezes."""

    @abstractmethod
    def free_projections(self, kinds: Sequence[Kind]) -> None:
        """Lets pictures of `kinds` enter and leave through projections that may be trained."""

    def uncached_layer(self, index: int, x: Tensor, embedded: E) -> Tensor:
        """`layer` without a cache, for training: checkpointed where that is wanted."""
        if self.checkpointing and torch.is_grad_enabled():
            # Keys and values are let go of inside, or they would be kept after all.
            again: Tensor = checkpoint(
                lambda x: self.layer(index, x, embedded, None)[0], x, use_reentrant=False
            )
            return again
        return self.layer(index, x, embedded, None)[0]

    def forward(self, groups: Sequence[Group]) -> list[list[Tensor]]:
        """See `Backbone.forward`."""
        check_rays_hidden(groups)
        embedded = self.embed(groups)
        x = embedded.tokens
        for index in range(self.depth):
            x = self.uncached_layer(index, x, embedded)
        return self.answers(x, embedded, groups)

    def remember(self, group: Group, cache: Cache) -> Cache:
        """See `Backbone.remember`."""
        embedded = self.embed([replace(group, sees=())])
        x, known = embedded.tokens, []
        for index in range(self.depth):
            past = None if cache.layers is None else cache.layers[index]
            if index < self.depth - 1:
                x, own = self.layer(index, x, embedded, past)
            else:
                own = self.keys_values(index, x, embedded, past)
            known.append(own.alone() if past is None else KeyValue.joined((past, own)))
        return Cache(tuple(known))

    def predict(self, group: Group, cache: Cache) -> list[Tensor]:
        """See `Backbone.predict`."""
        embedded = self.embed([replace(group, sees=())])
        x = embedded.tokens
        for index in range(self.depth):
            past = None if cache.layers is None else cache.layers[index]
            x = self.layer(index, x, embedded, past)[0]
        return self.answers(x, embedded, [group])[0]


AnyLayered = LayeredBackbone[Any]
