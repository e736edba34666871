"""Depth and points as bounded pictures, so that one codec serves every modality.

σ, the scale, is the median known depth of the query's anchor view. The model sees only d/σ.
Sky is `inf`; unknown is `nan`; neither is ever a magic number.
"""

from __future__ import annotations

import torch
from torch import Tensor

#: Depths beyond this many σ read back as sky: there the codec's error exceeds the gap to −1.
SKY_RATIO = 80.0
#: A picture of depth shows sky below this.
SKY_LEVEL = 2.0 / (1.0 + SKY_RATIO) - 1.0


def median_depth(depth: Tensor) -> float:
    """σ of a view: the median of its finite, positive depths; 1 where none is known."""
    known = depth[torch.isfinite(depth) & (depth > 0)]
    return float(known.median()) if known.numel() else 1.0


def depth_to_picture(depth: Tensor, scale: float | Tensor) -> Tensor:
    """p = 2/(1 + d/σ) − 1 in [−1, 1]; sky (inf) becomes −1. Same shape; nan stays nan."""
    return 2.0 / (1.0 + depth / scale) - 1.0


def picture_to_depth(picture: Tensor, scale: float | Tensor) -> Tensor:
    """Inverse of `depth_to_picture`; beyond `SKY_RATIO` σ the answer is inf (sky)."""
    p = picture.clamp(-1.0, 1.0 - 1e-3)
    ratio = 2.0 / (p + 1.0) - 1.0
    return torch.where(ratio > SKY_RATIO, torch.full_like(ratio, torch.inf), ratio * scale)


def points_to_picture(points: Tensor, scale: float | Tensor) -> Tensor:
    """XYZ picture: x/(|x| + σ) per axis, in (−1, 1); ±inf becomes ±1."""
    ratio = points.abs() / scale
    bounded = torch.where(torch.isinf(ratio), torch.ones_like(ratio), ratio / (ratio + 1.0))
    return bounded * points.sign()


def picture_to_points(picture: Tensor, scale: float | Tensor) -> Tensor:
    """Inverse of `points_to_picture`."""
    p = picture.clamp(-1.0 + 1e-4, 1.0 - 1e-4)
    return p / (1.0 - p.abs()) * scale
