"""A view at the picture's size: what stored pictures show of it, and elsewhere the model's picture,
enlarged and joined.

The model's picture is small and soft. What of it is enlarged into a hole is taken from the hole
alone, so that nothing in front leaves a halo there; its tones are brought to what was looked up
around it.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.geometry.upsampling import (
    STEP,
    depth_steps,
    inverse_depth,
    nearest_kept,
    upsampled_inverse_depth,
)
from memory.pictures.looked_up import LookedUp

Plane = NDArray[np.float32]
Rgb = NDArray[np.uint8]

#: A small pixel is a hole's alone where at least so much of it is hole.
_PURE = 0.95
#: How far tones are carried from what was looked up into holes, small pixels; and how far they may
#: differ, of 1.
_REACH, _TONES = 6.0, 0.25


def joined_rgb(looked: LookedUp, small: Rgb) -> Rgb:
    """The picture of a new view.

    Args:
        looked: (H, W).
        small: (h, w, 3) the view at the model's size.

    Returns:
        (H, W, 3).
    """
    holes = ~looked.found
    if not holes.any():
        return _soft_rims(looked.rgb, looked.inverse)
    size = looked.rgb.shape[1::-1]
    share = cv2.resize(holes.astype(np.float32), small.shape[1::-1], interpolation=cv2.INTER_AREA)
    pure = share >= _PURE
    filling = nearest_kept(small, pure) if pure.any() else small
    tones = _tones(looked.rgb, small, share)
    enlarged = cv2.resize(filling, size, interpolation=cv2.INTER_CUBIC).astype(np.float32)
    shift = cv2.resize(tones, size, interpolation=cv2.INTER_LINEAR)
    enlarged = np.clip(np.round(enlarged + shift), 0, 255).astype(np.uint8)
    rgb = np.where(holes[..., None], enlarged, looked.rgb)
    return _soft_rims(rgb, np.where(holes, np.float32(-1.0), looked.inverse))


def joined_depth(looked: LookedUp, small: Plane, rgb: Rgb) -> Plane:
    """The depth of a new view, (H, W) z-depth in scene units, inf = sky.

    Args:
        looked: (H, W).
        small: (h, w) its depth at the model's size.
        rgb: (H, W, 3) its picture, whose edges the depth gets.
    """
    holes = ~looked.found
    inverse = looked.inverse
    if holes.any():
        told = inverse_depth(small)
        share = cv2.resize(holes.astype(np.float32), told.shape[::-1], interpolation=cv2.INTER_AREA)
        pure = share >= _PURE
        told = nearest_kept(told, pure) if pure.any() else told
        inverse = np.where(holes, upsampled_inverse_depth(told, rgb), inverse)
    with np.errstate(divide="ignore"):
        return (1.0 / inverse).astype(np.float32)


def _tones(large: Rgb, small: Rgb, share: Plane) -> Plane:
    """(h, w, 3): what is to be added in holes so that their tones are those of what was looked up
    around them; falls to 0 away from it."""
    weight = np.clip(1.0 - 2.0 * share, 0.0, 1.0)[..., None]
    shown = cv2.resize(large, small.shape[1::-1], interpolation=cv2.INTER_AREA).astype(np.float32)
    # Holes are black in `large`: a small pixel's mean is over what of it is none.
    shown /= np.maximum(1.0 - share, 0.5)[..., None]
    apart = np.clip(shown - small, -255.0 * _TONES, 255.0 * _TONES) * weight
    around = cv2.GaussianBlur(np.concatenate([apart, weight], -1), (0, 0), _REACH)
    return np.asarray(around[..., :3] / (around[..., 3:] + 0.05), np.float32)


def _soft_rims(rgb: Rgb, inverse: Plane) -> Rgb:
    """One pixel's width of mixture where one surface ends before another: what a lens would have
    mixed, and what keeps rims from staircases."""
    edge = depth_steps(np.ascontiguousarray(inverse), STEP)
    if not edge.any():
        return rgb
    soft = cv2.GaussianBlur(rgb, (3, 3), 0.6)
    return np.where(edge[..., None] > 0, soft, rgb)
