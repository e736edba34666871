"""Holes of a picture filled softly from around.

Pull-push: Gortler et al., "The Lumigraph", 1996.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray


def filled(rgb: NDArray[np.uint8], weights: NDArray[np.float32]) -> NDArray[np.uint8]:
    """A picture (h, w, 3) that is smooth where it was not known.

    Args:
        weights: (h, w) in [0, 1], how much a pixel tells its surroundings; 0 where it is a hole.
            Pixels of weight are left about as they are.

    Where nothing is known at all, all is grey.
    """
    level = np.empty((*weights.shape, 4), np.float32)
    level[..., :3] = rgb
    level[..., 3] = 1.0
    level *= weights[..., None]
    levels = [level]
    while max(level.shape[:2]) > 1:
        h, w = (level.shape[0] + 1) // 2, (level.shape[1] + 1) // 2
        level = cv2.resize(level, (w, h), interpolation=cv2.INTER_AREA).reshape(h, w, 4)
        levels.append(level)
    if not level[0, 0, 3] > 0:
        return np.full_like(rgb, 127)
    out = level / level[..., 3:]
    for level in reversed(levels[:-1]):
        h, w = level.shape[:2]
        coarse = cv2.resize(out, (w, h), interpolation=cv2.INTER_LINEAR).reshape(h, w, 4)
        # Colours stay multiplied by their weights, so that what tells little tells little here.
        out = level + coarse * (1.0 - level[..., 3:])
    return np.clip(out[..., :3] / out[..., 3:] + 0.5, 0, 255).astype(np.uint8)
