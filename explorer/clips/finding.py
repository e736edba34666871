"""Finds a part of one picture in others by its keypoints."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

Grey = NDArray[np.uint8]

#: A match must be so much nearer than the second best (Lowe 2004).
_RATIO = 0.75
_LEAST_MATCHES = 10
#: Pixels by which a match may miss the homography.
_REACH = 2.5
#: Corners of a part that come out larger or smaller than by this factor are a mistake.
_LARGEST_ZOOM = 4.0


class Landmarks:
    """The keypoints (SIFT) of a part of a picture.

    Args:
        grey: (H, W) uint8.
        where: (H, W) bool, the part.
    """

    def __init__(self, grey: Grey, where: NDArray[np.bool_]) -> None:
        self._sift = cv2.SIFT.create(contrastThreshold=0.02)
        self._points, self._words = self._sift.detectAndCompute(grey, where.astype(np.uint8))
        rows, columns = np.nonzero(where)
        corners = [[0, 0]] * 4
        if len(rows):
            across, down = (columns.min(), columns.max()), (rows.min(), rows.max())
            corners = [[int(x), int(y)] for x in across for y in down]
        self._corners = np.array(corners, np.float32)

    def homography_from(self, grey: Grey) -> NDArray[np.float64] | None:
        """(3, 3), from pixels of another picture to the first; None where it is not in sight."""
        points, words = self._sift.detectAndCompute(grey, None)
        if self._words is None or words is None or len(words) < 2:
            return None
        pairs = cv2.BFMatcher(cv2.NORM_L2).knnMatch(self._words, words, k=2)
        good = [m for m, n in pairs if m.distance < _RATIO * n.distance]
        if len(good) < _LEAST_MATCHES:
            return None
        first = np.array([self._points[m.queryIdx].pt for m in good], np.float32)
        there = np.array([points[m.trainIdx].pt for m in good], np.float32)
        H, inliers = cv2.findHomography(first, there, cv2.USAC_MAGSAC, _REACH)
        if H is None or inliers is None or inliers.sum() < _LEAST_MATCHES:
            return None
        there_first = np.asarray(H, np.float64)
        back: NDArray[np.float64] = np.asarray(np.linalg.inv(there_first), np.float64)
        return back if self._plausible(there_first) else None

    def _plausible(self, H: NDArray[np.float64]) -> bool:
        """Not mirrored, folded, or blown up."""
        places = cv2.perspectiveTransform(self._corners[None], H)[0]
        order = [0, 1, 3, 2]
        before = cv2.contourArea(self._corners[order], oriented=True)
        after = cv2.contourArea(places[order].astype(np.float32), oriented=True)
        if before == 0:
            return False
        return bool(1 / _LARGEST_ZOOM**2 < after / before < _LARGEST_ZOOM**2)
