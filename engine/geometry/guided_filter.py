"""Edge-aware smoothing of one picture by another (He, Sun, Tang 2013, "Guided image filtering")."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float32]


def guided_filter(
    picture: FloatArray, guide: FloatArray, radius: int, tolerance: float
) -> FloatArray:
    """`picture` (H, W), locally a linear function of `guide` (H, W, 3) in [0, 1].

    Inside windows of (2 · radius + 1)² pixels where the guide's variance stays below `tolerance`
    the picture becomes smooth; across stronger edges of the guide it keeps its steps. Cost does
    not depend on the radius.
    """
    if picture.shape != guide.shape[:2] or guide.ndim != 3:
        raise ValueError(f"guide {guide.shape} does not fit picture {picture.shape}")
    side = (2 * radius + 1, 2 * radius + 1)

    def mean(values: NDArray[Any]) -> NDArray[np.float64]:
        return np.asarray(cv2.blur(values, side, borderType=cv2.BORDER_REFLECT), dtype=np.float64)

    target, colours = picture.astype(np.float64), guide.astype(np.float64)
    mean_target, mean_colours = mean(target), mean(colours)
    covariance = mean(colours * target[..., None]) - mean_colours * mean_target[..., None]
    products = mean((colours[..., :, None] * colours[..., None, :]).reshape(*target.shape, 9))
    spread = products.reshape(*target.shape, 3, 3)
    spread = spread - mean_colours[..., :, None] * mean_colours[..., None, :]
    slope = np.linalg.solve(spread + tolerance * np.eye(3), covariance[..., None])[..., 0]
    offset = mean_target - (slope * mean_colours).sum(-1)
    smooth = (mean(slope) * colours).sum(-1) + mean(offset)
    return np.ascontiguousarray(smooth, dtype=np.float32)
