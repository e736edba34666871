"""A smooth sheet through what is known of a picture (after Farbman et al. 2009, "Coordinates for
instant image cloning", by pulling means to coarser pictures and pushing them back)."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

Plane = NDArray[np.float32]


def membrane(sums: Plane, weight: Plane) -> Plane:
    """
    Args:
        sums: (H, W, C) values times their weights.
        weight: (H, W) in [0, 1], how well they are known.

    Returns:
        (H, W, C): the values where their weight is 1, and where it is less as much of what the
        means around say; 0 where nothing is known at all.
    """
    height, width = weight.shape
    half = (-(-width // 2), -(-height // 2))
    if half == (width, height):
        return np.asarray(sums / np.maximum(weight, 1e-6)[..., None], np.float32)
    # A coarser pixel is known as soon as one of its four is.
    scale = np.minimum(4.0, 1.0 / np.maximum(_halved(weight, half), 1e-6))[..., None]
    coarser = membrane(_halved(sums, half) * scale, _halved(weight, half) * scale[..., 0])
    pushed = _resized(coarser, (width, height), cv2.INTER_LINEAR)
    return np.asarray(sums + (1.0 - weight)[..., None] * pushed, np.float32)


def _halved(picture: Plane, size: tuple[int, int]) -> Plane:
    return _resized(picture, size, cv2.INTER_AREA)


def _resized(picture: Plane, size: tuple[int, int], how: int) -> Plane:
    # OpenCV drops an axis of one channel.
    resized = cv2.resize(picture, size, interpolation=how)
    return np.asarray(resized, np.float32).reshape(*size[::-1], *picture.shape[2:])
