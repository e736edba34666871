"""The walk's queries (seed 003): depth of a photo, the next view, and its depth.

    context = open_context(engine, views)                      # keys and values, once a step
    drawn   = finish(draw_view(engine, context, camera, hint, settings, noise))
    depth   = finish(draw_depth(engine, context, camera, drawn.rgb, hint, settings, noise))

Every `draw_…` is a generator that yields a `Step` after each pass of the network and returns the
answer, so that a caller can stop between steps.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from engine.geometry.cameras import Camera, Intrinsics
from engine.geometry.pictures import median_depth
from engine.model.hints import hint_latents
from engine.model.text import Kind
from engine.model.tokens import Group, Picture
from engine.model.transformer import Cache
from engine.queries.engine import Engine
from engine.queries.pictures import (
    FloatArray,
    check_size,
    depth_array,
    depth_picture_tensor,
    plane_tensor,
    ray_tensor,
    rgb_array,
    rgb_tensor,
)
from engine.sampling.flow import Drawing, FlowConfig, euler, standard_noise


@dataclass(frozen=True)
class SamplerSettings:
    """How pictures are drawn; `caption` describes the scene, in words the model knows.

    The defaults were measured on unseen worlds: one step gives depth its best error and views
    their best PSNR, more give holes more texture than the embedded weights can place.
    """

    rgb_steps: int = 2
    depth_steps: int = 1
    caption: str = ""


@dataclass(frozen=True)
class ContextView:
    """An observed view: rgb (H, W, 3) in [0, 1], depth (H, W) in scene units (inf sky) or None."""

    camera: Camera
    rgb: FloatArray
    depth: FloatArray | None = None


@dataclass(frozen=True)
class Hint:
    """What memory shows from the asked camera: rgb (H, W, 3), depth (H, W; inf sky, nan unknown)
    in scene units, coverage (H, W) in [0, 1]."""

    rgb: FloatArray
    depth: FloatArray
    coverage: FloatArray


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


@dataclass(frozen=True)
class Drawn:
    """A drawn picture, rgb (H, W, 3) in [0, 1], and what drawing it took."""

    rgb: FloatArray
    step_seconds: float
    decode_seconds: float


@dataclass(frozen=True)
class _Decoded:
    """A decoded picture (1, 3, H, W) in [−1, 1]."""

    picture: Tensor
    step_seconds: float
    decode_seconds: float


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


def draw_view(
    engine: Engine,
    context: Context,
    camera: Camera,
    hint: Hint | None,
    settings: SamplerSettings,
    generator: torch.Generator,
) -> Drawing[Drawn]:
    """The `<Image>` query: RGB of the view that `camera` sees (seed 003, eq. 10)."""
    flow = FlowConfig(settings.rgb_steps)
    drawn = yield from _draw(
        engine, context, camera, Kind.RGB, hint, flow, settings.caption, generator
    )
    return Drawn(rgb_array(drawn.picture, engine), drawn.step_seconds, drawn.decode_seconds)


def draw_depth(
    engine: Engine,
    context: Context,
    camera: Camera,
    rgb: FloatArray,
    hint: Hint | None,
    settings: SamplerSettings,
    generator: torch.Generator,
) -> Drawing[FloatArray]:
    """The `<Geometry>` query: depth of a view whose picture `rgb` is known (seed 003, eq. 6).

    Returns (H, W) z-depth in scene units; inf = sky.
    """
    with_rgb = _with_picture(engine, context, camera, rgb)
    flow = FlowConfig(settings.depth_steps)
    drawn = yield from _draw(
        engine, with_rgb, camera, Kind.DEPTH, hint, flow, settings.caption, generator
    )
    return depth_array(drawn.picture, rgb, context.scale)


def draw_depth_of_photo(
    engine: Engine,
    rgb: FloatArray,
    camera: Camera,
    settings: SamplerSettings,
    generator: torch.Generator,
) -> Drawing[FloatArray]:
    """Depth of a picture alone, in units of its own median: the first `<Geometry>` query.

    The whole walk stands on it, so it is asked twice, of the picture and of its mirror image, and
    the two are averaged: half of what a network gets wrong hangs on the side that it sees it on.
    """
    flow, size = FlowConfig(settings.depth_steps), check_size(rgb)
    pictures = []
    for turned in (False, True):
        seen = np.ascontiguousarray(rgb[:, ::-1]) if turned else rgb
        by = mirrored(camera) if turned else camera
        empty = open_context(engine, [], size=size, camera=by)
        drawn = yield from _draw(
            engine,
            _with_picture(engine, empty, by, seen),
            by,
            Kind.DEPTH,
            None,
            flow,
            settings.caption,
            generator,
        )
        pictures.append(drawn.picture.flip(-1) if turned else drawn.picture)
    return depth_array((pictures[0] + pictures[1]) / 2, rgb, 1.0)


def mirrored(camera: Camera) -> Camera:
    """The camera whose pictures are the mirror images of this one's, at the same place."""
    k = camera.intrinsics
    return Camera(camera.T_world_camera, Intrinsics(k.fx, k.fy, 1.0 - k.cx, k.cy))


def draw_warp(
    engine: Engine,
    context: Context,
    camera: Camera,
    settings: SamplerSettings,
    generator: torch.Generator,
) -> Drawing[Drawn]:
    """The simulated warp (seed 003, eq. 9): what a render of the known would show, holes filled."""
    flow = FlowConfig(settings.rgb_steps)
    drawn = yield from _draw(
        engine, context, camera, Kind.WARP, None, flow, settings.caption, generator
    )
    return Drawn(rgb_array(drawn.picture, engine), drawn.step_seconds, drawn.decode_seconds)


@torch.no_grad()
def _with_picture(engine: Engine, context: Context, camera: Camera, rgb: FloatArray) -> Context:
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


def _hint_tensor(engine: Engine, hint: Hint | None, scale: float) -> Tensor | None:
    if hint is None or not np.any(hint.coverage > 0):
        return None
    rgb = (rgb_tensor(hint.rgb, engine) + 1) / 2
    coverage = plane_tensor(hint.coverage, engine)
    sigma = torch.full((1, 1, 1, 1), scale, device=engine.device)
    return hint_latents(engine.codec, rgb, plane_tensor(hint.depth, engine), coverage, sigma)


@torch.no_grad()
def _draw(
    engine: Engine,
    context: Context,
    camera: Camera,
    kind: Kind,
    hint: Hint | None,
    flow: FlowConfig,
    caption: str,
    generator: torch.Generator,
) -> Drawing[_Decoded]:
    started = time.perf_counter()
    rays = ray_tensor(camera.relative_to(context.anchor, context.scale), context.size, engine)
    warped = _hint_tensor(engine, hint, context.scale)
    prompt = torch.tensor([engine.tokenizer.encode(kind, caption).ids], device=engine.device)
    height, width = (side // 8 for side in context.size)
    shape = (1, engine.codec.config.latent_channels, height, width)
    noise = standard_noise(shape, generator, rays)

    def predict(noisy: Tensor, level: float) -> Tensor:
        levels = torch.full((1,), level, device=engine.device)
        asked = Picture(kind, context.slots, noisy, levels, rays, warped)
        with torch.no_grad(), engine.autocast():
            answer = engine.transformer.predict(Group((asked,), prompt, asked=True), context.cache)
        return answer[0].float()

    latent = yield from euler(predict, noise, flow, kind.name)
    drawn = time.perf_counter()
    with torch.no_grad():
        picture = engine.codec.decode(latent)
    return _Decoded(picture, drawn - started, time.perf_counter() - drawn)
