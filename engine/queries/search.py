"""Scores a drawn scene by projecting it through its own geometry (seed 000, test-time search).

RGB, depth and cameras are drawn together, so a sample that is right explains its own pictures:
pixels of one view, lifted by its depth and seen from another view's camera, have the other
picture's colours. No truth is needed.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from engine.geometry.projection import project, unproject
from engine.queries.scenes import SceneView

#: A pixel is hidden in another view when it lies deeper there than its surface by this share.
OCCLUDED = 0.1
#: Fewer common pixels than this share say nothing; the score then falls with what is missing.
LEAST_COMMON = 0.05
#: Colour error that counts for pixels that leave the other view: worse than a good match,
#: better than a bad one, so that a sample cannot win by looking away.
OUTSIDE_ERROR = 0.25


def reprojection_score(views: Sequence[SceneView]) -> float:
    """How well views explain one another, higher is better, at most 0.

    The mean over all ordered pairs of views of minus the mean absolute colour difference.

    Raises:
        ValueError: fewer than two views.
    """
    if len(views) < 2:
        raise ValueError("a scene is scored by at least two views")
    pictures = [torch.from_numpy(v.rgb.astype(np.float32)) for v in views]
    depths = [torch.from_numpy(v.depth.astype(np.float32)) for v in views]
    errors = []
    for i, source in enumerate(views):
        points = unproject(depths[i], source.camera).reshape(-1, 3)
        colours = pictures[i].reshape(-1, 3)
        known = points.isfinite().all(-1)
        for j, target in enumerate(views):
            if i != j:
                error = _pair(points[known], colours[known], target, pictures[j], depths[j])
                errors.append(error)
    return -float(np.mean(errors))


def _pair(
    points: Tensor, colours: Tensor, target: SceneView, picture: Tensor, depth: Tensor
) -> float:
    """Mean colour error of points (N, 3) with colours (N, 3) in another view."""
    if len(points) == 0:
        return OUTSIDE_ERROR
    height, width = depth.shape
    projected = project(points, target.camera, height, width)
    uv = projected.uv / torch.tensor([width, height])
    inside = (projected.depth > 0) & (uv > 0).all(-1) & (uv < 1).all(-1)
    grid = (2 * uv - 1).view(1, 1, -1, 2)
    there = F.grid_sample(picture.permute(2, 0, 1)[None], grid, align_corners=False)
    surface = F.grid_sample(
        depth.nan_to_num(posinf=1e6)[None, None], grid, mode="nearest", align_corners=False
    )
    visible = inside & (projected.depth < surface.view(-1) * (1 + OCCLUDED))
    difference = (there.view(3, -1).T - colours).abs().mean(-1)
    if float(visible.float().mean()) < LEAST_COMMON:
        return OUTSIDE_ERROR
    outside = float((~inside).float().mean())
    seen = float(difference[visible].mean())
    return (1 - outside) * seen + outside * OUTSIDE_ERROR
