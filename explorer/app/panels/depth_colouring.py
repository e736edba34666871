"""Depth as colours, in a chosen map and range."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

MAPS = {
    "Turbo": cv2.COLORMAP_TURBO,
    "Viridis": cv2.COLORMAP_VIRIDIS,
    "Magma": cv2.COLORMAP_MAGMA,
    "Grey": -1,
}
SKY, UNKNOWN = (226, 230, 236), (0, 0, 0)


@dataclass(frozen=True)
class DepthRange:
    """Scene units that the ends of the colour map stand for."""

    near: float
    far: float

    @staticmethod
    def of(depth: NDArray[np.float32]) -> DepthRange:
        """The range of a picture without its outliers."""
        finite = depth[np.isfinite(depth) & (depth > 0)]
        if not len(finite):
            return DepthRange(0.5, 5.0)
        near, far = np.percentile(finite, (1, 98))
        return DepthRange(float(near), float(max(far, near * 1.05)))


def coloured(
    depth: NDArray[np.float32], limits: DepthRange, name: str = "Turbo"
) -> NDArray[np.uint8]:
    """(H, W, 3) uint8, near is warm; by inverse depth, since that is what the eye sees."""
    with np.errstate(divide="ignore", invalid="ignore"):
        inverse = 1.0 / depth
    low, high = 1.0 / limits.far, 1.0 / limits.near
    share = np.nan_to_num(np.clip((inverse - low) / (high - low), 0.0, 1.0))
    levels = np.round(share * 255.0).astype(np.uint8)
    if MAPS[name] < 0:
        rgb = np.repeat(levels[..., None], 3, axis=2)
    else:
        rgb = cv2.applyColorMap(levels, MAPS[name])[..., ::-1].copy()
    rgb[np.isposinf(depth)] = SKY
    rgb[np.isnan(depth)] = UNKNOWN
    return np.asarray(rgb, np.uint8)
