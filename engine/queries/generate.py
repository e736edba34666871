"""A view from words alone (seed 000)."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import torch

from engine.geometry.cameras import Camera, Intrinsics
from engine.model.kinds import Kind
from engine.queries.answers import ask
from engine.queries.engine import Engine
from engine.queries.query import KnownView, Query, QueryError
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
