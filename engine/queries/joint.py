"""Answers queries: encodes what is known, draws what is asked, decodes it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from engine.geometry.pictures import depth_to_picture, picture_to_points, points_to_picture
from engine.model.hints import fill_holes
from engine.model.text import Kind
from engine.model.tokens import RAY_CHANNELS, Group, Picture
from engine.model.transformer import Cache
from engine.queries.engine import SIZE_MULTIPLE, Engine
from engine.queries.pictures import (
    FloatArray,
    depth_array,
    plane_tensor,
    ray_tensor,
    rgb_array,
    rgb_tensor,
)
from engine.queries.query import Query
from engine.sampling.flow import Drawing
from engine.sampling.joint import JointSampling, Target, draw_pictures

#: A patch counts as seen when this share of its pixels is.
SEEN_SHARE = 0.8
#: In units of σ: where the sky is put in XYZ pictures, and from where on points read as sky.
SKY_FAR, SKY_FROM = 1e4, 60.0


@dataclass(frozen=True, eq=False)
class AnsweredView:
    """What was drawn of one view; None where it was not asked.

    Attributes:
        rgb: (H, W, 3) in [0, 1]; all of it as the codec decodes it, seen patches too.
        depth: (H, W) z-depth in scene units; inf = sky.
        points: (H, W, 3) in the frame of slot 0's camera, in scene units; inf = sky.
        rays: (6, H/16, W/16) Plücker rays in slot 0's frame, in units of σ.
    """

    rgb: FloatArray | None = None
    depth: FloatArray | None = None
    points: FloatArray | None = None
    rays: FloatArray | None = None


@torch.no_grad()
def ask(
    engine: Engine, query: Query, sampling: JointSampling, generator: torch.Generator
) -> Drawing[tuple[AnsweredView, ...]]:
    """Draws everything that `query` asks, together; one answer a slot."""
    known = _observed(engine, query)
    cache = Cache()
    if known:
        with engine.autocast():
            cache = engine.transformer.remember(Group(tuple(known)), cache)
    targets = _targets(engine, query)
    kinds = tuple(dict.fromkeys(target.kind for target in targets))

    def said(pictures: Sequence[Picture], caption: str) -> list[Tensor]:
        ids = engine.tokenizer.encode(kinds, caption).ids
        prompt = torch.tensor([ids], device=engine.device)
        with torch.no_grad(), engine.autocast():
            group = Group(tuple(pictures), prompt, asked=True)
            return [x.float() for x in engine.transformer.predict(group, cache)]

    def predict(pictures: Sequence[Picture]) -> Sequence[Tensor]:
        told = said(pictures, query.caption)
        if sampling.guidance == 1.0 or not query.caption:
            return told
        untold = said(pictures, "")
        return [u + sampling.guidance * (t - u) for t, u in zip(told, untold, strict=True)]

    drawn = yield from draw_pictures(predict, targets, sampling, generator, engine.device)
    return _answers(engine, query, targets, drawn)


# -- what is known -----------------------------------------------------------------------------


def _rays(engine: Engine, query: Query, slot: int) -> Tensor | None:
    camera, anchor = query.views[slot].camera, query.views[0].camera
    if camera is None or anchor is None:
        return None
    return ray_tensor(camera.relative_to(anchor, query.scale), query.size, engine)


def _points_picture(points: FloatArray, scale: float, engine: Engine) -> Tensor:
    """(H, W, 3) scene units to an XYZ picture (1, 3, H, W); unknown (nan) becomes 0."""
    far = np.nan_to_num(points, nan=0.0, posinf=SKY_FAR * scale, neginf=-SKY_FAR * scale)
    tensor = torch.tensor(far, dtype=torch.float32, device=engine.device)
    return points_to_picture(tensor.permute(2, 0, 1)[None], scale)


def _depth_picture(depth: FloatArray, scale: float, engine: Engine) -> Tensor:
    known = torch.nan_to_num(plane_tensor(depth, engine), nan=scale, posinf=torch.inf)
    return depth_to_picture(known, scale).expand(-1, 3, -1, -1)


def _observed(engine: Engine, query: Query) -> list[Picture]:
    """Wholly known pictures, encoded in one batch."""
    named: list[tuple[Kind, int]] = []
    pictures: list[Tensor] = []
    for slot, view in enumerate(query.views):
        if view.rgb is not None and view.seen is None:
            named.append((Kind.RGB, slot))
            pictures.append(rgb_tensor(view.rgb, engine))
        if view.depth is not None:
            named.append((Kind.DEPTH, slot))
            pictures.append(_depth_picture(view.depth, query.scale, engine))
        if view.points is not None and view.seen is None:
            named.append((Kind.XYZ, slot))
            pictures.append(_points_picture(view.points, query.scale, engine))
    if not pictures:
        return []
    clean = torch.zeros(1, device=engine.device)
    latents = torch.split(engine.codec.encode(torch.cat(pictures)), 1)
    return [
        Picture(kind, slot, latent, clean, _rays(engine, query, slot))
        for (kind, slot), latent in zip(named, latents, strict=True)
    ]


# -- what is asked -----------------------------------------------------------------------------


def _targets(engine: Engine, query: Query) -> list[Target]:
    height, width = (side // 8 for side in query.size)
    latent = (1, engine.codec.config.latent_channels, height, width)
    rays = (1, RAY_CHANNELS, height // 2, width // 2)
    targets = []
    for kind, slot in query.asked:
        shape = rays if kind is Kind.RAYS else latent
        known = None if kind is Kind.RAYS else _rays(engine, query, slot)
        targets.append(Target(kind, slot, shape, known))
    for kind, slot in query.partly_seen():
        targets.append(_partly_seen(engine, query, kind, slot, latent))
    return targets


def _partly_seen(
    engine: Engine, query: Query, kind: Kind, slot: int, shape: tuple[int, ...]
) -> Target:
    view = query.views[slot]
    assert view.seen is not None
    weight = plane_tensor(view.seen.astype(np.float32), engine)
    if kind is Kind.RGB:
        assert view.rgb is not None
        picture = rgb_tensor(view.rgb, engine)
    else:
        assert view.points is not None
        picture = _points_picture(view.points, query.scale, engine)
    # Codecs ring at holes; a smooth continuation costs them nothing.
    shown = engine.codec.encode(fill_holes(picture, weight))
    share = F.avg_pool2d(weight, SIZE_MULTIPLE).flatten()
    rays = _rays(engine, query, slot)
    return Target(kind, slot, shape, rays, shown, share >= SEEN_SHARE, view.trusted_until)


# -- what came out -----------------------------------------------------------------------------


def _answers(
    engine: Engine, query: Query, targets: Sequence[Target], drawn: Sequence[Tensor]
) -> tuple[AnsweredView, ...]:
    """RGB first: drawn depth is smoothed under its picture."""
    found: list[dict[str, FloatArray]] = [{} for _ in query.views]
    pictures = _decoded(engine, targets, drawn)
    for target, picture in zip(targets, pictures, strict=True):
        if target.kind is Kind.RGB:
            found[target.slot]["rgb"] = rgb_array(picture, engine, target.seen)
    for target, picture in zip(targets, pictures, strict=True):
        answer, view = found[target.slot], query.views[target.slot]
        if target.kind is Kind.DEPTH:
            guide = answer.get("rgb", view.rgb)
            guide = np.full((*query.size, 3), 0.5, np.float32) if guide is None else guide
            answer["depth"] = depth_array(picture, guide, query.scale)
        elif target.kind is Kind.XYZ:
            answer["points"] = _points_array(picture, query.scale)
        elif target.kind is Kind.RAYS:
            answer["rays"] = picture[0].float().cpu().numpy()
    return tuple(AnsweredView(**answer) for answer in found)


def _decoded(engine: Engine, targets: Sequence[Target], drawn: Sequence[Tensor]) -> list[Tensor]:
    """Pictures (1, 3, H, W) of latents, decoded in one batch; RAYS as they are."""
    latents = [x for t, x in zip(targets, drawn, strict=True) if t.kind is not Kind.RAYS]
    decoded = iter(torch.split(engine.codec.decode(torch.cat(latents)), 1) if latents else ())
    return [
        x if t.kind is Kind.RAYS else next(decoded) for t, x in zip(targets, drawn, strict=True)
    ]


def _points_array(picture: Tensor, scale: float) -> FloatArray:
    """An XYZ picture (1, 3, H, W) to points (H, W, 3) in scene units."""
    points = picture_to_points(picture[0].float(), scale).permute(1, 2, 0)
    far = points.norm(dim=-1, keepdim=True) > SKY_FROM * scale
    return np.ascontiguousarray(torch.where(far, torch.inf, points).cpu().numpy())
