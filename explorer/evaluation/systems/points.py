"""Seed 002: points from pictures, pictures from points, and what the points are good for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch

from engine.geometry.lenses import LensModel
from engine.geometry.matching import match_pictures
from engine.geometry.pointmaps import camera_from_pointmap
from engine.geometry.projection import unproject
from engine.model.kinds import Kind
from engine.queries import Engine, finish
from engine.queries.answers import ask
from engine.queries.query import FloatArray, KnownView, Query
from engine.queries.scenes import SceneView, warp
from engine.sampling.joint import JointSampling
from engine.sampling.keys import noise_of
from explorer.evaluation.systems.geometry_scores import depth_score, ramp
from explorer.evaluation.systems.looks import PICTURE_COLUMNS, PICTURE_DIGITS, PictureColumns
from explorer.evaluation.systems.published import WVD_DEPTH, WVD_KEYPOINTS
from explorer.evaluation.systems.samples import Sample
from explorer.evaluation.systems.sparse_frames import points_of
from explorer.evaluation.systems.tables import SystemRow, SystemTable, row

Tell = Callable[[], None]


@dataclass(frozen=True)
class PointOptions:
    """`corrections`: Langevin steps a step, where they are tried."""

    steps: int = 2
    corrections: int = 2
    seed: int = 0


def _depth_of(points: FloatArray) -> FloatArray:
    """Depth in the camera that the points were seen by; far everywhere where none explains them."""
    try:
        found = camera_from_pointmap(points.astype(np.float64), LensModel.ZOOM)
        return found.depth.astype(np.float32)
    except ValueError:
        return np.full(points.shape[:2], np.inf, np.float32)


def depth_table(
    engine: Engine, samples: list[Sample], options: PointOptions, tell: Tell
) -> SystemTable:
    """P(XYZ given RGB): one picture, a video, with and without Langevin steps."""
    settings = {
        "one picture": (1, JointSampling(options.steps)),
        "video": (len(samples[0].views), JointSampling(options.steps)),
        f"video, {options.corrections} Langevin steps": (
            len(samples[0].views),
            JointSampling(options.steps, corrections=options.corrections),
        ),
    }
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in (*settings, "depth ramp")}
    for sample in samples:
        truth = [v.depth for v in sample.views]
        for name, (count, sampling) in settings.items():
            pictures = [v.rgb for v in sample.views[:count]]
            points = points_of(engine, pictures, sampling, options.seed + sample.seed)
            found[name].append(depth_score([_depth_of(p) for p in points], truth[:count]))
        height, width = truth[0].shape
        found["depth ramp"].append(depth_score([ramp((int(height), int(width)))], truth[:1]))
        tell()
    rows = tuple(
        row(name, [list(c) for c in zip(*scores, strict=True)], trivial=name == "depth ramp")
        for name, scores in found.items()
    )
    title = f"depth from points, {len(samples)} unseen worlds"
    return SystemTable(2, title, ("AbsRel ↓", "δ<1.25 ↑"), (3, 3), rows + WVD_DEPTH)


def _from_points(
    engine: Engine, sample: Sample, slot: int, sampling: JointSampling, seed: int
) -> FloatArray:
    """View `slot` from the first one's RGB and points, reprojected to the asked camera."""
    first, camera = sample.views[0], sample.views[slot].camera
    seen = warp([first], camera)
    points = _in_first_frame(seen.depth, SceneView(seen.rgb, seen.depth, camera), first)
    known = KnownView(rgb=first.rgb, points=_in_first_frame(first.depth, first, first))
    asked = KnownView(points=points, seen=seen.seen & np.isfinite(points).all(-1))
    return _drawn(engine, (known, asked), sample, sampling, seed)


def _without_points(
    engine: Engine, sample: Sample, slot: int, sampling: JointSampling, seed: int
) -> FloatArray:
    """View `slot` from the first one's RGB, along known rays."""
    first, camera = sample.views[0], sample.views[slot].camera
    known = KnownView(rgb=first.rgb, camera=first.camera)
    return _drawn(engine, (known, KnownView(camera=camera)), sample, sampling, seed)


def _drawn(
    engine: Engine,
    views: tuple[KnownView, KnownView],
    sample: Sample,
    sampling: JointSampling,
    seed: int,
) -> FloatArray:
    height, width = sample.views[0].depth.shape
    query = Query((int(height), int(width)), views, ((Kind.RGB, 1),), sample.scale)
    answer = finish(ask(engine, query, sampling, noise_of(seed, "views")(sample.seed)))[1]
    assert answer.rgb is not None
    return answer.rgb


def _in_first_frame(depth: FloatArray, view: SceneView, first: SceneView) -> FloatArray:
    """Depth of a view as points in the first camera's frame; unknown stays nan."""
    finite = np.where(np.isfinite(depth), depth, np.nan).astype(np.float32)
    camera = view.camera.relative_to(first.camera)
    return unproject(torch.from_numpy(finite), camera).numpy().astype(np.float32)


def control_table(
    engine: Engine, samples: list[Sample], options: PointOptions, tell: Tell
) -> SystemTable:
    """P(RGB given XYZ): views controlled by reprojected points, or by rays alone."""
    sampling = JointSampling(options.steps)
    ways = {"reprojected points": _from_points, "rays, no points": _without_points}
    names = (*ways, "repeat the picture")
    pictures = PictureColumns(engine)
    matched: dict[str, list[float]] = {name: [] for name in ways}
    for sample in samples:
        truth = sample.views[1].rgb
        possible = _matches(sample.views[0].rgb, truth)
        for name, draw in ways.items():
            drawn = draw(engine, sample, 1, sampling, options.seed)
            pictures.add(name, str(sample.seed), drawn, truth)
            if possible >= 20:
                matched[name].append(100 * _matches(sample.views[0].rgb, drawn) / possible)
        pictures.add("repeat the picture", str(sample.seed), sample.views[0].rgb, truth)
        tell()
    rows = [
        row(name, [*pictures.of(name), matched.get(name, [])], trivial=name not in ways)
        for name in names
    ]
    unknown = (float("nan"),) * len(PICTURE_COLUMNS)
    rows += [SystemRow(r.name, (*unknown, *r.values), published=True) for r in WVD_KEYPOINTS]
    title = f"the next view, {len(samples)} unseen worlds"
    columns = (*PICTURE_COLUMNS, "keypoint matches, % of the truth's ↑")
    return SystemTable(2, title, columns, (*PICTURE_DIGITS, 1), tuple(rows))


def _matches(a: FloatArray, b: FloatArray) -> int:
    return len(match_pictures(_bytes(a), _bytes(b)))


def _bytes(rgb: FloatArray) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    return (rgb * 255).round().clip(0, 255).astype(np.uint8)
