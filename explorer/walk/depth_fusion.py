"""The depth of a drawn view: the memory's where it is certain, else the model's, brought to it.

If every view added the model's own guess of a wall that is already known, the cloud would grow
layer upon layer. So what is known keeps its depth, and the model only decides about holes, after
one robust scale for the whole picture and a smooth field that closes the steps at the holes' rims.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from engine.geometry.alignment import align_log_scale
from explorer.walk.composite import certainty
from explorer.walk.known import Known
from explorer.walk.matching import MatchingConfig, matched_field

Array = NDArray[np.float32]


@dataclass(frozen=True)
class DepthFusionConfig:
    """Attributes:
    least_coverage: share of certain pixels below which the model's own scale is kept.
    early: a pixel known since view n weighs 1 / (1 + n / early) in the scale: later views
        inherit the errors of earlier ones.
    agreement: relative difference up to which the two depths are blended where one hands over
        to the other; beyond it one of them is taken, so that nothing flies between surfaces.
    matching: the smooth field, in log depth.
    """

    least_coverage: float = 0.15
    early: float = 8.0
    agreement: float = 0.05
    matching: MatchingConfig = field(
        default_factory=lambda: MatchingConfig(outlier=0.05, limit=0.4, support=8.0)
    )


@dataclass(frozen=True, eq=False)
class FusedDepth:
    """Attributes:
    depth: (H, W) float32, scene units; inf = sky; nan where the model gave none.
    scale: the factor that the model's depth was multiplied with; None under `least_coverage`.
    spread: robust relative difference left after that factor; nan where nothing was known.
    """

    depth: Array
    scale: float | None
    spread: float


def fuse_depth(
    drawn: Array,
    known: Array,
    trust: Array,
    view_ids: NDArray[np.int32],
    config: DepthFusionConfig | None = None,
) -> FusedDepth:
    """Aligns the model's depth with the memory's and joins the two.

    Args:
        drawn: (H, W) the model's depth in scene units; inf = sky.
        known: (H, W) the memory's depth from the same camera; inf = sky, nan = unknown.
        trust: (H, W) in [0, 1], how certain the memory is (`composite.certainty`).
        view_ids: (H, W) the view that each known pixel stems from.
    """
    config = config or DepthFusionConfig()
    trust = np.where(np.isnan(known), 0.0, trust).astype(np.float32)
    both = np.isfinite(known) & np.isfinite(drawn) & (drawn > 0)
    early = 1.0 / (1.0 + np.maximum(view_ids, 0) / config.early)
    fit = align_log_scale(drawn, known, trust * early)
    aligned = float(trust[both].sum()) / trust.size >= config.least_coverage
    scaled = (drawn * fit.scale if aligned else drawn).astype(np.float32)
    matched = _matched(scaled, known, np.where(both, trust, 0.0), config) if aligned else scaled
    depth = _joined(matched, known, trust, config.agreement)
    return FusedDepth(depth, fit.scale if aligned else None, fit.spread)


def fuse_with_known(drawn: Array, known: Known | None) -> FusedDepth:
    """As `fuse_depth`, with what the memory knows of the view; None where it is not asked."""
    drawn = np.asarray(drawn, np.float32)
    if known is None:
        return FusedDepth(drawn, None, float("nan"))
    return fuse_depth(drawn, known.depth, certainty(known.coverage), known.view_ids)


def _matched(drawn: Array, known: Array, weight: Array, config: DepthFusionConfig) -> Array:
    """`drawn` moved smoothly onto the known surfaces, also in the holes next to them."""
    usable = weight > 0
    log_drawn = _log(drawn)
    difference = np.where(usable, _log(known) - log_drawn, 0.0).astype(np.float32)
    field_ = matched_field(
        difference[..., None], weight.astype(np.float32), _guide(log_drawn, drawn), config.matching
    )
    return (drawn * np.exp(field_[..., 0])).astype(np.float32)


def _log(depth: Array) -> Array:
    """Natural logarithm; 0 where the depth is sky, unknown or not positive."""
    usable = np.isfinite(depth) & (depth > 0)
    return np.log(np.where(usable, depth, 1.0)).astype(np.float32)


def _guide(log_depth: Array, depth: Array) -> Array:
    """Log depth between its 2nd and 98th percentile as [0, 1]; sky is 1."""
    finite = np.isfinite(depth)
    low, high = np.percentile(log_depth[finite], (2, 98)) if finite.any() else (0.0, 1.0)
    guide = (log_depth - low) / max(high - low, 1e-3)
    return np.where(finite, np.clip(guide, 0.0, 1.0), 1.0).astype(np.float32)


def _joined(drawn: Array, known: Array, trust: Array, agreement: float) -> Array:
    finite = np.isfinite(drawn) & np.isfinite(known)
    step = np.where(finite, _log(known) - _log(drawn), np.inf)
    blended = np.where(finite, drawn, 1.0) * np.exp(trust * np.where(finite, step, 0.0))
    chosen = np.where(trust >= 0.5, known, drawn)
    return np.where(np.abs(step) <= agreement, blended, chosen).astype(np.float32)
