"""Answers queries: encodes what is known, draws what is asked, decodes it.

The one road from a question to a picture: walks, clips, tables and the held-out check of training
all come by here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from engine.geometry.pictures import SKY_LEVEL
from engine.model.decoders.picture_decoder import Observed
from engine.model.kinds import Kind
from engine.model.tokens import Group, Picture
from engine.model.transformer import Cache
from engine.queries.engine import Engine
from engine.queries.observed import Frame, asked_targets, observed_views
from engine.queries.pictures import cleaned, finished, planes, steepened, values
from engine.queries.query import FloatArray, KnownView, Query
from engine.sampling.flow import Drawing
from engine.sampling.joint import JointSampling, Target, draw_pictures


@dataclass(frozen=True, eq=False)
class AnsweredView:
    """What was drawn of one view; as an array None where it was not asked.

    Colours are all as the codec decodes them, seen patches too.

    Attributes:
        drawn: by kind, on the engine's device, shaped as the arrays are.
    """

    drawn: Mapping[Kind, Tensor] = field(default_factory=dict)

    @property
    def rgb(self) -> FloatArray | None:
        """(H, W, 3) in [0, 1]."""
        return self._array(Kind.RGB)

    @property
    def depth(self) -> FloatArray | None:
        """(H, W) z-depth in scene units; inf = sky."""
        return self._array(Kind.DEPTH)

    @property
    def points(self) -> FloatArray | None:
        """(H, W, 3) in the frame of the anchor's camera, in scene units; inf = sky."""
        return self._array(Kind.XYZ)

    @property
    def rays(self) -> FloatArray | None:
        """(6, H/16, W/16) Plücker rays in the anchor's frame, in units of σ."""
        return self._array(Kind.RAYS)

    @property
    def warp(self) -> FloatArray | None:
        """(H, W, 3) in [0, 1]: what a render of the other views would show, holes filled."""
        return self._array(Kind.WARP)

    def _array(self, kind: Kind) -> FloatArray | None:
        found = self.drawn.get(kind)
        return None if found is None else np.ascontiguousarray(found.cpu().numpy())


@dataclass(frozen=True, eq=False)
class _Answer:
    """A picture (1, 3, H, W), or rays, of a target.

    Attributes:
        sharp: a decoder drew it that saw the view's colours, so its edges are where theirs are.
    """

    target: Target
    picture: Tensor
    sharp: bool


@torch.no_grad()
def ask(
    engine: Engine, query: Query, sampling: JointSampling, generator: torch.Generator
) -> Drawing[tuple[AnsweredView, ...]]:
    """Draws everything that `query` asks, together; one answer a view."""
    large = _at_drawn_size(query)
    drawn = yield from _drawn(engine, large, sampling, generator)
    if query.mirrored:
        turned = replace(large, views=tuple(view.mirrored() for view in large.views))
        again = yield from _drawn(engine, turned, sampling, generator)
        drawn = [
            replace(one, picture=_mean(one.picture, other.picture.flip(-1), one.sharp))
            for one, other in zip(drawn, again, strict=True)
        ]
    return _answers(query, [_brought_to(query.size, answer) for answer in drawn])


def _mean(one: Tensor, other: Tensor, sharp: bool) -> Tensor:
    """Of two pictures. Of depth with sharp edges the sky is no depth, to be averaged with what the
    other saw there: where one alone takes a pixel for sky, it is as deep as the other says."""
    mean = (one + other) / 2
    if not sharp:
        return mean
    return torch.where(torch.minimum(one, other) > SKY_LEVEL, mean, torch.maximum(one, other))


def draw_contents(
    engine: Engine,
    known: Sequence[Picture],
    targets: Sequence[Target],
    sampling: JointSampling,
    generator: torch.Generator,
    caption: str = "",
    cache: Cache | None = None,
) -> Drawing[list[Tensor]]:
    """Clean contents of `targets`, drawn together by a network that is shown `known` after what
    the cache holds."""
    cache = cache or Cache()
    if known:
        with engine.autocast():
            cache = engine.transformer.remember(Group(tuple(known)), cache)
    kinds = tuple(dict.fromkeys(target.kind for target in targets))

    def said(pictures: Sequence[Picture], words: str) -> list[Tensor]:
        ids = engine.tokenizer.encode(kinds, words).ids
        prompt = torch.tensor([ids], device=engine.device)
        with torch.no_grad(), engine.autocast():
            group = Group(tuple(pictures), prompt, asked=True)
            return [x.float() for x in engine.transformer.predict(group, cache)]

    def predict(pictures: Sequence[Picture]) -> Sequence[Tensor]:
        told = said(pictures, caption)
        if sampling.guidance == 1.0 or not caption:
            return told
        untold = said(pictures, "")
        return [u + sampling.guidance * (t - u) for t, u in zip(told, untold, strict=True)]

    return (yield from draw_pictures(predict, targets, sampling, generator, engine.device))


def pictures_of(
    engine: Engine,
    targets: Sequence[Target],
    contents: Sequence[Tensor],
    colours: Sequence[Observed | None] | None = None,
) -> list[Tensor]:
    """Drawn contents as pictures (1, 3, H, W), as users see them; RAYS stay.

    Args:
        colours: the RGB picture of each target's view, for kinds with a decoder of their own.
    """
    kinds = [target.kind for target in targets]
    seen = [None] * len(kinds) if colours is None else colours
    pictures = engine.maker.pictures(kinds, contents, seen)
    return [
        finished(target.kind, picture, engine, target.seen)
        for target, picture in zip(targets, pictures, strict=True)
    ]


# -- pictures in and out -----------------------------------------------------------------------


def _drawn(
    engine: Engine, query: Query, sampling: JointSampling, generator: torch.Generator
) -> Drawing[list[_Answer]]:
    """Pictures of all targets at the query's own size."""
    first = query.first_slot
    decoders, alone = engine.maker.decoders, query.context is None and len(query.views) == 1
    helped = [a for a in query.asked if a[0].name in decoders]
    helped = [a for a in helped if alone or not decoders[a[0].name].alone]
    observed = observed_views(engine, query.views, Frame.of(query), first, helped)
    targets = asked_targets(engine, query)
    cache = None if query.context is None else query.context.cache
    contents = yield from draw_contents(
        engine, observed.pictures, targets, sampling, generator, query.caption, cache
    )
    colours = [observed.colours.get((t.kind, t.slot - first)) for t in targets]
    pictures = pictures_of(engine, targets, contents, colours)
    sharp = [seen is not None for seen in colours]
    return [_Answer(*each) for each in zip(targets, pictures, sharp, strict=True)]


def _at_drawn_size(query: Query) -> Query:
    """The query with what is known enlarged to the size at which the network draws."""
    size = query.drawn_at
    if size is None or size == query.size:
        return query
    views = tuple(_enlarged(view, size) for view in query.views)
    return replace(query, size=size, views=views, drawn_at=None)


def _enlarged(view: KnownView, size: tuple[int, int]) -> KnownView:
    """Lenses are counted in shares of the picture, so the camera is the same for both."""
    large: dict[str, Any] = {}
    for name, picture in view.pictures().items():
        tensor = torch.as_tensor(np.array(picture)) if isinstance(picture, np.ndarray) else picture
        tensor = planes(tensor, tensor.device)
        if name in ("rgb", "warp"):
            fine = F.interpolate(tensor, size, mode="bicubic", align_corners=False).clamp(0, 1)
        else:
            fine = F.interpolate(tensor, size, mode="nearest-exact")
        found = fine[0].permute(1, 2, 0).reshape(*size, *picture.shape[2:]).contiguous()
        large[name] = found
        if isinstance(picture, np.ndarray):
            large[name] = found.numpy().astype(picture.dtype)
    return replace(view, **large)


def _brought_to(size: tuple[int, int], answer: _Answer) -> _Answer:
    if not answer.target.kind.encoded or answer.picture.shape[-2:] == size:
        return answer
    small = F.interpolate(
        answer.picture, size, mode="bilinear", antialias=True, align_corners=False
    )
    return replace(answer, picture=small)


def _answers(query: Query, drawn: Sequence[_Answer]) -> tuple[AnsweredView, ...]:
    """RGB first: depth that was drawn by tokens is smoothed under its picture."""
    found: list[dict[Kind, Tensor]] = [{} for _ in query.views]
    for answer in sorted(drawn, key=lambda one: one.target.kind is not Kind.RGB):
        index, kind = answer.target.slot - query.first_slot, answer.target.kind
        guide = found[index].get(Kind.RGB, query.views[index].rgb)
        picture = answer.picture
        if kind.guided:
            picture = steepened(picture) if answer.sharp else cleaned(picture, guide)
        found[index][kind] = values(kind, picture, query.sigma)
    return tuple(AnsweredView(each) for each in found)
