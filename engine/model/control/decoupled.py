"""Decoupled LoRA Control (seed 001, §3.2): pictures and geometry in two branches of one network.

Both branches share the frozen weights; each has adapters of its own, and attention never mixes
them. They hear of one another through links alone. At the start all adapters and links are zero,
and the branch of colours computes exactly what the frozen network computes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor, nn

from engine.model.control.branches import (
    COLOUR_KINDS,
    GEOMETRY_KINDS,
    adapted,
    colour_branch,
    trained_of,
)
from engine.model.control.links import ControlLink, Pair, Place, linked_layers
from engine.model.control.lora import LoraConfig, adapters
from engine.model.layers import Embedded
from engine.model.text import Kind
from engine.model.tokens import Group, Picture, check_rays_hidden
from engine.model.transformer import Transformer


@dataclass(frozen=True)
class ControlConfig:
    """`links`: on how many layers the branches hear of one another (the seed: 5 of 40)."""

    lora: LoraConfig = field(default_factory=LoraConfig)
    links: int = 3
    seed: int = 0


class DecoupledTransformer(nn.Module):
    """See the module. Answers like `Transformer.forward`; only adapters, links and the
    projections of geometry can be trained."""

    def __init__(self, base: Transformer, config: ControlConfig | None = None) -> None:
        super().__init__()
        self.control = config = config or ControlConfig()
        self.config = base.config
        base.requires_grad_(False)
        generator = torch.Generator().manual_seed(config.seed)
        self.colour = colour_branch(base, config.lora, generator)
        self.geometry = adapted(base, config.lora, generator)
        chosen = linked_layers(len(base.layers), config.links)
        self.links = nn.ModuleDict({str(i): ControlLink(base.config.width) for i in chosen})

    def trained(self) -> dict[str, Tensor]:
        """Everything that may change, by name; what `adapters_file` stores."""
        found: dict[str, Tensor] = {
            f"colour.{name}": tensor for name, tensor in adapters(self.colour)
        }
        found |= {f"geometry.{name}": t for name, t in trained_of(self.geometry).items()}
        found |= {f"links.{name}": tensor for name, tensor in self.links.named_parameters()}
        return found

    def forward(self, groups: Sequence[Group]) -> list[list[Tensor]]:
        """Clean contents of every picture of every asked group, in its own order.

        Raises:
            ValueError: rays leak (see `check_rays_hidden`), or no group shows colours.
        """
        check_rays_hidden(groups)
        colours = _Side.of(groups, COLOUR_KINDS)
        shapes = _Side.of(groups, GEOMETRY_KINDS)
        if not colours.groups:
            raise ValueError("a decoupled network needs an RGB or WARP picture")
        if not shapes.groups:
            return _merged(groups, [(colours, self.colour(colours.groups))])
        colour, geometry = self.colour.embed(colours.groups), self.geometry.embed(shapes.groups)
        x, y = self._run(colour, geometry, _pairs(colours, shapes))
        return _merged(
            groups,
            [
                (colours, self.colour.answers(x, colour, colours.groups)),
                (shapes, self.geometry.answers(y, geometry, shapes.groups)),
            ],
        )

    def _run(
        self, colour: Embedded, geometry: Embedded, pairs: Sequence[Pair]
    ) -> tuple[Tensor, Tensor]:
        x, y = colour.tokens, geometry.tokens
        both = zip(self.colour.layers, self.geometry.layers, strict=True)
        for index, (own, other) in enumerate(both):
            x, _ = own(x, colour, None)
            y, _ = other(y, geometry, None)
            if str(index) in self.links:
                x, y = self.links[str(index)](x, y, pairs)
        return x, y


@dataclass(frozen=True)
class _Side:
    """The part of a query that one branch computes.

    Attributes:
        groups: those that have a picture for this branch, seeing one another as before.
        origin: for each, its index in the query.
    """

    groups: tuple[Group, ...]
    origin: tuple[int, ...]

    @staticmethod
    def of(groups: Sequence[Group], kinds: Sequence[Kind]) -> _Side:
        kept: dict[int, int] = {}
        chosen: list[Group] = []
        for index, group in enumerate(groups):
            pictures = tuple(p for p in group.pictures if p.kind in kinds)
            if pictures:
                sees = tuple(kept[i] for i in group.sees if i in kept)
                kept[index] = len(chosen)
                chosen.append(replace(group, pictures=pictures, sees=sees))
        return _Side(tuple(chosen), tuple(kept))

    def places(self) -> list[tuple[int, Picture, Place]]:
        """(group in the query, picture, its tokens) in the order of the sequence."""
        found, start = [], 0
        for origin, group in zip(self.origin, self.groups, strict=True):
            for picture in group.pictures:
                rows, columns = picture.grid
                stop = start + rows * columns
                found.append((origin, picture, Place(start, stop)))
                start = stop
            start += 0 if group.prompt is None else group.prompt.shape[1]
        return found


def _pairs(colours: _Side, shapes: _Side) -> list[Pair]:
    """Every geometry picture with the RGB picture of its view: an asked one, else an observed one.

    A view may be drawn several times in one training pass (once noisy, once clean): a picture is
    linked to the one in its own group first, then to the latest that it may see.
    """
    pairs = []
    for origin, picture, place in shapes.places():
        same = [
            (group, found)
            for group, other, found in colours.places()
            if other.kind is Kind.RGB and other.slot == picture.slot and group <= origin
        ]
        if same:
            pairs.append(Pair(max(same, key=lambda entry: entry[0])[1], place))
    return pairs


def _merged(
    groups: Sequence[Group], sides: Sequence[tuple[_Side, list[list[Tensor]]]]
) -> list[list[Tensor]]:
    """Answers of both branches in the order of the query's pictures."""
    answers: list[list[Tensor]] = [[] for _ in groups]
    by_picture: dict[tuple[int, Kind, int], Tensor] = {}
    for side, found in sides:
        for origin, group, tensors in zip(side.origin, side.groups, found, strict=True):
            if group.asked:
                for picture, tensor in zip(group.pictures, tensors, strict=True):
                    by_picture[origin, picture.kind, picture.slot] = tensor
    for index, group in enumerate(groups):
        if group.asked:
            answers[index] = [by_picture[index, p.kind, p.slot] for p in group.pictures]
    return answers
