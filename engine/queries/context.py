"""Observed views as the network knows them: their keys and values, computed once a step."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from engine.geometry.cameras import Camera
from engine.geometry.pictures import median_depth
from engine.model.text import Kind
from engine.model.tokens import Group, Picture
from engine.model.transformer import Cache
from engine.queries.engine import Engine
from engine.queries.pictures import (
    FloatArray,
    check_size,
    depth_picture_tensor,
    plane_tensor,
    ray_tensor,
    rgb_tensor,
)


@dataclass(frozen=True)
class ContextView:
    """An observed view: rgb (H, W, 3) in [0, 1], depth (H, W) in scene units (inf sky) or None."""

    camera: Camera
    rgb: FloatArray | Tensor
    depth: FloatArray | Tensor | None = None


@dataclass(frozen=True)
class Context:
    """Observed views as the network knows them.

    Attributes:
        anchor: the camera whose frame everything metric is in.
        scale: σ, scene units.
        cache: keys and values of the views.
        slots: views in the cache; the asked view takes the next slot.
        size: (H, W) of all pictures.
        seconds: what computing it took.
    """

    anchor: Camera
    scale: float
    cache: Cache
    slots: int
    size: tuple[int, int]
    seconds: float


@torch.no_grad()
def open_context(
    engine: Engine,
    views: Sequence[ContextView],
    anchor: int = 0,
    use_depth: bool = True,
    size: tuple[int, int] | None = None,
    camera: Camera | None = None,
) -> Context:
    """Encodes views and computes their keys and values.

    The view at `anchor` comes first. Without views, `size` and `camera` say what is asked for.

    Raises:
        ValueError: views of different sizes, or neither views nor size and camera.
    """
    started = time.perf_counter()
    if not views:
        if size is None or camera is None:
            raise ValueError("a context without views needs the size and camera of the asked view")
        return Context(camera, 1.0, Cache(), 0, size, 0.0)
    ordered = [views[anchor], *views[:anchor], *views[anchor + 1 :]]
    sizes = {check_size(view.rgb) for view in ordered}
    if len(sizes) > 1:
        raise ValueError(f"context views must have one size, not {sorted(sizes)}")
    size = sizes.pop()
    first = ordered[0]
    scale = 1.0 if first.depth is None else median_depth(plane_tensor(first.depth, engine))
    group = Group(tuple(_context_pictures(engine, ordered, scale, use_depth)))
    with engine.autocast():
        cache = engine.transformer.remember(group, Cache())
    seconds = time.perf_counter() - started
    return Context(first.camera, scale, cache, len(ordered), size, seconds)


def _context_pictures(
    engine: Engine, views: Sequence[ContextView], scale: float, use_depth: bool
) -> list[Picture]:
    """RGB and, where known, DEPTH of each view, encoded in one batch."""
    kinds, slots, pictures = [], [], []
    for slot, view in enumerate(views):
        kinds.append(Kind.RGB)
        slots.append(slot)
        pictures.append(rgb_tensor(view.rgb, engine))
        if use_depth and view.depth is not None:
            kinds.append(Kind.DEPTH)
            slots.append(slot)
            pictures.append(depth_picture_tensor(plane_tensor(view.depth, engine), scale))
    latents = torch.split(engine.codec.encode(torch.cat(pictures)), 1)
    size = check_size(views[0].rgb)
    rays = [
        ray_tensor(view.camera.relative_to(views[0].camera, scale), size, engine) for view in views
    ]
    clean = torch.zeros(1, device=engine.device)
    return [
        Picture(kind, slot, latent, clean, rays[slot])
        for kind, slot, latent in zip(kinds, slots, latents, strict=True)
    ]


@torch.no_grad()
def with_picture(
    engine: Engine, context: Context, camera: Camera, rgb: FloatArray | Tensor
) -> Context:
    """The context with the asked view's own RGB in its slot."""
    relative = camera.relative_to(context.anchor, context.scale)
    picture = Picture(
        Kind.RGB,
        context.slots,
        engine.codec.encode(rgb_tensor(rgb, engine)),
        torch.zeros(1, device=engine.device),
        ray_tensor(relative, context.size, engine),
    )
    with engine.autocast():
        cache = engine.transformer.remember(Group((picture,)), context.cache)
    return Context(context.anchor, context.scale, cache, context.slots, context.size, 0.0)
