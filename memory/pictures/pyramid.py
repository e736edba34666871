"""A picture and its halves, made as they are needed (Williams 1983, "Pyramidal parametrics")."""

from __future__ import annotations

from threading import Lock

import cv2
import numpy as np
from numpy.typing import NDArray

from memory.pictures.lookup import Places, Ray

#: Octaves of reduction below which no smaller picture is asked.
_WORTH = 0.1


class Pyramid:
    """May be sampled by several threads.

    Args:
        rgb: (H, W, 3) uint8.
    """

    def __init__(self, rgb: NDArray[np.uint8]) -> None:
        self._levels = [rgb]
        self._adding = Lock()

    def sampled(self, places: Places, ray: Ray) -> NDArray[np.uint8]:
        """Colours at places: bicubic where they are enlarged, from smaller pictures where they are
        reduced."""
        rgb = self._levels[0]
        x, y = (np.nan_to_num(p, nan=-9.0, posinf=-9.0, neginf=-9.0) for p in (places.x, places.y))
        sampled = cv2.remap(rgb, x, y, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
        with np.errstate(invalid="ignore", divide="ignore"):
            reduced = ray.ratio_at(places) / ray.enlargement
        if not (reduced[places.found] > 2.0**_WORTH).any():
            return np.asarray(sampled, np.uint8)
        octave = np.log2(np.where(places.found, np.maximum(reduced, 1.0), 1.0))
        level = 0
        while (octave > level + _WORTH).any():
            level += 1
            picture = self._level(level)
            scale = np.float32(picture.shape[1] / rgb.shape[1])
            at_x, at_y = ((p + np.float32(0.5)) * scale - np.float32(0.5) for p in (x, y))
            smaller = cv2.remap(
                picture, at_x, at_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
            )
            share = np.clip(octave - (level - 1), 0.0, 1.0)[..., None]
            mixed = np.round(sampled + share * (smaller - sampled.astype(np.float32)))
            sampled = mixed.astype(np.uint8)
        return np.asarray(sampled, np.uint8)

    def _level(self, level: int) -> NDArray[np.uint8]:
        with self._adding:
            while len(self._levels) <= level:
                above = self._levels[-1]
                half = (-(-above.shape[1] // 2), -(-above.shape[0] // 2))
                smaller = cv2.resize(above, half, interpolation=cv2.INTER_AREA)
                self._levels.append(np.asarray(smaller, np.uint8))
            return self._levels[level]
