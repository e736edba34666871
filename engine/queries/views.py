"""The walk's queries (seed 003): the next view, and its depth; `photo_depth` has the first.

    context = open_context(engine, views)                      # keys and values, once a step
    drawn   = finish(draw_view(engine, context, camera, hint, settings, noise))
    depth   = finish(draw_depth(engine, context, camera, drawn.rgb, hint, settings, noise))

Every `draw_…` is a generator that yields a `Step` after each pass of the network and returns the
answer, so that a caller can stop between steps.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from engine.geometry.cameras import Camera
from engine.model.text import Kind
from engine.queries.context import Context, with_picture
from engine.queries.drawing import Ask, Hint, SamplerSettings, draw_picture
from engine.queries.engine import Engine
from engine.queries.pictures import FloatArray, depth_plane, rgb_picture
from engine.sampling.flow import Drawing, FlowConfig


@dataclass(frozen=True)
class Drawn:
    """A drawn picture, rgb (H, W, 3) in [0, 1] on the engine's device, and what drawing it took."""

    rgb: Tensor
    step_seconds: float
    decode_seconds: float


def draw_view(
    engine: Engine,
    context: Context,
    camera: Camera,
    hint: Hint | None,
    settings: SamplerSettings,
    generator: torch.Generator,
) -> Drawing[Drawn]:
    """The `<Image>` query: RGB of the view that `camera` sees (seed 003, eq. 10)."""
    ask = Ask(Kind.RGB, camera, FlowConfig(settings.rgb_steps), settings.caption, hint)
    drawn = yield from draw_picture(engine, context, ask, generator)
    return Drawn(rgb_picture(drawn.picture, engine), drawn.step_seconds, drawn.decode_seconds)


def draw_depth(
    engine: Engine,
    context: Context,
    camera: Camera,
    rgb: FloatArray | Tensor,
    hint: Hint | None,
    settings: SamplerSettings,
    generator: torch.Generator,
) -> Drawing[Tensor]:
    """The `<Geometry>` query: depth of a view whose picture `rgb` is known (seed 003, eq. 6).

    Returns (H, W) z-depth in scene units on the engine's device; inf = sky.
    """
    with_rgb = with_picture(engine, context, camera, rgb)
    ask = Ask(Kind.DEPTH, camera, FlowConfig(settings.depth_steps), settings.caption, hint)
    drawn = yield from draw_picture(engine, with_rgb, ask, generator)
    return depth_plane(drawn.picture, rgb, context.scale)


def draw_warp(
    engine: Engine,
    context: Context,
    camera: Camera,
    settings: SamplerSettings,
    generator: torch.Generator,
) -> Drawing[Drawn]:
    """The simulated warp (seed 003, eq. 9): what a render of the known would show, holes filled."""
    ask = Ask(Kind.WARP, camera, FlowConfig(settings.rgb_steps), settings.caption)
    drawn = yield from draw_picture(engine, context, ask, generator)
    return Drawn(rgb_picture(drawn.picture, engine), drawn.step_seconds, drawn.decode_seconds)
