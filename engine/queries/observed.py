"""What is known of views, as pictures for the network."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from engine.geometry.cameras import Camera
from engine.model.decoders.picture_decoder import Observed
from engine.model.encoders.features import Features
from engine.model.hints import fill_holes, filled_colours, hint_latents
from engine.model.kinds import Kind
from engine.model.pictures import TOKEN_PIXELS, content_shape, make_picture
from engine.model.tokens import Picture
from engine.queries.engine import Engine
from engine.queries.pictures import planes, ray_tensor
from engine.queries.query import Hint, KnownView, Query
from engine.sampling.joint import Target

#: A patch counts as seen when this share of its pixels is.
SEEN_SHARE = 0.8


@dataclass(frozen=True)
class Frame:
    """What everything metric is relative to.

    Attributes:
        anchor: the camera whose frame it is; None where no camera is known.
        scale: σ, scene units.
        size: (H, W) of all pictures.
    """

    anchor: Camera | None
    scale: float
    size: tuple[int, int]

    def rays(self, camera: Camera | None, device: torch.device) -> Tensor | None:
        """(1, 6, H/16, W/16) of a camera in the world; None where it is unknown."""
        if camera is None or self.anchor is None:
            return None
        return ray_tensor(camera.relative_to(self.anchor, self.scale), self.size, device)

    @staticmethod
    def of(query: Query) -> Frame:
        """That of a query, at the size at which it is drawn."""
        return Frame(query.anchor, query.sigma, query.size)


@dataclass(frozen=True)
class ObservedViews:
    """Attributes:
    pictures: for the network, in the order of the views.
    colours: RGB pictures for decoders, by kind and index of the view.
    """

    pictures: tuple[Picture, ...]
    colours: dict[tuple[Kind, int], Observed | None]


def observed_views(
    engine: Engine,
    views: Sequence[KnownView],
    frame: Frame,
    first_slot: int = 0,
    asked: Collection[tuple[Kind, int]] = (),
) -> ObservedViews:
    """All pictures that are wholly known, encoded in one batch.

    Args:
        asked: kinds and indices of views; decoders of theirs are shown the views' colours.
    """
    named: list[tuple[Kind, int]] = []
    values: list[Tensor] = []
    for index, view in enumerate(views):
        for kind, array in view.known().items():
            if view.seen is None or kind not in (Kind.RGB, Kind.XYZ):
                named.append((kind, index))
                values.append(planes(array, engine.device))
    pictures = [k.to_picture(v, frame.scale) for (k, _), v in zip(named, values, strict=True)]
    maker, shown = engine.maker, {index for _, index in asked}
    contents = maker.contents([kind for kind, _ in named], pictures)
    rays = [frame.rays(view.camera, engine.device) for view in views]
    made: list[Picture] = []
    colours: dict[tuple[Kind, int], Observed | None] = {}
    for (kind, index), value, content, picture in zip(
        named, values, contents, pictures, strict=True
    ):
        features = engine.looking.at(maker, kind, value, whole=index in shown)
        slot = first_slot + index
        made.append(make_picture(kind, slot, content, rays=rays[index], features=features))
        if kind is Kind.RGB:
            colours |= {a: maker.observed(a[0], picture, features) for a in asked if a[1] == index}
    return ObservedViews(tuple(made), colours)


def asked_targets(engine: Engine, query: Query) -> list[Target]:
    """What is to be drawn: pictures that are asked, and those of which only a part is seen."""
    frame, channels = Frame.of(query), engine.codec.config.latent_channels
    targets = []
    for kind, index in query.asked:
        view, slot = query.views[index], query.first_slot + index
        given = kind is not Kind.RAYS
        rays = frame.rays(view.camera, engine.device) if given else None
        hint = hint_tensor(engine, view.hint, frame.scale) if given else None
        seen = () if hint is None else hint_features(engine, kind, view.hint)
        shape = content_shape(kind, query.size, channels)
        targets.append(Target(kind, slot, shape, rays, hint=hint, features=seen))
    for kind, index in query.partly_seen():
        targets.append(_partly_seen(engine, query, kind, index))
    return targets


def _partly_seen(engine: Engine, query: Query, kind: Kind, index: int) -> Target:
    view, frame = query.views[index], Frame.of(query)
    assert view.seen is not None
    weight = planes(view.seen.astype(np.float32), engine.device)
    picture = kind.to_picture(planes(view.known()[kind], engine.device), frame.scale)
    # Codecs ring at holes; a smooth continuation costs them nothing.
    (shown,) = engine.maker.contents([kind], [fill_holes(picture, weight)])
    return Target(
        kind,
        query.first_slot + index,
        content_shape(kind, query.size, engine.codec.config.latent_channels),
        frame.rays(view.camera, engine.device),
        shown,
        F.avg_pool2d(weight, TOKEN_PIXELS).flatten() >= SEEN_SHARE,
        view.trusted_until,
        hint_tensor(engine, view.hint, frame.scale),
    )


def hint_features(engine: Engine, kind: Kind, hint: Hint | None) -> tuple[Features, ...]:
    """What encoders see in a hint's colours, for asked colours alone: asked depth has the picture
    of its own view beside it."""
    maker = engine.maker
    if hint is None or not (kind.looked_at and maker.read):
        return ()
    rgb, coverage = (planes(picture, engine.device) for picture in (hint.rgb, hint.coverage))
    return engine.looking.at(maker, kind, filled_colours(rgb, coverage))


def hint_tensor(engine: Engine, hint: Hint | None, scale: float) -> Tensor | None:
    """(1, 2C + 1, H/8, W/8); None where memory shows nothing."""
    if hint is None:
        return None
    coverage = planes(hint.coverage, engine.device)
    if not bool((coverage > 0).any()):
        return None
    sigma = torch.full((1, 1, 1, 1), scale, device=engine.device)
    rgb, depth = (planes(picture, engine.device) for picture in (hint.rgb, hint.depth))
    return hint_latents(engine.codec, rgb, depth, coverage, sigma)
