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
from engine.queries import Drawing, Engine
from engine.queries.reconstruct import ReconstructionConfig, reconstruct
from engine.queries.scenes import SceneView
from engine.queries.search import reprojection_score
from engine.sampling.joint import JointSampling
from engine.sampling.keys import noise_of
from engine.sampling.search import best_of
from explorer.clips.frames import Rgb
from explorer.clips.work import Common, Work, unit_pictures

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


def recover_geometry(
    engine: Engine,
    frames: Sequence[Rgb],
    options: Common,
    lens: Intrinsics | None,
    work: Work,
    match: bool = True,
) -> Geometry:
    """The best of `options.samples` reconstructions.

    Args:
        match: also try cameras of keypoint matches; False leaves the model's own.
    """
    pictures = unit_pictures(frames)
    sampling = JointSampling(steps=options.steps or 2)
    config = ReconstructionConfig(sampling, lens=lens, caption=options.caption)

    def draw(number: int) -> Drawing[list[SceneView]]:
        noise = noise_of(options.seed + 7919 * number, "reconstruction")
        return reconstruct(engine, pictures, config, noise)

    search = best_of(draw, reprojection_score, options.samples)
    found = work.finish(search, "depth and cameras")
    views = tuple(found.answer)
    best = Geometry(views, reprojection_score(views), found.scores, DRAWN)
    if not match:
        return best
    work.tell("matching the frames")
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
