"""The two couplings that seed 001 compares with (its figure 3), on the same frozen weights.

spatial    all pictures in one sequence, one adapter for both modalities        (4DNeX)
channel    the RGB and the geometry pictures of a view share their tokens       (WVD, seed 002)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engine.model.backbones.backbone import AnyLayered
from engine.model.control.joint_network import (
    GEOMETRY_KINDS,
    ControlConfig,
    Coupling,
    JointNetwork,
    places,
)
from engine.model.control.links import Place
from engine.model.kinds import PATCH, Kind
from engine.model.layers import Embedded
from engine.model.pictures import make_picture
from engine.model.tokens import Group, Picture, check_rays_hidden, picture_tokens
from engine.model.transformer import Transformer


class SpatialConcatenation(JointNetwork):
    """The plain network with one set of adapters; attention mixes pictures and geometry."""

    def __init__(self, base: AnyLayered, control: ControlConfig | None = None) -> None:
        super().__init__(base, control or ControlConfig(Coupling.SPATIAL))
        self.branch = self._geometry_branch(torch.Generator().manual_seed(self.control.seed))

    def forward(self, groups: Sequence[Group]) -> list[list[Tensor]]:
        """See `JointNetwork.forward`."""
        answers: list[list[Tensor]] = self.branch(groups)
        return answers


@dataclass(frozen=True)
class _Rider:
    """A geometry picture in the tokens of another: `carrier` is that one's index in the group."""

    picture: Picture
    carrier: int


@dataclass(frozen=True)
class _Loaded:
    """A group as it is computed.

    Attributes:
        group: the query's group with carriers in the place of geometry.
        riders: geometry pictures, and which carrier each shares tokens with.
        origin: for each picture of the query's group, itself as a rider or its index in `group`.
    """

    group: Group
    riders: tuple[_Rider, ...]
    origin: tuple[_Rider | int, ...]


class ChannelConcatenation(JointNetwork):
    """Geometry rides in the tokens of its view's RGB picture, and is read from them.

    Where RGB is observed in an earlier group, geometry rides on a copy of it; where there is none,
    on an empty picture of pure noise level. New channels start at zero, as is usual where a
    trained network is given more of them.
    """

    def __init__(self, base: AnyLayered, control: ControlConfig | None = None) -> None:
        super().__init__(base, control or ControlConfig(Coupling.CHANNEL))
        branch = self._geometry_branch(torch.Generator().manual_seed(self.control.seed))
        if not isinstance(branch, Transformer):
            raise ValueError(
                f"pictures and geometry cannot share the tokens of a {type(base).__name__}; "
                "couple them as decoupled or spatial"
            )
        self.branch = branch
        width = base.config.width
        #: Tells the noise level of each rider: the carrier's is that of its own picture.
        self.levels = nn.ModuleList([nn.Linear(width, width, bias=False) for _ in GEOMETRY_KINDS])
        new = [*self.levels, *(self.branch.inputs[kind.name] for kind in GEOMETRY_KINDS)]
        for layer in new:
            for parameter in layer.parameters():
                nn.init.zeros_(parameter)

    def forward(self, groups: Sequence[Group]) -> list[list[Tensor]]:
        """See `JointNetwork.forward`."""
        check_rays_hidden(groups)
        channels = self.config.latent_channels
        loaded = [_loaded(group, groups, channels) for group in groups]
        carried = [one.group for one in loaded]
        embedded = self.branch.embed(carried)
        spots = places(carried, self.branch.prompts_are_tokens)
        x = self._with_riders(embedded, loaded, spots)
        for index in range(self.branch.depth):
            x = self.branch.uncached_layer(index, x, embedded)
        return self._answers(x, embedded, loaded, spots)

    def _with_riders(
        self, embedded: Embedded, loaded: Sequence[_Loaded], spots: Sequence[Sequence[Place]]
    ) -> Tensor:
        added = torch.zeros_like(embedded.tokens)
        for one, own in zip(loaded, spots, strict=True):
            for rider in one.riders:
                place = own[rider.carrier]
                added[:, place.start : place.stop] += self._rider_tokens(rider.picture)
        return embedded.tokens + added

    def _rider_tokens(self, picture: Picture) -> Tensor:
        tokens: Tensor = self.branch.inputs[picture.kind.name](
            picture_tokens(picture.kind, picture.content)
        )
        condition = self.branch.level_condition(picture, tokens.dtype)
        level: Tensor = self.levels[GEOMETRY_KINDS.index(picture.kind)](F.silu(condition))
        return tokens + level

    def _answers(
        self,
        x: Tensor,
        embedded: Embedded,
        loaded: Sequence[_Loaded],
        spots: Sequence[Sequence[Place]],
    ) -> list[list[Tensor]]:
        conditions = iter(embedded.conditions)
        answers = []
        for one, own in zip(loaded, spots, strict=True):
            levels = [next(conditions) for _ in one.group.pictures]
            if one.group.prompt is not None:
                next(conditions)
            found = []
            for origin in one.origin if one.group.asked else ():
                if isinstance(origin, _Rider):
                    picture, carrier = origin.picture, origin.carrier
                else:
                    picture, carrier = one.group.pictures[origin], origin
                part = x[:, own[carrier].start : own[carrier].stop]
                found.append(self.branch.answer(part, levels[carrier], picture))
            answers.append(found)
        return answers


def _loaded(group: Group, groups: Sequence[Group], channels: int) -> _Loaded:
    carriers = [p for p in group.pictures if p.kind not in GEOMETRY_KINDS]
    colour_of = {p.slot: i for i, p in enumerate(carriers) if p.kind is Kind.RGB}
    riders: list[_Rider] = []
    origin: list[_Rider | int] = []
    own = iter(range(len(carriers)))
    for picture in group.pictures:
        if picture.kind not in GEOMETRY_KINDS:
            origin.append(next(own))
            continue
        if picture.slot not in colour_of:
            colour_of[picture.slot] = len(carriers)
            carriers.append(_carrier(picture, [groups[i] for i in group.sees], channels))
        riders.append(_Rider(picture, colour_of[picture.slot]))
        origin.append(riders[-1])
    return _Loaded(replace(group, pictures=tuple(carriers)), tuple(riders), tuple(origin))


def _carrier(rider: Picture, seen: Sequence[Group], channels: int) -> Picture:
    """The latest RGB picture of the rider's view that its group sees, else an empty one."""
    shown = [
        p for group in seen for p in group.pictures if p.kind is Kind.RGB and p.slot == rider.slot
    ]
    if shown:
        return replace(shown[-1], hint=shown[-1].hint if rider.hint is None else rider.hint)
    rows, columns = rider.grid
    shape = (len(rider.content), channels, rows * PATCH, columns * PATCH)
    unknown = torch.ones(shape[0], device=rider.content.device, dtype=rider.content.dtype)
    return make_picture(
        Kind.RGB, rider.slot, rider.content.new_zeros(shape), unknown, rider.rays, rider.hint
    )
