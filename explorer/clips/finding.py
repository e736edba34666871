"""Finds a part of one picture in others by its keypoints."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.geometry.matching import find_features, nearest_descriptors
from explorer.clips.frames import Rgb

#: A match must be so much nearer than the second best (Lowe 2004).
_RATIO = 0.8
_LEAST_MATCHES = 10
#: Pixels by which a match may miss the homography.
_REACH = 2.5
#: A part whose area comes out larger or smaller than by this factor is a mistake.
_LARGEST_GROWTH = 16.0


class Landmarks:
    """The keypoints of a part of a picture.

    Args:
        rgb: (H, W, 3) uint8.
        where: (H, W) bool, the part.
    """

    def __init__(self, rgb: Rgb, where: NDArray[np.bool_]) -> None:
        features = find_features(rgb)
        height, width = where.shape
        columns, rows = np.floor(features.places).astype(int).T.clip(0, [[width - 1], [height - 1]])
        inside = where[rows, columns]
        self._places = features.places[inside]
        self._words = features.descriptors[inside]
        self._where = where

    def homography_from(self, rgb: Rgb) -> NDArray[np.float64] | None:
        """(3, 3), from pixels of another picture, integers at their centres, to the first one.

        None where the part is not in sight.
        """
        other = find_features(rgb)
        if min(len(self._places), len(other.places)) < _LEAST_MATCHES:
            return None
        nearest = nearest_descriptors(self._words, other.descriptors)
        good = nearest.ratio < _RATIO
        first = self._places[good] - 0.5
        there = other.places[nearest.index[good]] - 0.5
        if len(first) < _LEAST_MATCHES:
            return None
        H, inliers = cv2.findHomography(first, there, cv2.USAC_MAGSAC, _REACH)
        if H is None or inliers is None or inliers.sum() < _LEAST_MATCHES:
            return None
        there_from_first = np.asarray(H, np.float64)
        if not self._plausible(there_from_first):
            return None
        return np.asarray(np.linalg.inv(there_from_first))

    def _plausible(self, H: NDArray[np.float64]) -> bool:
        """Not mirrored, folded, or blown up."""
        rows, columns = np.nonzero(self._where)
        left, right, top, bottom = columns.min(), columns.max(), rows.min(), rows.max()
        corners = np.array(
            [[left, top], [right, top], [right, bottom], [left, bottom]], dtype=np.float32
        )
        places = np.asarray(cv2.perspectiveTransform(corners[None], H)[0], dtype=np.float32)
        before = cv2.contourArea(corners, oriented=True)
        after = cv2.contourArea(places, oriented=True)
        if before == 0:
            return False
        return bool(1 / _LARGEST_GROWTH < after / before < _LARGEST_GROWTH)
