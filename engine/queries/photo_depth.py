"""Depth of a photo alone: the first `<Geometry>` query (seed 003, eq. 6)."""

from __future__ import annotations

import math

import torch

from engine.geometry.cameras import Camera
from engine.model.kinds import Kind
from engine.queries.answers import ask
from engine.queries.engine import SIZE_MULTIPLE, Engine
from engine.queries.query import FloatArray, KnownView, Query, check_size
from engine.queries.views import SamplerSettings
from engine.sampling.flow import Drawing
from engine.sampling.joint import JointSampling

#: A photo of fewer pixels is enlarged to about so many before its depth is drawn, but not further
#: than this many times a side. What counts are the tokens, not the photo's detail: 40 photos of a
#: real kitchen at 256×192 score AbsRel 0.150 as they are, 0.141 enlarged to 448×336, and 0.143
#: taken at that size.
DEPTH_PIXELS = 448 * 256
MOST_ENLARGED = 2.0


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
    Small photos are enlarged for it (`size_for_depth`), so that a token has less to describe.

    Raises:
        QueryError: a size that is no multiple of 16.
    """
    size = check_size(rgb)
    query = Query(
        size,
        (KnownView(rgb=rgb, camera=camera),),
        ((Kind.DEPTH, 0),),
        caption=settings.caption,
        mirrored=True,
        drawn_at=size_for_depth(size),
    )
    sampling = JointSampling(settings.depth_steps)
    depth = (yield from ask(engine, query, sampling, generator))[0].depth
    assert depth is not None
    return depth


def size_for_depth(size: tuple[int, int]) -> tuple[int, int]:
    """(H, W) at which the depth of a photo of `size` (H, W) is drawn, about as it is shaped."""
    height, width = size
    factor = min(MOST_ENLARGED, math.sqrt(DEPTH_PIXELS / (height * width)))
    if factor <= 1.0:
        return size
    rows, columns = (round(side * factor / SIZE_MULTIPLE) for side in size)
    return rows * SIZE_MULTIPLE, columns * SIZE_MULTIPLE
