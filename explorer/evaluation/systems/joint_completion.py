"""Seed 000: depth and cameras of a video, and search over samples."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from engine.model.kinds import Kind
from engine.queries import Engine, finish
from engine.queries.answers import ask
from engine.queries.query import KnownView, Query
from engine.queries.reconstruct import ReconstructionConfig, cameras_of, reconstruct
from engine.queries.scenes import SceneView
from engine.queries.search import reprojection_score
from engine.sampling.joint import JointSampling
from engine.sampling.keys import noise_of
from explorer.clips.geometry import GeometryOptions, recover_geometry
from explorer.evaluation.curves import Curve, Panel
from explorer.evaluation.systems.geometry_scores import (
    COLUMNS,
    DIGITS,
    GeometryScore,
    columns_of,
    ramp,
    score,
    straight_line,
)
from explorer.evaluation.systems.samples import Sample
from explorer.evaluation.systems.tables import SystemTable, mean, row
from explorer.walk.colours import to_bytes

Tell = Callable[[], None]


@dataclass(frozen=True)
class CompletionOptions:
    """`samples`: drawn for the search, of which the best 1, 2, 4 … are looked at."""

    steps: int = 2
    samples: int = 8
    seed: int = 0


def dense(
    engine: Engine, sample: Sample, config: ReconstructionConfig, seed: int
) -> list[SceneView]:
    """All RGB → all depth and cameras."""
    pictures = [view.rgb for view in sample.views]
    return finish(reconstruct(engine, pictures, config, noise_of(seed, "dense")))


def with_matches(engine: Engine, sample: Sample, options: CompletionOptions) -> list[SceneView]:
    """As `reconstruct` does it: the drawn cameras, or those of matches where they fit better."""
    frames = [to_bytes(view.rgb) for view in sample.views]
    asked = GeometryOptions(steps=options.steps, seed=options.seed)
    return list(finish(recover_geometry(engine, frames, asked)).views)


def sparse(engine: Engine, sample: Sample, steps: int, seed: int) -> list[SceneView]:
    """First and last RGB → the pictures between, all depth and cameras."""
    last = len(sample.views) - 1
    views = tuple(
        KnownView(rgb=view.rgb if slot in (0, last) else None)
        for slot, view in enumerate(sample.views)
    )
    asked = [(Kind.RGB, slot) for slot in range(1, last)]
    asked += [(kind, slot) for kind in (Kind.DEPTH, Kind.RAYS) for slot in range(last + 1)]
    height, width = sample.views[0].rgb.shape[:2]
    query = Query((int(height), int(width)), views, tuple(asked))
    sampling = JointSampling(steps)
    answers = finish(ask(engine, query, sampling, noise_of(seed, "sparse")(sample.seed)))
    cameras = cameras_of(answers)
    found = []
    for slot, (answer, camera) in enumerate(zip(answers, cameras, strict=True)):
        rgb = sample.views[slot].rgb if slot in (0, last) else answer.rgb
        assert rgb is not None
        assert answer.depth is not None
        found.append(SceneView(rgb, answer.depth, camera))
    return found


def _scored(found: list[SceneView], sample: Sample) -> GeometryScore:
    return score([v.depth for v in found], [v.camera for v in found], sample.views)


def geometry_table(
    engine: Engine, samples: list[Sample], options: CompletionOptions, tell: Tell
) -> SystemTable:
    """Video depth and cameras, from all frames and from the first and last alone."""
    config = ReconstructionConfig(sampling=JointSampling(options.steps))
    all_frames, matched, two_frames, trivial = [], [], [], []
    for sample in samples:
        matched.append(_scored(with_matches(engine, sample, options), sample))
        all_frames.append(_scored(dense(engine, sample, config, options.seed), sample))
        two_frames.append(_scored(sparse(engine, sample, options.steps, options.seed), sample))
        cameras = straight_line([v.camera for v in sample.views])
        size = sample.views[0].depth.shape
        flat = [ramp((int(size[0]), int(size[1])))] * len(sample.views)
        trivial.append(score(flat, cameras, sample.views))
        tell()
    rows = (
        row("all frames", columns_of(all_frames)),
        row("all frames, cameras corrected by matches", columns_of(matched)),
        row("first and last frame", columns_of(two_frames)),
        row("depth ramp, straight path", columns_of(trivial), trivial=True),
    )
    title = f"depth and cameras of {len(samples[0].views)} frames, {len(samples)} unseen worlds"
    note = "The document gives no numbers of its own yet; depth after one scale for all frames."
    return SystemTable(0, title, COLUMNS, DIGITS, rows, (note,))


def search_table(
    engine: Engine, samples: list[Sample], options: CompletionOptions, tell: Tell
) -> SystemTable:
    """Error against the number of samples, the best being chosen by reprojection alone."""
    counts = [n for n in (1, 2, 4, 8, 16, 32) if n <= options.samples]
    chosen: dict[int, list[GeometryScore]] = {n: [] for n in counts}
    config = ReconstructionConfig(sampling=JointSampling(options.steps))
    for sample in samples:
        found, quality = [], []
        for number in range(options.samples):
            drawn = dense(engine, sample, config, options.seed + 1000 * number)
            found.append(_scored(drawn, sample))
            quality.append(reprojection_score(drawn))
        for count in counts:
            chosen[count].append(found[int(np.argmax(quality[:count]))])
        tell()
    rows = tuple(
        row(f"best of {count}" if count > 1 else "first sample", columns_of(chosen[count]))
        for count in counts
    )
    panels = tuple(
        Panel(
            f"{column.rstrip(' ↓↑')} against samples",
            "samples",
            (Curve("chosen by reprojection", tuple(map(float, counts)), values),),
            logarithmic_x=True,
        )
        for column, values in zip(COLUMNS, zip(*(r.values for r in rows), strict=True), strict=True)
        if column.endswith("↓")
    )
    drop = mean([r.abs_rel for r in chosen[counts[0]]]) - mean(
        [r.abs_rel for r in chosen[counts[-1]]]
    )
    note = f"AbsRel falls by {drop:.4f} from the first sample to the best of {counts[-1]}."
    title = f"search by reprojection, {len(samples)} unseen worlds"
    return SystemTable(0, title, COLUMNS, DIGITS, rows, (note,), panels)
