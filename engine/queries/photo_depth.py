"""Depth of a photo alone: the first `<Geometry>` query (seed 003, eq. 6)."""

from __future__ import annotations

import math

import numpy as np
import torch
import torch.nn.functional as F
from einops import rearrange

from engine.geometry.cameras import Camera, Intrinsics
from engine.model.text import Kind
from engine.queries.context import open_context, with_picture
from engine.queries.drawing import Ask, SamplerSettings, draw_picture
from engine.queries.engine import SIZE_MULTIPLE, Engine
from engine.queries.pictures import FloatArray, check_size, depth_array
from engine.sampling.flow import Drawing, FlowConfig

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
        ValueError: a size that is no multiple of 16.
    """
    flow, own = FlowConfig(settings.depth_steps), check_size(rgb)
    size = size_for_depth(own)
    large = rgb if size == own else _enlarged(rgb, size)
    pictures = []
    for turned in (False, True):
        seen = np.ascontiguousarray(large[:, ::-1]) if turned else large
        by = mirrored(camera) if turned else camera
        empty = open_context(engine, [], size=size, camera=by)
        ask = Ask(Kind.DEPTH, by, flow, settings.caption)
        drawn = yield from draw_picture(
            engine, with_picture(engine, empty, by, seen), ask, generator
        )
        pictures.append(drawn.picture.flip(-1) if turned else drawn.picture)
    mean = (pictures[0] + pictures[1]) / 2
    if size != own:
        mean = F.interpolate(mean, own, mode="bilinear", antialias=True, align_corners=False)
    return depth_array(mean, rgb, 1.0)


def size_for_depth(size: tuple[int, int]) -> tuple[int, int]:
    """(H, W) at which the depth of a photo of `size` (H, W) is drawn, about as it is shaped.

    Lenses are counted in shares of the picture, so the camera is the same for both.
    """
    height, width = size
    factor = min(MOST_ENLARGED, math.sqrt(DEPTH_PIXELS / (height * width)))
    if factor <= 1.0:
        return size
    rows, columns = (round(side * factor / SIZE_MULTIPLE) for side in size)
    return rows * SIZE_MULTIPLE, columns * SIZE_MULTIPLE


def _enlarged(rgb: FloatArray, size: tuple[int, int]) -> FloatArray:
    planes = torch.tensor(rgb).permute(2, 0, 1)[None]
    large = F.interpolate(planes, size, mode="bicubic", align_corners=False).clamp(0, 1)
    return np.ascontiguousarray(rearrange(large[0], "c h w -> h w c").numpy())


def mirrored(camera: Camera) -> Camera:
    """The camera whose pictures are the mirror images of this one's, at the same place."""
    k = camera.intrinsics
    return Camera(camera.T_world_camera, Intrinsics(k.fx, k.fy, 1.0 - k.cx, k.cy))
