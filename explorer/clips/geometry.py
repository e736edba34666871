"""Depth and cameras of frames: the model draws both, matches between frames correct the cameras.

Each sample is a drawing of its own; the one that explains its pictures best by reprojection wins
(seed 000). The same score decides between the drawn cameras and those of keypoint matches lifted
by the drawn depth.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from engine.geometry.cameras import Intrinsics
from engine.geometry.structure import Recovered, recover_cameras
from engine.queries import Drawing, Engine, Step
from engine.queries.reconstruct import ReconstructionConfig, reconstruct
from engine.queries.scenes import SceneView
from engine.queries.search import reprojection_score
from engine.sampling.joint import JointSampling
from engine.sampling.keys import noise_of
from engine.sampling.search import best_of
from explorer.clips.frames import Rgb
from explorer.walk.colours import to_floats

#: A camera that fewer matches agree with is not believed.
LEAST_INLIERS = 12
DRAWN, MATCHED = "drawn rays", "keypoint matches"


@dataclass(frozen=True, eq=False)
class Geometry:
    """Attributes:
    views: every frame with depth and camera, in the first one's frame; its median depth is 1.
    score: of reprojection, at most 0, higher is better.
    scores: of all samples, in the order of drawing.
    cameras_from: `DRAWN` or `MATCHED`.
    inliers: matches that agree with each camera, where they come from matches.
    """

    views: tuple[SceneView, ...]
    score: float
    scores: tuple[float, ...]
    cameras_from: str
    inliers: tuple[int, ...] = ()


@dataclass(frozen=True)
class GeometryOptions:
    """Attributes:
    samples: reconstructions drawn.
    steps: sampling steps; None for the query's own.
    match: also try cameras of keypoint matches; False leaves the model's own.
    """

    samples: int = 1
    steps: int | None = None
    caption: str = ""
    seed: int = 0
    match: bool = True


def recover_geometry(
    engine: Engine,
    frames: Sequence[Rgb],
    options: GeometryOptions,
    lens: Intrinsics | None = None,
) -> Drawing[Geometry]:
    """The best of `options.samples` reconstructions of frames (H, W, 3) uint8."""
    pictures = [to_floats(frame) for frame in frames]
    config = ReconstructionConfig(
        JointSampling(steps=options.steps or 2), lens=lens, caption=options.caption
    )

    def draw(number: int) -> Drawing[list[SceneView]]:
        noise = noise_of(options.seed + 7919 * number, "reconstruction")
        return reconstruct(engine, pictures, config, noise)

    found = yield from best_of(draw, reprojection_score, options.samples)
    views = tuple(found.answer)
    best = Geometry(views, reprojection_score(views), found.scores, DRAWN)
    if not options.match:
        return best
    yield Step("matches between the frames", 1, 1)
    recovered = recover_cameras(list(frames), [v.depth for v in views], lens)
    matched = _matched(views, recovered)
    if matched is None:
        return best
    score = reprojection_score(matched)
    if score <= best.score:
        return best
    inliers = tuple(v.inliers for v in recovered.views)
    return Geometry(matched, score, found.scores, MATCHED, inliers)


def _matched(views: Sequence[SceneView], recovered: Recovered) -> tuple[SceneView, ...] | None:
    """The views through recovered cameras, in units of the first depth; None without matches."""
    if all(v.inliers < LEAST_INLIERS for v in recovered.views[1:]):
        return None
    return tuple(
        SceneView(view.rgb, np.asarray(view.depth * found.depth_scale, np.float32), found.camera)
        for view, found in zip(views, recovered.views, strict=True)
    )
