"""A view from words alone (seed 000), and pictures of given depth (seed 000's last row)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import torch

from engine.geometry.cameras import Camera, Intrinsics
from engine.model.kinds import Kind
from engine.queries.answers import AnsweredView, ask
from engine.queries.engine import Engine
from engine.queries.query import FloatArray, KnownView, Query, QueryError
from engine.queries.scenes import SceneView
from engine.sampling.flow import Drawing
from engine.sampling.joint import JointSampling


@dataclass(frozen=True)
class GenerationConfig:
    """`fov` is horizontal, in degrees; depth comes in units of its own median."""

    size: tuple[int, int] = (144, 256)
    fov: float = 65.0
    sampling: JointSampling = field(default_factory=lambda: JointSampling(steps=12))


def generate(
    engine: Engine, caption: str, config: GenerationConfig, generator: torch.Generator
) -> Drawing[SceneView]:
    """RGB and depth of the first view of a scene that `caption` describes.

    Raises:
        QueryError: the model knows no word of the caption.
    """
    if not engine.tokenizer.encode(Kind.RGB, caption).known:
        some = ", ".join(engine.tokenizer.vocabulary[:12]) or "those that you would say"
        raise QueryError(
            f"the model knows no word of {caption!r}; describe the scene with words such as {some}"
        )
    height, width = config.size
    camera = Camera(np.eye(4), Intrinsics.from_fov(config.fov, width / height))
    asked = ((Kind.RGB, 0), (Kind.DEPTH, 0))
    query = Query(config.size, (KnownView(camera=camera),), asked, caption=caption)
    answer = (yield from ask(engine, query, config.sampling, generator))[0]
    assert answer.rgb is not None
    assert answer.depth is not None
    return SceneView(answer.rgb, answer.depth, camera)


def render_from_depth(
    engine: Engine,
    depths: Sequence[FloatArray],
    cameras: Sequence[Camera] | None,
    first_rgb: FloatArray | None,
    sampling: JointSampling,
    generator: torch.Generator,
    caption: str = "",
) -> Drawing[tuple[AnsweredView, ...]]:
    """Pictures of views whose depth is known; without cameras, their rays as well.

    Args:
        depths: (H, W) each, in scene units.
        first_rgb: (H, W, 3), the look of the first view, if it is known.

    Raises:
        QueryError: no depth, or as many cameras as depths are not given.
    """
    if not depths:
        raise QueryError("give the depth of at least one view")
    if cameras is not None and len(cameras) != len(depths):
        raise QueryError(f"{len(depths)} depths need as many cameras, not {len(cameras)}")
    views = tuple(
        KnownView(
            rgb=first_rgb if slot == 0 else None,
            depth=depth,
            camera=None if cameras is None else cameras[slot],
        )
        for slot, depth in enumerate(depths)
    )
    asked = [(Kind.RGB, slot) for slot, view in enumerate(views) if view.rgb is None]
    asked += [] if cameras is not None else [(Kind.RAYS, slot) for slot in range(len(views))]
    height, width = depths[0].shape
    query = Query((int(height), int(width)), views, tuple(asked), caption=caption)
    return (yield from ask(engine, query, sampling, generator))
