"""Errors of inverse depth whose scale and shift nobody asks for (Ranftl et al. 2020)."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

#: The worst pixels of a picture are left out: this share stays.
TRIMMED = 0.95
#: Gradients are compared at so many scales, each half as fine as the one before.
SCALES = 4
#: A step of more than this (in mean deviations) counts no further.
_STEP = 4.0
GRADIENT_WEIGHT, SKY_WEIGHT, LEVEL_WEIGHT = 0.5, 0.2, 0.3
#: Fewer known pixels of a picture teach nothing.
_FEWEST = 16
_SORTED = 4


@dataclass(frozen=True)
class DepthLoss:
    """Attributes:
    total: to be made small.
    shape: its trimmed part alone, in mean deviations of inverse depth.
    """

    total: Tensor
    shape: float


def depth_loss(inverse: Tensor, sky: Tensor, depth: Tensor) -> DepthLoss:
    """
    Args:
        inverse: (B, 1, h, w) drawn inverse depth, of any scale and shift.
        sky: (B, 1, h, w) logit of the sky.
        depth: (B, 1, H, W) true z-depth; inf = sky, nan = unknown.
    """
    true = F.interpolate(depth, inverse.shape[-2:], mode="nearest-exact")
    is_sky = true.isposinf()
    known = is_sky | (true > 0)  # nan is not
    target = torch.where(known & ~is_sky, 1 / true.clamp_min(1e-3), torch.zeros_like(true))
    difference = normalised(inverse, known) - normalised(target, known)
    shape = trimmed(difference.abs(), known)
    seen = F.binary_cross_entropy_with_logits(sky, is_sky.to(sky), reduction="none")
    in_sky = (seen * known).sum() / known.sum().clamp_min(1)
    unit = trimmed((in_medians(inverse, known) - in_medians(target, known)).abs(), known)
    total = shape + GRADIENT_WEIGHT * gradients(difference, known)
    total = total + SKY_WEIGHT * in_sky + LEVEL_WEIGHT * unit
    return DepthLoss(total, float(shape.detach()))


def normalised(values: Tensor, known: Tensor) -> Tensor:
    """Less the median, over the mean deviation from it, of each picture's known pixels."""
    alone = torch.where(known, values, torch.nan).flatten(1)
    median = alone.nanmedian(1).values.nan_to_num(0.0).view(-1, 1, 1, 1)
    away = torch.where(known, (values - median).abs(), torch.zeros_like(values))
    count = known.sum((1, 2, 3), keepdim=True).clamp_min(1)
    deviation = away.sum((1, 2, 3), keepdim=True) / count
    return (values - median) / deviation.clamp_min(1e-6)


def in_medians(values: Tensor, known: Tensor) -> Tensor:
    """In units of the median of each picture's known pixels: no shift is free, so that nothing at
    all has depth where the horizon lies. Values above 4 count less the farther they are."""
    median = torch.where(known & (values > 0), values, torch.nan).flatten(1).nanmedian(1).values
    scaled = values / median.nan_to_num(1.0).clamp_min(1e-4).view(-1, 1, 1, 1)
    return torch.where(scaled < 4, scaled, 4 * (1 + torch.log(scaled.clamp_min(4) / 4)))


def trimmed(errors: Tensor, known: Tensor) -> Tensor:
    """Mean of each picture's smaller errors, then of the pictures. Where the worst begin is told by
    every fourth pixel, since sorting all of them takes as long as a pass of the decoder."""
    some = torch.where(known, errors.detach(), torch.nan).flatten(1)[:, ::_SORTED]
    bound = some.nanquantile(TRIMMED, dim=1).view(-1, 1, 1, 1)
    kept = known & (errors <= bound)
    count = kept.sum((1, 2, 3))
    means = torch.where(kept, errors, torch.zeros_like(errors)).sum((1, 2, 3)) / count.clamp_min(1)
    enough = count >= _FEWEST
    return (means * enough).sum() / enough.sum().clamp_min(1)


def gradients(difference: Tensor, known: Tensor) -> Tensor:
    """Mean steps of the difference between neighbours, at several scales: edges are to be where
    they are, and flat things flat."""
    total = difference.sum() * 0.0
    for scale in range(SCALES):
        step = 2**scale
        part, there = difference[..., ::step, ::step], known[..., ::step, ::step]
        for axis in (-1, -2):
            if part.shape[axis] < 2:
                continue
            both = there.narrow(axis, 1, part.shape[axis] - 1)
            both = both & there.narrow(axis, 0, part.shape[axis] - 1)
            change = part.diff(dim=axis).abs().clamp_max(_STEP)
            total = total + torch.where(both, change, torch.zeros_like(change)).mean()
    return total
