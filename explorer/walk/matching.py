"""A smooth correction that makes one picture agree with another where both are known.

The model's picture may be a little darker than the memory's, or its depth a little nearer, and more
so in one corner or on one surface than elsewhere. The difference is therefore fitted on a bilateral
grid (Chen, Paris and Durand 2007), whose third axis is a guide such as brightness or depth: what
is learnt on a wall is carried on along the wall into a hole, and does not spill onto the table in
front of it. Cells without support take the value of coarser cells (pull and push).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

_LAST_BINS = 4


@dataclass(frozen=True)
class MatchingConfig:
    """Attributes:
    cells: cells along the longer side of the grid.
    bins: cells along the guide.
    rounds: how often outliers are found anew.
    outlier: a difference this far from the fit counts a quarter; much farther, nothing.
    support: pixels' worth of weight at which a cell counts as much as its coarser parent.
    limit: the correction never exceeds this.
    """

    cells: int = 16
    bins: int = 8
    rounds: int = 2
    outlier: float = 0.08
    support: float = 4.0
    limit: float = 0.3


def matched_field(
    difference: Tensor, weight: Tensor, guide: Tensor, config: MatchingConfig | None = None
) -> Tensor:
    """The smooth part of `difference`, carried on to where nothing is known.

    Args:
        difference: (H, W, C) wanted minus found; any finite value where `weight` is 0.
        weight: (H, W) in [0, 1], how well the difference is known.
        guide: (H, W) in [0, 1], known everywhere; pixels with like values share a correction.

    Returns:
        (H, W, C); all 0 where nothing at all is known.
    """
    config = config or MatchingConfig()
    H, W = weight.shape
    # Every second pixel is plenty to fit cells of 16 pixels.
    wanted = difference[::2, ::2].permute(2, 0, 1)
    weights, coarse_guide = weight[::2, ::2], guide[::2, ::2]
    if not bool((weights > 0).any()):
        return torch.zeros_like(difference)
    longer = max(H, W)
    rows, columns = (max(1, round(config.cells * n / longer)) for n in (H, W))
    middle = _weighted_median(wanted, weights)[:, None, None]
    fitted = middle.expand_as(wanted)
    grid = torch.zeros(1, device=wanted.device)
    for _ in range(config.rounds):
        size = (wanted - fitted).norm(dim=0)
        robust = weights / (1.0 + (size / config.outlier) ** 2) ** 2
        sums = _splat(wanted - middle, robust, coarse_guide, (config.bins, rows, columns))
        grid = _pull_push(sums, config.support)
        fitted = middle + _slice(grid, coarse_guide)
    field = middle + _slice(grid, guide)
    return field.clamp(-config.limit, config.limit).permute(1, 2, 0)


def _weighted_median(values: Tensor, weights: Tensor) -> Tensor:
    """Per channel, (C, h, w) and (h, w) to (C,)."""
    known = weights > 0
    ordered, order = values[:, known].sort(dim=1)
    cumulated = weights[known][order].cumsum(dim=1)
    middle = (cumulated >= cumulated[:, -1:] / 2).to(torch.int8).argmax(dim=1)
    return ordered.gather(1, middle[:, None])[:, 0]


def _centres(size: int, device: torch.device) -> Tensor:
    """Pixel centres divided by the picture's size, (size,)."""
    return (torch.arange(size, device=device) + 0.5) / size


def _tents(position: Tensor, cells: int) -> Tensor:
    """Linear interpolation weights (..., cells) of positions in [0, 1] to the cells' centres."""
    at = (position * cells - 0.5).clamp(0, cells - 1)
    return (1 - (at[..., None] - torch.arange(cells, device=at.device)).abs()).clamp_min(0)


def _splat(values: Tensor, weights: Tensor, guide: Tensor, cells: tuple[int, int, int]) -> Tensor:
    """Weighted sums (C, bins, rows, columns) and, as the last channel, the sum of weights."""
    h, w = weights.shape
    bins, rows, columns = cells
    by_row = _tents(_centres(h, guide.device), rows)  # (h, rows)
    by_column = _tents(_centres(w, guide.device), columns)  # (w, columns)
    by_bin = _tents(guide, bins) * weights[..., None]  # (h, w, bins)
    parts = torch.cat([values, values.new_ones(1, h, w)])[..., None] * by_bin  # (C + 1, h, w, bins)
    across = torch.einsum("chwb,ws->chsb", parts, by_column)
    return torch.einsum("chsb,hr->cbrs", across, by_row)


def _pull_push(sums: Tensor, support: float) -> Tensor:
    """Values (C, bins, rows, columns) from sums and weights; empty cells ask coarser ones.

    The coarsest fit is drawn towards 0, which stands for the median of the whole picture.
    """
    values, weights = sums[:-1], sums[-1:]
    if weights.numel() == 1:
        return values / (weights + support)
    bins, rows, columns = weights.shape[1:]
    # Surfaces are told apart by the guide down to the coarsest cells of the picture.
    merge_bins = bins > _LAST_BINS or rows == columns == 1
    kernel = [2 if n > 1 else 1 for n in (bins if merge_bins else 1, rows, columns)]
    coarser = F.avg_pool3d(sums[None], kernel, ceil_mode=True, count_include_pad=False)[0]
    parents = _pull_push(coarser * float(math.prod(kernel)), support)
    size = weights.shape[1:]
    above = F.interpolate(parents[None], size=size, mode="trilinear", align_corners=False)[0]
    return (values + support * above) / (weights + support)


def _slice(grid: Tensor, guide: Tensor) -> Tensor:
    """Reads the grid (C, bins, rows, columns) at each pixel of the guide (H, W), (C, H, W)."""
    H, W = guide.shape
    y = (_centres(H, guide.device) * 2 - 1)[:, None].expand(H, W)
    x = (_centres(W, guide.device) * 2 - 1)[None].expand(H, W)
    at = torch.stack([x, y, guide.clamp(0, 1) * 2 - 1], dim=-1)[None, None]
    read = F.grid_sample(
        grid[None], at, mode="bilinear", padding_mode="border", align_corners=False
    )
    return read[0, :, 0]
