"""Many records to few numbers: means over views, medians, comparisons scene by scene."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from engine.geometry.depth_boundaries import BoundaryScore
from explorer.evaluation.picture_metrics import PartScore, PictureScore
from explorer.evaluation.results import (
    Comparison,
    DepthRecord,
    DepthScore,
    DepthSummary,
    KnownSummary,
    PictureSummary,
    PoseRecord,
    PoseSummary,
    ViewRecord,
)
from explorer.evaluation.scenes import Way
from explorer.evaluation.yardstick.sets import LooksOfMethod

#: What methods are compared by, and the measures of which less is better.
MEASURES = ("ssim", "psnr", "hole_psnr", "distance", "hole_distance")
SHARP_MEASURES = ("reduced_psnr", "known_psnr", "known_ssim", "known_distance")
LESS_IS_BETTER = ("distance", "hole_distance", "known_distance")

#: By (method, picture).
LooksOfAll = Mapping[tuple[str, str], LooksOfMethod]


def _mean(values: Iterable[float]) -> float:
    kept = [value for value in values if math.isfinite(value)]
    return float(np.mean(kept)) if kept else math.nan


def _median(values: Iterable[float]) -> float:
    kept = [value for value in values if math.isfinite(value)]
    return float(np.median(kept)) if kept else math.nan


def _holes(records: Sequence[ViewRecord]) -> list[PartScore]:
    return [record.score.holes for record in records if record.score.holes is not None]


def summarise_pictures(
    records: Sequence[ViewRecord], looks: LooksOfAll | None = None
) -> list[PictureSummary]:
    """One summary per (method, picture), in the order in which they first appear."""
    keys = dict.fromkeys((record.method, record.picture) for record in records)
    return [
        _with_looks(
            _summary(
                method, picture, [r for r in records if (r.method, r.picture) == (method, picture)]
            ),
            looks,
        )
        for method, picture in keys
    ]


def _with_looks(summary: PictureSummary, looks: LooksOfAll | None) -> PictureSummary:
    of_all = (looks or {}).get((summary.method, summary.picture))
    if of_all is None:
        return summary
    return replace(
        summary,
        kernel_distance=of_all.whole.distance(),
        hole_kernel_distance=of_all.holes.distance(),
    )


def _summary(method: str, picture: str, records: Sequence[ViewRecord]) -> PictureSummary:
    out = [r for r in records if r.way is Way.OUT]
    back = [r for r in records if r.way is Way.BACK]
    holes = _holes(records)
    return PictureSummary(
        method=method,
        picture=picture,
        scenes=len({r.scene for r in records}),
        views=len(records),
        psnr=_mean(r.score.psnr for r in records),
        psnr_out=_mean(r.score.psnr for r in out),
        psnr_back=_mean(r.score.psnr for r in back),
        ssim=_mean(r.score.ssim for r in records),
        ssim_out=_mean(r.score.ssim for r in out),
        ssim_back=_mean(r.score.ssim for r in back),
        hole_views=len(holes),
        hole_share=_mean(hole.share for hole in holes),
        hole_psnr=_mean(hole.psnr for hole in holes),
        hole_psnr_out=_mean(hole.psnr for hole in _holes(out)),
        hole_psnr_back=_mean(hole.psnr for hole in _holes(back)),
        hole_ssim=_mean(hole.ssim for hole in holes),
        hole_gradient=_gradient(holes),
        hole_gradient_median=_gradient_median(holes),
        distance=_mean(r.score.distance for r in records),
        distance_out=_mean(r.score.distance for r in out),
        distance_back=_mean(r.score.distance for r in back),
        hole_distance=_mean(hole.distance for hole in holes),
        hole_distance_out=_mean(hole.distance for hole in _holes(out)),
        hole_distance_back=_mean(hole.distance for hole in _holes(back)),
        reduced_psnr=_mean(r.score.reduced_psnr for r in records),
        known=_known([r.score.known for r in records if r.score.known is not None]),
    )


def _known(parts: Sequence[PartScore]) -> KnownSummary | None:
    if not parts:
        return None
    return KnownSummary(
        views=len(parts),
        share=_mean(part.share for part in parts),
        psnr=_mean(part.psnr for part in parts),
        ssim=_mean(part.ssim for part in parts),
        distance=_mean(part.distance for part in parts),
        gradient=_gradient(parts),
        gradient_median=_gradient_median(parts),
    )


def _gradient(parts: Sequence[PartScore]) -> float:
    true_energy = sum(part.true_gradient for part in parts)
    return sum(part.gradient for part in parts) / true_energy if true_energy else math.nan


def _gradient_median(parts: Sequence[PartScore]) -> float:
    return _median(p.gradient / p.true_gradient for p in parts if p.true_gradient > 0)


def summarise_poses(records: Sequence[PoseRecord]) -> list[PoseSummary]:
    """One summary per method."""
    summaries = []
    for method in dict.fromkeys(record.method for record in records):
        chosen = [record for record in records if record.method == method]
        rotations = [r.rotation_degrees for r in chosen if r.rotation_degrees is not None]
        translations = [r.translation for r in chosen if r.translation is not None]
        summaries.append(
            PoseSummary(
                method=method,
                views=len(chosen),
                failures=len(chosen) - len(rotations),
                rotation_degrees_median=_median(rotations),
                rotation_degrees_mean=_mean(rotations),
                translation_median=_median(translations),
                translation_mean=_mean(translations),
            )
        )
    return summaries


def summarise_depths(records: Sequence[DepthRecord]) -> list[DepthSummary]:
    """One summary per method for its photo, and one for the views of its walk."""
    summaries = []
    for method in dict.fromkeys(record.method for record in records):
        for which in ("photo", "walk"):
            chosen = [
                r for r in records if r.method == method and (r.index == 0) == (which == "photo")
            ]
            if chosen:
                summaries.append(
                    DepthSummary(
                        method,
                        which,
                        len(chosen),
                        _mean_depth([r.by_scale for r in chosen]),
                        _mean_depth([r.by_scale_shift for r in chosen]),
                        _mean_depth([r.by_walk_scale for r in chosen]),
                        _mean_boundaries([r.boundaries for r in chosen]),
                    )
                )
    return summaries


def _mean_depth(scores: Sequence[DepthScore]) -> DepthScore:
    return DepthScore(_mean(s.abs_rel for s in scores), _mean(s.delta1 for s in scores))


def _mean_boundaries(
    scores: Sequence[tuple[BoundaryScore, ...]],
) -> tuple[BoundaryScore, ...]:
    """Over the views that have some; each reach for itself."""
    return tuple(
        BoundaryScore(
            _mean(score.precision for score in reach),
            _mean(score.recall for score in reach),
            reach[0].reach,
        )
        for reach in zip(*(each for each in scores if each), strict=True)
    )


def compare(
    records: Sequence[ViewRecord],
    method: tuple[str, str],
    baseline: tuple[str, str],
    measures: Sequence[str] = MEASURES,
) -> list[Comparison]:
    """SSIM, PSNR and distance of (method, picture), whole or in parts, against a baseline, paired
    by scene."""
    comparisons = []
    for measure in measures:
        ours, theirs = _by_scene(records, method, measure), _by_scene(records, baseline, measure)
        gaps = np.array([ours[scene] - theirs[scene] for scene in ours if scene in theirs])
        if gaps.size == 0:
            continue
        error = float(gaps.std(ddof=1) / np.sqrt(gaps.size)) if gaps.size > 1 else math.nan
        comparisons.append(
            Comparison(
                method=f"{method[0]} ({method[1]})",
                baseline=baseline[0],
                measure=measure,
                difference=float(gaps.mean()),
                standard_error=error,
                wins=int(((gaps < 0) if measure in LESS_IS_BETTER else (gaps > 0)).sum()),
                scenes=int(gaps.size),
            )
        )
    return comparisons


def compare_with_baselines(records: Sequence[ViewRecord]) -> list[Comparison]:
    """Every method's pictures against every baseline."""
    keys = dict.fromkeys((record.method, record.picture) for record in records)
    return [
        comparison
        for key in keys
        if key[1] != "baseline"
        for baseline in keys
        if baseline[1] == "baseline"
        for comparison in compare(records, key, baseline)
    ]


def _by_scene(
    records: Sequence[ViewRecord], key: tuple[str, str], measure: str
) -> dict[str, float]:
    values: dict[str, list[float]] = {}
    for record in records:
        if (record.method, record.picture) != key:
            continue
        score: PictureScore | PartScore | None = record.score
        part, _, name = measure.rpartition("_")
        if part == "reduced":
            name = measure
        elif part:
            score = record.score.known if part == "known" else record.score.holes
        if score is not None and math.isfinite(value := getattr(score, name)):
            values.setdefault(record.scene, []).append(value)
    return {scene: float(np.mean(numbers)) for scene, numbers in values.items()}
