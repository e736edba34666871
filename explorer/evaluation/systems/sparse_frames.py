"""Seed 001: points of all frames from ever fewer of them, and what post-optimisation adds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from engine.geometry.cameras import Camera
from engine.geometry.lenses import LensModel
from engine.geometry.pointmaps import camera_from_pointmap
from engine.geometry.post_optimisation import post_optimise
from engine.model.kinds import Kind
from engine.queries import Engine, finish
from engine.queries.answers import ask
from engine.queries.query import FloatArray, KnownView, Query
from engine.sampling.joint import JointSampling
from engine.sampling.keys import noise_of
from explorer.evaluation.curves import Curve, Panel
from explorer.evaluation.systems.geometry_scores import (
    COLUMNS,
    DIGITS,
    GeometryScore,
    columns_of,
    score,
)
from explorer.evaluation.systems.published import ONE4D
from explorer.evaluation.systems.samples import Sample
from explorer.evaluation.systems.tables import SystemTable, row

Tell = Callable[[], None]
Recovery = Callable[[Sequence[FloatArray]], tuple[list[FloatArray], list[Camera]]]


@dataclass(frozen=True)
class SparseOptions:
    """`steps` of each drawing, `seed` of its noise."""

    steps: int = 2
    seed: int = 0


def evenly_observed(frames: int, observed: int) -> tuple[int, ...]:
    """Which frames are seen: the first and last, and others evenly between (seed 001, §4.3)."""
    if not 1 <= observed <= frames:
        raise ValueError(f"{observed} of {frames} frames cannot be observed")
    if observed == 1:
        return (0,)
    return tuple(sorted({round(i * (frames - 1) / (observed - 1)) for i in range(observed)}))


def points_of(
    engine: Engine, pictures: Sequence[FloatArray | None], sampling: JointSampling, seed: int
) -> list[FloatArray]:
    """Points (H, W, 3) of every frame in the first one's frame; pictures that are None are drawn.

    The first picture must be there.
    """
    first = pictures[0]
    if first is None:
        raise ValueError("the first frame must be observed: its camera is the frame of all points")
    views = tuple(KnownView(rgb=picture) for picture in pictures)
    asked = [(Kind.RGB, slot) for slot, picture in enumerate(pictures) if picture is None]
    asked += [(Kind.XYZ, slot) for slot in range(len(pictures))]
    query = Query((int(first.shape[0]), int(first.shape[1])), views, tuple(asked))
    answers = finish(ask(engine, query, sampling, noise_of(seed, "points")(0)))
    return [answer.points for answer in answers if answer.points is not None]


def _by_pnp(points: Sequence[FloatArray]) -> tuple[list[FloatArray], list[Camera]]:
    """Each view for itself."""
    found = [camera_from_pointmap(p.astype(np.float64), LensModel.ZOOM) for p in points]
    return [f.depth.astype(np.float32) for f in found], [f.camera for f in found]


def _optimised(points: Sequence[FloatArray]) -> tuple[list[FloatArray], list[Camera]]:
    """All views together, with one lens and a smooth path."""
    found = post_optimise([p.astype(np.float64) for p in points])
    return [np.asarray(d, np.float32) for d in found.depths], list(found.cameras)


def sparsity_table(
    engine: Engine, samples: list[Sample], options: SparseOptions, tell: Tell
) -> SystemTable:
    """Depth and cameras after post-optimisation, against the number of frames that are seen."""
    frames = len(samples[0].views)
    counts = sorted({1, 2, max(2, frames // 2), frames})
    sampling = JointSampling(options.steps)
    scores: dict[str, list[GeometryScore]] = {}
    failures = 0
    for sample in samples:
        for count in counts:
            seen = evenly_observed(frames, count)
            pictures = [v.rgb if i in seen else None for i, v in enumerate(sample.views)]
            points = points_of(engine, pictures, sampling, options.seed + sample.seed)
            ways: dict[str, Recovery] = {f"{count} of {frames} frames": _optimised}
            if count == frames:
                ways[f"{count} of {frames} frames, without post-optimisation"] = _by_pnp
            for name, recover in ways.items():
                found = scores.setdefault(name, [])
                try:
                    depths, cameras = recover(points)
                except ValueError:  # no pinhole camera explains the points
                    failures += 1
                    continue
                found.append(score(depths, cameras, sample.views))
        tell()
    rows = tuple(row(name, columns_of(found)) for name, found in scores.items())
    curve = Curve(
        "after post-optimisation",
        tuple(map(float, counts)),
        tuple(r.values[0] for r in rows if "without" not in r.name),
    )
    title = f"points of {frames} frames from some, {len(samples)} unseen worlds"
    panel = Panel("AbsRel against frames seen", "frames seen", (curve,))
    notes = (f"{failures} runs left out: no camera explains their points.",) if failures else ()
    return SystemTable(1, title, COLUMNS, DIGITS, rows + ONE4D, notes, (panel,))
