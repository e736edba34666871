"""The depth of a drawn view: the memory's where it is certain, else the model's, brought to it.

If every view added the model's own guess of a wall that is already known, the cloud would grow
layer upon layer. So what is known keeps its depth, and the model only decides about holes, after
one robust scale for the whole picture and a smooth field that closes the steps at the holes' rims.
What opens up beside something near belongs to what is behind it: a depth half-way between the two
would hang there as a curtain.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
import torch
from torch import Tensor

from engine.geometry import filters
from engine.geometry.alignment import align_log_scale
from engine.geometry.filters import exp, log, percentiles, precision
from explorer.walk.composite import certainty
from explorer.walk.matching import MatchingConfig, matched_field
from memory.known import Known


@dataclass(frozen=True)
class DepthFusionConfig:
    """Attributes:
    least_coverage: share of certain pixels below which the model's own scale is kept.
    early: a pixel known since view n weighs 1 / (1 + n / early) in the scale: later views
        inherit the errors of earlier ones.
    agreement: relative difference up to which the two depths are blended where one hands over
        to the other; beyond it one of them is taken, so that nothing flies between surfaces.
    matching: the smooth field, in log depth.
    rim: something lies behind a rim where something within reach is this many times nearer.
    reach: pixels; also how far into a hole what lies behind its rim is carried on.
    """

    least_coverage: float = 0.15
    early: float = 8.0
    agreement: float = 0.05
    matching: MatchingConfig = field(
        default_factory=lambda: MatchingConfig(outlier=0.05, limit=0.4, support=8.0)
    )
    rim: float = 1.5
    reach: int = 12


@dataclass(frozen=True, eq=False)
class FusedDepth:
    """Attributes:
    depth: (H, W) float32, scene units; inf = sky; nan where the model gave none.
    scale: the factor that the model's depth was multiplied with; None under `least_coverage`.
    spread: robust relative difference left after that factor; nan where nothing was known.
    """

    depth: Tensor
    scale: float | None
    spread: float


def fused_with(depth: Tensor, known: Known | None) -> FusedDepth:
    """The model's depth (H, W), brought to what was known, joined with it, and moved out of the way
    of what the photo looks through; on the memory's device."""
    if known is None:
        return FusedDepth(depth, None, float("nan"))
    depth = depth.to(known.device, torch.float32)
    trust, depth_behind = certainty(known.coverage), None
    if known.free_space is not None:
        before, depth_behind = behind_rims(known.depth, trust)
        hidden = known.free_space.hides(before, depth_behind, known.camera)
        depth_behind = torch.where(hidden, depth_behind, 0.0)
    fused = fuse_depth(depth, known.depth, trust, known.view_ids, behind=depth_behind)
    if known.free_space is None:
        return fused
    return replace(fused, depth=known.free_space.left_by(fused.depth, known.camera))


def fuse_depth(
    drawn: Tensor,
    known: Tensor,
    trust: Tensor,
    view_ids: Tensor,
    config: DepthFusionConfig | None = None,
    behind: Tensor | None = None,
) -> FusedDepth:
    """Aligns the model's depth with the memory's and joins the two, on the device of both.

    Args:
        drawn: (H, W) the model's depth in scene units; inf = sky.
        known: (H, W) the memory's depth from the same camera; inf = sky, nan = unknown.
        trust: (H, W) in [0, 1], how certain the memory is (`composite.certainty`).
        view_ids: (H, W) the view that each known pixel stems from.
        behind: (H, W) the depth than which holes are no nearer, 0 where nothing tells it.
    """
    config = config or DepthFusionConfig()
    trust = torch.where(known.isnan(), 0.0, trust)
    both = known.isfinite() & drawn.isfinite() & (drawn > 0)
    early = 1.0 / (1.0 + view_ids.clamp_min(0).to(precision(drawn.device)) / config.early)
    fit = align_log_scale(drawn, known, trust * early)
    aligned = float(trust[both].sum()) / trust.numel() >= config.least_coverage
    scaled = drawn * fit.scale if aligned else drawn
    matched = _matched(scaled, known, torch.where(both, trust, 0.0), config) if aligned else scaled
    if behind is not None:
        matched = torch.where(trust < 0.5, torch.maximum(matched, behind), matched)
    depth = _joined(matched, known, trust, config.agreement)
    return FusedDepth(depth, fit.scale if aligned else None, fit.spread)


def _matched(drawn: Tensor, known: Tensor, weight: Tensor, config: DepthFusionConfig) -> Tensor:
    """`drawn` moved smoothly onto the known surfaces, also in the holes next to them."""
    log_drawn = _log(drawn)
    difference = torch.where(weight > 0, _log(known) - log_drawn, 0.0)
    guide = _guide(log_drawn, drawn)
    field_ = matched_field(difference[..., None], weight, guide, config.matching)
    return drawn * exp(field_[..., 0])


def behind_rims(
    known: Tensor, trust: Tensor, config: DepthFusionConfig | None = None
) -> tuple[Tensor, Tensor]:
    """(H, W) each, of holes beside rims: how deep the rim is, and the nearest of what lies behind
    it; 0 elsewhere.

    Arguments are those of `fuse_depth`.
    """
    config = config or DepthFusionConfig()
    sure = trust >= 0.5
    inverse = torch.where(sure, (1.0 / known).float(), 0.0)
    around = np.ones((2 * config.reach + 1,) * 2, np.uint8)
    nearest = filters.dilated(inverse, around)
    behind = sure & (inverse * config.rim < nearest)
    found, value = behind.float(), torch.where(behind, inverse, 0.0)
    for _ in range(config.reach):
        weight = filters.box_mean(found, 3)
        grown = ~sure & (found == 0) & (weight > 1e-3)
        if not grown.any():
            break
        value = torch.where(grown, filters.box_mean(value, 3) / weight.clamp_min(1e-3), value)
        found = torch.where(grown, 1.0, found)
    beside = (found > 0) & ~sure
    return torch.where(beside, 1.0 / nearest, 0.0), torch.where(beside, 1.0 / value, 0.0)


def _log(depth: Tensor) -> Tensor:
    """Natural logarithm; 0 where the depth is sky, unknown or not positive."""
    return log(torch.where(depth.isfinite() & (depth > 0), depth, 1.0))


def _guide(log_depth: Tensor, depth: Tensor) -> Tensor:
    """Log depth between its 2nd and 98th percentile as [0, 1]; sky is 1."""
    finite = depth.isfinite()
    low, high = percentiles(log_depth[finite], (2, 98)) if finite.any() else (0.0, 1.0)
    guide = (log_depth.to(precision(depth.device)) - low) / max(high - low, 1e-3)
    return torch.where(finite, guide.clamp(0.0, 1.0), 1.0).float()


def _joined(drawn: Tensor, known: Tensor, trust: Tensor, agreement: float) -> Tensor:
    finite = drawn.isfinite() & known.isfinite()
    step = torch.where(finite, _log(known) - _log(drawn), torch.inf)
    change = exp(trust * torch.where(finite, step, 0.0))
    blended = torch.where(finite, drawn, 1.0) * change
    chosen = torch.where(trust >= 0.5, known, drawn)
    return torch.where(step.abs() <= agreement, blended, chosen)
