"""Edge-aware smoothing of one picture by another (He, Sun, Tang 2013, "Guided image filtering")."""

from __future__ import annotations

import torch
from torch import Tensor

from engine.geometry.filters import box_mean, precision

#: Pixels and squared grey levels of the filter over depth pictures, chosen on unseen worlds.
GUIDE_RADIUS = 6
GUIDE_TOLERANCE = 0.01


def guided_filter(picture: Tensor, guide: Tensor, radius: int, tolerance: float) -> Tensor:
    """`picture` (H, W), locally a linear function of `guide` (H, W, 3) in [0, 1].

    Inside windows of (2 · radius + 1)² pixels where the guide's variance stays below `tolerance`
    the picture becomes smooth; across stronger edges of the guide it keeps its steps. Cost does
    not depend on the radius. Computed on the device of both.
    """
    if picture.shape != guide.shape[:2] or guide.ndim != 3:
        raise ValueError(f"guide {tuple(guide.shape)} does not fit picture {tuple(picture.shape)}")
    side, fine = 2 * radius + 1, precision(picture.device)
    target, colours = picture.to(fine), guide.to(fine)
    mean_target, mean_colours = box_mean(target, side), box_mean(colours, side)
    covariance = box_mean(colours * target[..., None], side) - mean_colours * mean_target[..., None]
    products = box_mean((colours[..., :, None] * colours[..., None, :]).flatten(2), side)
    spread = (
        products.view(*picture.shape, 3, 3)
        - mean_colours[..., :, None] * mean_colours[..., None, :]
    )
    spread = spread + tolerance * torch.eye(3, dtype=fine, device=picture.device)
    slope = torch.linalg.solve(spread, covariance)
    offset = mean_target - (slope * mean_colours).sum(-1)
    smooth = (box_mean(slope, side) * colours).sum(-1) + box_mean(offset, side)
    return smooth.float()
