"""Depth of a photo alone: the first `<Geometry>` query (seed 003, eq. 6)."""

from __future__ import annotations

import numpy as np
import torch

from engine.geometry.cameras import Camera, Intrinsics
from engine.model.text import Kind
from engine.queries.context import open_context, with_picture
from engine.queries.drawing import Ask, SamplerSettings, draw_picture
from engine.queries.engine import Engine
from engine.queries.pictures import FloatArray, check_size, depth_array
from engine.sampling.flow import Drawing, FlowConfig


def draw_depth_of_photo(
    engine: Engine,
    rgb: FloatArray,
    camera: Camera,
    settings: SamplerSettings,
    generator: torch.Generator,
) -> Drawing[FloatArray]:
    """Depth of a picture alone, in units of its own median.

    The whole walk stands on it, so it is asked twice, of the picture and of its mirror image, and
    the two are averaged: half of what a network gets wrong hangs on the side that it sees it on.

    Raises:
        ValueError: a size that is no multiple of 16.
    """
    flow, size = FlowConfig(settings.depth_steps), check_size(rgb)
    pictures = []
    for turned in (False, True):
        seen = np.ascontiguousarray(rgb[:, ::-1]) if turned else rgb
        by = mirrored(camera) if turned else camera
        empty = open_context(engine, [], size=size, camera=by)
        ask = Ask(Kind.DEPTH, by, flow, settings.caption)
        drawn = yield from draw_picture(
            engine, with_picture(engine, empty, by, seen), ask, generator
        )
        pictures.append(drawn.picture.flip(-1) if turned else drawn.picture)
    return depth_array((pictures[0] + pictures[1]) / 2, rgb, 1.0)


def mirrored(camera: Camera) -> Camera:
    """The camera whose pictures are the mirror images of this one's, at the same place."""
    k = camera.intrinsics
    return Camera(camera.T_world_camera, Intrinsics(k.fx, k.fy, 1.0 - k.cx, k.cy))
