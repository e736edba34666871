"""The two couplings that seed 001 compares with (its figure 3), on the same frozen weights.

channel-wise   the RGB and the geometry picture of a view share their tokens        (WVD, seed 002)
spatial        all pictures in one sequence, one adapter for both modalities        (4DNeX)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor, nn

from engine.model.control.branches import GEOMETRY_KINDS, adapted, trained_of
from engine.model.control.lora import LoraConfig
from engine.model.layers import Embedded
from engine.model.text import Kind
from engine.model.tokens import Group, Picture, check_rays_hidden, patchify
from engine.model.transformer import Transformer


class SpatialConcatenation(nn.Module):
    """The plain network with one set of adapters; attention mixes pictures and geometry."""

    def __init__(self, base: Transformer, config: LoraConfig | None = None, seed: int = 0) -> None:
        super().__init__()
        self.config = base.config
        base.requires_grad_(False)
        generator = torch.Generator().manual_seed(seed)
        self.network = adapted(base, config or LoraConfig(), generator)

    def trained(self) -> dict[str, Tensor]:
        """Adapters, and the projections of geometry."""
        return trained_of(self.network)

    def forward(self, groups: Sequence[Group]) -> list[list[Tensor]]:
        """As `Transformer.forward`."""
        answers: list[list[Tensor]] = self.network(groups)
        return answers


class ChannelConcatenation(nn.Module):
    """A geometry picture is added to the tokens of its view's RGB picture, and read from them.

    Geometry whose view has no RGB picture in its group cannot be asked.
    """

    def __init__(self, base: Transformer, config: LoraConfig | None = None, seed: int = 0) -> None:
        super().__init__()
        self.config = base.config
        base.requires_grad_(False)
        generator = torch.Generator().manual_seed(seed)
        self.network = adapted(base, config or LoraConfig(), generator)

    def trained(self) -> dict[str, Tensor]:
        """Adapters, and the projections of geometry."""
        return trained_of(self.network)

    def forward(self, groups: Sequence[Group]) -> list[list[Tensor]]:
        """Clean contents of every picture of every asked group, in its own order.

        Raises:
            ValueError: geometry without an RGB picture of its view in its group, or leaking rays.
        """
        check_rays_hidden(groups)
        colours = [_colours(group) for group in groups]
        riders = [_riders(group) for group in groups]
        embedded = self._with_riders(self.network.embed(colours), colours, riders)
        x = embedded.tokens
        for layer in self.network.layers:
            x, _ = layer(x, embedded, None)
        answers = self.network.answers(x, embedded, colours)
        return [
            self._in_order(group, found, riding, x, embedded, place)
            for group, found, riding, place in zip(
                groups, answers, riders, _starts(colours), strict=True
            )
        ]

    def _with_riders(
        self,
        embedded: Embedded,
        colours: Sequence[Group],
        riders: Sequence[dict[int, list[Picture]]],
    ) -> Embedded:
        added = torch.zeros_like(embedded.tokens)
        for places, riding in zip(_starts(colours), riders, strict=True):
            for slot, pictures in riding.items():
                start, stop, _ = places[slot]
                for picture in pictures:
                    tokens = self.network.inputs[picture.kind](patchify(picture.content))
                    added[:, start:stop] += tokens
        return replace(embedded, tokens=embedded.tokens + added)

    def _in_order(
        self,
        group: Group,
        found: list[Tensor],
        riding: dict[int, list[Picture]],
        x: Tensor,
        embedded: Embedded,
        places: dict[int, tuple[int, int, int]],
    ) -> list[Tensor]:
        if not group.asked:
            return []
        colours = iter(found)
        answers = []
        for picture in group.pictures:
            if picture.kind not in GEOMETRY_KINDS:
                answers.append(next(colours))
                continue
            start, stop, part = places[picture.slot]
            condition = embedded.conditions[part]
            answers.append(self.network.answer(x[:, start:stop], condition, picture))
        return answers


def _colours(group: Group) -> Group:
    return replace(group, pictures=tuple(p for p in group.pictures if p.kind not in GEOMETRY_KINDS))


def _riders(group: Group) -> dict[int, list[Picture]]:
    """Geometry pictures by the slot whose RGB tokens they share."""
    colours = {p.slot for p in group.pictures if p.kind is Kind.RGB}
    riding: dict[int, list[Picture]] = {}
    for picture in group.pictures:
        if picture.kind not in GEOMETRY_KINDS:
            continue
        if picture.slot not in colours or picture.kind is Kind.RAYS:
            raise ValueError(
                f"{picture.kind.name} of slot {picture.slot} has no RGB picture in its group to "
                "share tokens with"
            )
        riding.setdefault(picture.slot, []).append(picture)
    return riding


def _starts(groups: Sequence[Group]) -> list[dict[int, tuple[int, int, int]]]:
    """For each group: slot → (start, stop, index of the part) of its RGB picture."""
    found, start, part = [], 0, 0
    for group in groups:
        places = {}
        for picture in group.pictures:
            rows, columns = picture.grid
            if picture.kind is Kind.RGB:
                places[picture.slot] = (start, start + rows * columns, part)
            start += rows * columns
            part += 1
        if group.prompt is not None:
            start += group.prompt.shape[1]
            part += 1
        found.append(places)
    return found
