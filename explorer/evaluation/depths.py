"""Drawn depth against true depth, after the alignments that the field uses."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from engine.geometry.alignment import ScaleShift, align_inverse_depth
from engine.geometry.depth_boundaries import boundary_score
from engine.geometry.metrics import depth_metrics
from explorer.evaluation.results import DepthRecord, DepthScore

Depth = NDArray[np.float32]

#: Fewer common pixels than this are not worth a comparison.
FEWEST_PIXELS = 64

#: Pixels that two numbers are surely fitted to; more only take longer.
_ENOUGH = 256 * 144

#: How far a drawn boundary may lie from the true one, pixels.
REACHES = (1, 2)


def median_ratio(depth: Depth, truth: Depth) -> float:
    """The factor that brings `depth` to the truth's scale: median of truth / depth.

    Raises:
        ValueError: if no pixel has a finite depth in both.
    """
    known = np.isfinite(depth) & np.isfinite(truth) & (depth > 0) & (truth > 0)
    if not known.any():
        raise ValueError(
            "the drawn depth and the true depth have no pixel in common to be scaled by"
        )
    return float(np.median(truth[known] / depth[known]))


def _line(depth: Depth, truth: Depth, mask: NDArray[np.bool_]) -> ScaleShift:
    """The scale and shift in inverse depth, of as many pixels as pictures of one size have."""
    step = max(1, round((depth.size / _ENOUGH) ** 0.5))
    some = (slice(None, None, step), slice(None, None, step))
    if mask[some].sum() < FEWEST_PIXELS:
        some = (slice(None), slice(None))
    return align_inverse_depth(depth[some], truth[some], mask[some])


def score_depth(
    scene: str, method: str, index: int, depth: Depth, truth: Depth, exact: bool
) -> DepthRecord | None:
    """Scores a drawn depth (H, W), in the truth's units as the walk believes them to be.

    Sky drawn where there is a surface counts as very far. Boundaries are judged where the truth
    is `exact`: rendered, not measured. Returns None where too little of the truth is known.
    """
    mask = np.isfinite(truth) & (truth > 0) & (depth > 0)
    if mask.sum() < FEWEST_PIXELS or not np.isfinite(depth[mask]).any():
        return None
    truth64 = truth.astype(np.float64)
    scaled = depth.astype(np.float64) * median_ratio(depth, truth)
    line = _line(depth, truth, mask)
    shifted = line.apply(depth, farthest=2.0 * float(truth[mask].max()))
    shifted = np.where(np.isnan(shifted), 1.0, shifted)

    def score(values: NDArray[np.float64]) -> DepthScore:
        metrics = depth_metrics(values, truth64, mask)
        return DepthScore(metrics.abs_rel, metrics.delta1)

    return DepthRecord(
        scene,
        method,
        index,
        score(scaled),
        score(shifted),
        score(depth.astype(np.float64)),
        tuple(boundary_score(depth, truth, reach) for reach in REACHES) if exact else (),
    )
