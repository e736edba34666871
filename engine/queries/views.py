"""The walk's queries (seed 003): the next view, and its depth; `photo_depth` has the first.

    context = open_context(engine, views)                      # keys and values, once a step
    rgb     = finish(draw_view(engine, context, camera, hint, settings, noise))
    depth   = finish(draw_depth(engine, context, camera, rgb, hint, settings, noise))

Every `draw_…` is a generator that yields a `Step` after each pass of the network and returns the
answer, so that a caller can stop between steps.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from engine.geometry.cameras import Camera
from engine.model.kinds import Kind
from engine.queries.answers import ask
from engine.queries.engine import Engine
from engine.queries.query import Context, Hint, KnownView, Pixels, Query
from engine.sampling.flow import Drawing
from engine.sampling.joint import JointSampling


@dataclass(frozen=True)
class SamplerSettings:
    """How pictures are drawn; `caption` describes the scene, in words the model knows.

    The defaults were measured with the embedded weights, on unseen worlds and real clips: one step
    gives depth its best error and views their best PSNR and SSIM. Further steps build on what the
    first drew, which they did not learn from: wide holes drift dark. Networks that were trained
    for many steps, as Wan's are, need more.
    """

    rgb_steps: int = 1
    depth_steps: int = 1
    caption: str = ""


def draw_view(
    engine: Engine,
    context: Context,
    camera: Camera,
    hint: Hint | None,
    settings: SamplerSettings,
    generator: torch.Generator,
) -> Drawing[Tensor]:
    """The `<Image>` query: RGB of the view that `camera` sees (seed 003, eq. 10).

    Returns (H, W, 3) in [0, 1] on the engine's device.
    """
    view = KnownView(camera=camera, hint=hint)
    sampling = JointSampling(settings.rgb_steps)
    return (yield from _one(engine, context, view, Kind.RGB, sampling, settings, generator))


def draw_depth(
    engine: Engine,
    context: Context,
    camera: Camera,
    rgb: Pixels,
    hint: Hint | None,
    settings: SamplerSettings,
    generator: torch.Generator,
) -> Drawing[Tensor]:
    """The `<Geometry>` query: depth of a view whose picture `rgb` is known (seed 003, eq. 6).

    Returns (H, W) z-depth in scene units on the engine's device; inf = sky.
    """
    view = KnownView(rgb=rgb, camera=camera, hint=hint)
    sampling = JointSampling(settings.depth_steps)
    return (yield from _one(engine, context, view, Kind.DEPTH, sampling, settings, generator))


def _one(
    engine: Engine,
    context: Context,
    view: KnownView,
    kind: Kind,
    sampling: JointSampling,
    settings: SamplerSettings,
    generator: torch.Generator,
) -> Drawing[Tensor]:
    """One picture of one view beside a context."""
    query = Query(context.size, (view,), ((kind, 0),), None, settings.caption, context)
    answer = (yield from ask(engine, query, sampling, generator))[0]
    return answer.drawn[kind]
