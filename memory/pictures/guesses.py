"""Where the points of a new view may be, at the picture's size, from what is known of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.geometry.upsampling import STEP, depth_steps, nearest_kept
from memory.pictures.records import PHOTO, Seen

Plane = NDArray[np.float32]

_AROUND = np.ones((3, 3), np.uint8)


@dataclass(frozen=True, eq=False)
class Guesses:
    """Inverse depth at the picture's size, from the model's.

    Attributes:
        likely, other: (H, W), the nearer of what is around first; equal but for edges and holes.
        least: (H, W), what is known to be there hides everything that is farther; 0 where nothing.
        drawn: (H, W), the same of drawn views alone.
    """

    likely: Plane
    other: Plane
    least: Plane
    drawn: Plane

    @staticmethod
    def of(seen: Seen, size: tuple[int, int]) -> Guesses:
        known = np.isfinite(seen.inverse)
        if not known.any():
            nothing = np.zeros(size[::-1], np.float32)
            return Guesses(nothing, nothing, nothing, nothing)
        filled = np.ascontiguousarray(nearest_kept(seen.inverse, known))
        steps = depth_steps(filled, STEP) | (~known).astype(np.uint8)
        edge = _enlarged(np.asarray(cv2.dilate(steps, _AROUND)), size, cv2.INTER_NEAREST) > 0
        smooth = _enlarged(filled, size)
        near = _enlarged(cv2.dilate(filled, _AROUND), size)
        far = _enlarged(cv2.erode(filled, _AROUND), size)
        least, drawn = (
            cv2.erode(np.where(those, filled, np.float32(0)), _AROUND)
            for those in (known, known & (seen.view_ids != PHOTO))
        )
        return Guesses(
            np.where(edge, near, smooth),
            np.where(edge, far, smooth),
            _enlarged(np.asarray(least), size, cv2.INTER_NEAREST),
            _enlarged(np.asarray(drawn), size, cv2.INTER_NEAREST),
        )

    def around(self, mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """(h, w) with a pixel more to all sides, at the picture's size."""
        size = self.likely.shape[1], self.likely.shape[0]
        grown = cv2.dilate(mask.astype(np.uint8), _AROUND)
        return _enlarged(grown, size, cv2.INTER_NEAREST) > 0


def _enlarged(plane: NDArray[Any], size: tuple[int, int], how: int = cv2.INTER_LINEAR) -> Plane:
    return np.asarray(cv2.resize(plane, size, interpolation=how))
