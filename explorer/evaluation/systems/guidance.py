"""Seed 001, table 6: does depth hang on how strongly the caption guides the drawing?"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from engine.geometry.cameras import Camera
from engine.model.kinds import Kind
from engine.queries import Engine, finish
from engine.queries.answers import AnsweredView, ask
from engine.queries.query import FloatArray, KnownView, Query
from engine.sampling.joint import JointSampling
from engine.sampling.keys import noise_of
from explorer.evaluation.systems.geometry_scores import depth_score
from explorer.evaluation.systems.looks import PICTURE_COLUMNS, PICTURE_DIGITS, PictureColumns
from explorer.evaluation.systems.samples import Sample
from explorer.evaluation.systems.tables import SystemTable, row

Tell = Callable[[], None]


@dataclass(frozen=True)
class GuidanceOptions:
    """`scales` to compare (1 leaves the caption as it is), `steps` of each drawing, `seed`."""

    scales: tuple[float, ...] = (1.0, 2.0, 4.0, 6.0)
    steps: int = 4
    seed: int = 0


def guidance_table(
    engine: Engine, samples: list[Sample], options: GuidanceOptions, tell: Tell
) -> SystemTable:
    """Pictures and points of a run of views from its first picture and the caption."""
    pictures = PictureColumns(engine)
    columns: dict[float, tuple[list[float], ...]] = {s: ([], []) for s in options.scales}
    for sample in samples:
        for scale, found in columns.items():
            drawn = drawn_from_one(engine, sample, scale, options)
            depths = [
                depth_in(v.camera, sample, d) for v, d in zip(sample.views, drawn, strict=True)
            ]
            scores = depth_score(depths, [view.depth for view in sample.views])
            for view, truth in zip(drawn[1:], sample.views[1:], strict=True):
                if view.rgb is not None:
                    shown = np.asarray(view.rgb, np.float32)
                    pictures.add(scale, str(sample.seed), shown, truth.rgb)
            for column, value in zip(found, scores, strict=True):
                column.append(value)
        tell()
    title = f"guidance by the caption: {len(samples[0].views)} views from one picture, "
    rows = tuple(
        row(f"guidance {scale:g}", [*found, *pictures.of(scale)])
        for scale, found in columns.items()
    )
    return SystemTable(
        1,
        title + f"{len(samples)} unseen worlds",
        ("AbsRel ↓", "δ<1.25 ↑", *(f"drawn views: {name}" for name in PICTURE_COLUMNS)),
        (3, 3, *PICTURE_DIGITS),
        rows,
        ("The document finds scale 1 and its default very similar, as depth goes.",),
    )


def drawn_from_one(
    engine: Engine, sample: Sample, scale: float, options: GuidanceOptions
) -> tuple[AnsweredView, ...]:
    """RGB of all views but the first and points of all, along the true cameras."""
    first = sample.views[0].rgb
    cameras = [view.camera for view in sample.views]
    views = (KnownView(rgb=first, camera=cameras[0]), *(KnownView(camera=c) for c in cameras[1:]))
    asked = [(Kind.RGB, slot) for slot in range(1, len(views))]
    asked += [(Kind.XYZ, slot) for slot in range(len(views))]
    query = Query(
        (int(first.shape[0]), int(first.shape[1])),
        views,
        tuple(asked),
        scale=sample.scale,
        caption=sample.caption,
    )
    sampling = JointSampling(options.steps, guidance=scale)
    noise = noise_of(options.seed + sample.seed, "guidance")(0)
    return finish(ask(engine, query, sampling, noise))


def depth_in(camera: Camera, sample: Sample, drawn: AnsweredView) -> FloatArray:
    """z-depth (H, W) in `camera` of points that are given in the first view's frame; inf where a
    point is sky, or behind the camera."""
    if drawn.points is None:
        raise ValueError("the answer has no points")
    T_first_camera = camera.relative_to(sample.views[0].camera).T_world_camera
    known = np.asarray(np.isfinite(drawn.points).all(axis=-1))
    offsets = np.where(known[..., None], drawn.points, 0.0) - T_first_camera[:3, 3]
    depth = offsets @ T_first_camera[:3, 2]
    return np.where(known & (depth > 0), depth, np.inf).astype(np.float32)
