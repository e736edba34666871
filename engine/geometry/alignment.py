"""Bringing one depth picture to the scale of another, robustly.

Two fits for two purposes. In a walk a drawn depth is brought to the scale of the known depth by
one factor (the model's depth is already relative to a known σ, so that only a factor can be off).
In evaluation a prediction of unknown scale and shift is fitted to the truth in inverse depth, as
the field does since MiDaS (Ranftl et al. 2020, eq. 4); here by iteratively reweighted least
squares, so that a few wrong pixels do not decide.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from engine.geometry.arrays import Picture, float64_array
from engine.geometry.cameras import Array
from engine.geometry.filters import log, precision

#: Below this share of the picture a walk trusts the model's own scale instead.
MINIMUM_COVERAGE = 0.15
#: Median absolute deviation of a normal distribution → its standard deviation.
_MAD_TO_SIGMA = 1.4826
#: Tukey's biweight and Huber's weight keep 95 % efficiency on normal noise with these.
_TUKEY, _HUBER = 4.685, 1.345


@dataclass(frozen=True)
class LogScale:
    """The factor between two depth pictures.

    Attributes:
        scale: depth · scale ≈ known depth; 1 where nothing is known.
        coverage: weighted share of the picture in which both are known, in [0, 1].
        spread: robust standard deviation of log(known / (depth · scale)); nan where nothing is
            known. 0.05 means that depths differ by about 5 % beyond the common factor.
    """

    scale: float
    coverage: float
    spread: float

    def trusted(self, minimum_coverage: float = MINIMUM_COVERAGE) -> float:
        """The factor to apply: `scale`, or 1 under the least coverage that can be trusted."""
        return self.scale if self.coverage >= minimum_coverage else 1.0


def align_log_scale(depth: Picture, known_depth: Picture, weights: Picture) -> LogScale:
    """One robust factor in log depth: a weighted median, refined by Tukey's biweight.

    Args:
        depth: (H, W), the picture to be scaled; sky (inf) and unknown (nan) are left out.
        known_depth: (H, W), in scene units; sky and unknown are left out.
        weights: (H, W) in [0, 1], e.g. coverage times confidence.

    Tensors, which must share a device, are not moved from it.

    Raises:
        ValueError: the three differ in shape.
    """
    d, k, w = (_precise(x) for x in (depth, known_depth, weights))
    if not d.shape == k.shape == w.shape:
        shapes = (tuple(x.shape) for x in (d, k, w))
        raise ValueError("depth {}, known depth {}, weights {} must agree".format(*shapes))
    used = torch.isfinite(d) & (d > 0) & torch.isfinite(k) & (k > 0) & torch.isfinite(w) & (w > 0)
    if not used.any():
        return LogScale(scale=1.0, coverage=0.0, spread=float("nan"))
    ratio, weight = log(k[used]) - log(d[used]), w[used].clamp(0.0, 1.0)
    centre = weighted_median(ratio, weight)
    spread = _MAD_TO_SIGMA * weighted_median((ratio - centre).abs(), weight)
    for _ in range(5):
        x = (ratio - centre) / (_TUKEY * max(spread, 1e-4))
        robust = weight * torch.where(x.abs() < 1, (1 - x**2) ** 2, 0.0)
        centre = float((robust * ratio).sum() / robust.sum())
    spread = _MAD_TO_SIGMA * weighted_median((ratio - centre).abs(), weight)
    return LogScale(math.exp(centre), float(weight.sum()) / d.numel(), spread)


def _precise(picture: Picture) -> Tensor:
    there = picture.detach() if isinstance(picture, Tensor) else torch.tensor(picture)
    return there.to(precision(there.device))


@dataclass(frozen=True)
class ScaleShift:
    """1/truth ≈ scale · (1/prediction) + shift; the scale is never negative."""

    scale: float
    shift: float

    def apply(self, prediction: Picture, farthest: float) -> NDArray[np.float64]:
        """Aligned depth, at most `farthest` (where the fit runs to infinity or beyond it)."""
        inverse = self.scale * _inverse(float64_array(prediction)) + self.shift
        return 1.0 / np.maximum(inverse, 1.0 / farthest)


def align_inverse_depth(
    prediction: Picture, truth: Picture, mask: Picture | None = None
) -> ScaleShift:
    """Robust scale and shift in inverse depth, over pixels where both are known.

    Sky in the prediction counts with inverse depth 0. A prediction that is constant, or that
    orders depth the wrong way round, gets scale 0: it is worth no more than a constant.

    Raises:
        ValueError: shapes differ, or fewer than two pixels are known in both.
    """
    p, t = float64_array(prediction), float64_array(truth)
    if p.shape != t.shape:
        raise ValueError(f"prediction {p.shape} and truth {t.shape} must have one shape")
    used = (p > 0) & _positive(t)  # nan compares false; inf is sky
    if mask is not None:
        used &= float64_array(mask) > 0
    if used.sum() < 2:
        raise ValueError("scale and shift need at least two pixels known in both depth pictures")
    x, y = _inverse(p[used]), 1.0 / t[used]
    constant = ScaleShift(scale=0.0, shift=float(np.median(y)))
    if x.std() < 1e-6 * x.mean():
        return constant
    weight = np.ones_like(x)
    for _ in range(20):
        scale, shift = _weighted_line(x, y, weight)
        residual = np.abs(y - scale * x - shift)
        bend = _HUBER * max(_MAD_TO_SIGMA * float(np.median(residual)), 1e-9 * float(y.mean()))
        weight = np.minimum(1.0, bend / np.maximum(residual, 1e-300))
    return ScaleShift(scale, shift) if scale > 0 else constant


def weighted_median(values: Tensor, weights: Tensor) -> float:
    """The value (N,) at which half of the weight (N,) lies on either side."""
    ordered, order = values.sort(stable=True)
    total = weights[order].cumsum(0)
    return float(ordered[torch.searchsorted(total, total[-1:] / 2)])


def _weighted_line(x: Array, y: Array, w: Array) -> tuple[float, float]:
    """Slope and offset of the least-squares line."""
    mean_x, mean_y = np.average(x, weights=w), np.average(y, weights=w)
    slope = (w * (x - mean_x) * (y - mean_y)).sum() / (w * (x - mean_x) ** 2).sum()
    return float(slope), float(mean_y - slope * mean_x)


def _positive(depth: NDArray[np.float64]) -> NDArray[np.bool_]:
    return np.isfinite(depth) & (depth > 0)


def _inverse(depth: NDArray[np.float64]) -> NDArray[np.float64]:
    """1/depth; 0 for sky, nan for unknown."""
    out = np.full(depth.shape, np.nan)
    np.divide(1.0, depth, out=out, where=depth > 0)
    return out
