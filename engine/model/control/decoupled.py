"""Decoupled LoRA Control (seed 001, §3.2): pictures and geometry in two branches of one network.

Both branches share the frozen weights; each has adapters of its own, and attention never mixes
them. They hear of one another through links alone. At the start adapters and links say nothing,
and the branch of colours computes exactly what the frozen network computes of colours alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from engine.model.backbones.backbone import AnyLayered, E
from engine.model.control.joint_network import (
    COLOUR_KINDS,
    GEOMETRY_KINDS,
    ControlConfig,
    JointNetwork,
    places,
)
from engine.model.control.links import ControlLink, Heard, Place, Wiring, linked_layers
from engine.model.control.lora import branch_of
from engine.model.kinds import Kind
from engine.model.tokens import Group, Picture, check_rays_hidden


class DecoupledTransformer(JointNetwork):
    """See the module. Trained are adapters, links and the projections of geometry."""

    def __init__(self, base: AnyLayered, control: ControlConfig | None = None) -> None:
        super().__init__(base, control or ControlConfig())
        generator = torch.Generator().manual_seed(self.control.seed)
        self.colour = branch_of(base, self.control.lora, generator)
        self.geometry = self._geometry_branch(generator)
        chosen = linked_layers(base.depth, self.control.links)
        self.links = nn.ModuleDict({str(i): ControlLink(base.config.width) for i in chosen})

    def forward(self, groups: Sequence[Group]) -> list[list[Tensor]]:
        """See `JointNetwork.forward`. Colours or geometry may be missing: the other goes alone."""
        check_rays_hidden(groups)
        in_sequence = self.base.prompts_are_tokens
        colours, shapes = (
            _Side.of(groups, kinds, in_sequence) for kinds in (COLOUR_KINDS, GEOMETRY_KINDS)
        )
        if not shapes.groups:
            return _merged(groups, [(colours, self.colour(colours.groups))])
        if not colours.groups:
            return _merged(groups, [(shapes, self.geometry(shapes.groups))])
        colour, geometry = self.colour.embed(colours.groups), self.geometry.embed(shapes.groups)
        x, y = self._run(colour, geometry, _wiring(groups, colours, shapes))
        return _merged(
            groups,
            [
                (colours, self.colour.answers(x, colour, colours.groups)),
                (shapes, self.geometry.answers(y, geometry, shapes.groups)),
            ],
        )

    def _run(self, colour: E, geometry: E, wiring: Wiring) -> tuple[Tensor, Tensor]:
        x, y = colour.tokens, geometry.tokens
        for index in range(self.base.depth):
            x = self.colour.uncached_layer(index, x, colour)
            y = self.geometry.uncached_layer(index, y, geometry)
            if str(index) in self.links:
                x, y = self.links[str(index)](x, y, wiring)
        return x, y


@dataclass(frozen=True)
class _Voice:
    """A picture of one branch: the index of its group in the query, and its tokens."""

    group: int
    picture: Picture
    place: Place


@dataclass(frozen=True)
class _Side:
    """The part of a query that one branch computes.

    Attributes:
        groups: those that have a picture for this branch, seeing one another as before.
        origin: for each, its index in the query.
        prompts_are_tokens: see `LayeredBackbone`.
    """

    groups: tuple[Group, ...]
    origin: tuple[int, ...]
    prompts_are_tokens: bool

    @staticmethod
    def of(groups: Sequence[Group], kinds: Sequence[Kind], prompts_are_tokens: bool) -> _Side:
        kept: dict[int, int] = {}
        chosen: list[Group] = []
        for index, group in enumerate(groups):
            pictures = tuple(p for p in group.pictures if p.kind in kinds)
            if pictures:
                sees = tuple(kept[i] for i in group.sees if i in kept)
                kept[index] = len(chosen)
                chosen.append(replace(group, pictures=pictures, sees=sees))
        return _Side(tuple(chosen), tuple(kept), prompts_are_tokens)

    def voices(self) -> list[_Voice]:
        return [
            _Voice(origin, picture, place)
            for origin, group, own in zip(
                self.origin,
                self.groups,
                places(self.groups, self.prompts_are_tokens),
                strict=True,
            )
            for picture, place in zip(group.pictures, own, strict=True)
        ]


def _wiring(groups: Sequence[Group], colours: _Side, shapes: _Side) -> Wiring:
    colour, geometry = colours.voices(), shapes.voices()
    return Wiring(
        to_geometry=tuple(heard for v in geometry for heard in _heard_by(v, colour, groups)),
        to_colour=tuple(heard for v in colour for heard in _heard_by(v, geometry, groups)),
    )


def _heard_by(listener: _Voice, others: Sequence[_Voice], groups: Sequence[Group]) -> list[Heard]:
    """For each kind the picture of the listener's view: in its own group, else the latest seen.

    Links follow what groups may see of one another, as attention does: what is observed never
    hears of what is asked later.
    """
    visible = (*groups[listener.group].sees, listener.group)
    latest: dict[Kind, _Voice] = {}
    for other in sorted(others, key=lambda voice: voice.group):
        if other.picture.slot == listener.picture.slot and other.group in visible:
            latest[other.picture.kind] = other
    return [Heard(listener.place, voice.place) for voice in latest.values()]


def _merged(
    groups: Sequence[Group], sides: Sequence[tuple[_Side, list[list[Tensor]]]]
) -> list[list[Tensor]]:
    """Answers of the branches in the order of the query's pictures."""
    by_picture: dict[tuple[int, int], Tensor] = {}
    for side, found in sides:
        for origin, part, tensors in zip(side.origin, side.groups, found, strict=True):
            for picture, tensor in zip(part.pictures, tensors, strict=part.asked):
                by_picture[origin, id(picture)] = tensor
    return [
        [by_picture[index, id(p)] for p in group.pictures] if group.asked else []
        for index, group in enumerate(groups)
    ]
