"""Depth of a photo alone: the first `<Geometry>` query (seed 003, eq. 6)."""

from __future__ import annotations

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from engine.geometry.cameras import Camera, Intrinsics
from engine.model.text import Kind
from engine.queries.context import open_context, with_picture
from engine.queries.drawing import Ask, SamplerSettings, draw_picture
from engine.queries.engine import SIZE_MULTIPLE, Engine
from engine.queries.pictures import FloatArray, check_size, depth_array
from engine.sampling.flow import REDRAWN, Drawing, FlowConfig

#: Shortest side at which a photo's layout is still drawn, pixels.
COARSEST = 64


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
    From coarse to fine, if the settings say so, a small picture first shows the network the layout
    within few tokens, and each larger one adds edges.

    Raises:
        ValueError: a size that is no multiple of 16.
    """
    whole = check_size(rgb)
    sizes = sizes_to_draw(whole) if settings.coarse_to_fine else [whole]
    picture: Tensor | None = None
    for size in sizes:
        small = _resized(rgb, size)
        draft = None if picture is None else _raised(picture, size)
        start = 1.0 if draft is None else REDRAWN
        flow = FlowConfig(settings.depth_steps, start=start)
        ask = Ask(Kind.DEPTH, camera, flow, settings.caption, draft=draft)
        picture = yield from _both_sides(engine, small, ask, generator)
    assert picture is not None
    return depth_array(picture, rgb, 1.0)


def sizes_to_draw(size: tuple[int, int]) -> list[tuple[int, int]]:
    """(H, W) of the drawings, each about half as large as the next; the last is `size`."""
    sizes = [size]
    while min(sizes[0]) >= 2 * COARSEST:
        height, width = (SIZE_MULTIPLE * int(side / (2 * SIZE_MULTIPLE) + 0.5) for side in sizes[0])
        sizes.insert(0, (height, width))
    return sizes


def mirrored(camera: Camera) -> Camera:
    """The camera whose pictures are the mirror images of this one's, at the same place."""
    k = camera.intrinsics
    return Camera(camera.T_world_camera, Intrinsics(k.fx, k.fy, 1.0 - k.cx, k.cy))


def _both_sides(
    engine: Engine, rgb: FloatArray, ask: Ask, generator: torch.Generator
) -> Drawing[Tensor]:
    """The mean drawing (1, 3, H, W) of a picture and of its mirror image."""
    pictures = []
    for turned in (False, True):
        camera, draft = ask.camera, ask.draft
        seen = rgb
        if turned:
            camera = mirrored(camera)
            draft = None if draft is None else draft.flip(-1)
            seen = np.ascontiguousarray(rgb[:, ::-1])
        empty = open_context(engine, [], size=check_size(seen), camera=camera)
        context = with_picture(engine, empty, camera, seen)
        own = Ask(ask.kind, camera, ask.flow, ask.caption, draft=draft)
        drawn = yield from draw_picture(engine, context, own, generator)
        pictures.append(drawn.picture.flip(-1) if turned else drawn.picture)
    return (pictures[0] + pictures[1]) / 2


def _resized(rgb: FloatArray, size: tuple[int, int]) -> FloatArray:
    if rgb.shape[:2] == size:
        return rgb
    return cv2.resize(rgb, size[::-1], interpolation=cv2.INTER_AREA).astype(np.float32)


def _raised(picture: Tensor, size: tuple[int, int]) -> Tensor:
    larger = F.interpolate(picture.float(), size=size, mode="bicubic", align_corners=False)
    return torch.clamp(larger, -1.0, 1.0)
