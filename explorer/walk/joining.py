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
from memory.pictures.looked_up import PHOTO, LookedUp
from memory.pictures.source import MIXED

Plane = NDArray[np.float32]
Rgb = NDArray[np.uint8]

#: A small pixel is a hole's alone where at least so much of it is hole.
_PURE = 0.95
#: Holes narrower than so many pixels of the model's are none of its.
_NARROW = 3.0
#: Width of the rim of a hole whose colours the hole gets, of the picture's width; and by how much
#: they may be changed for it, of 1.
_RIM, _TONES = 0.004, 0.5
#: What is at most this many times as near as the farthest around lies behind a rim.
_BEHIND = 1.15
#: A hole lies beside a rim where one side within reach is so many times nearer than the other, and
#: 1 + reach / 16 times more for a longer reach, since slopes differ by that too. Reaches are in
#: pixels of the model's.
_STEP, _REACHES = 1.25, (2, 4, 8, 16)
#: Inverse depth nearer than anything.
_NEAREST = np.float32(1e30)


def joined_rgb(looked: LookedUp, small: Rgb) -> Rgb:
    """The picture of a new view.

    Args:
        looked: (H, W).
        small: (h, w, 3) the view at the model's size.

    Returns:
        (H, W, 3).
    """
    looked = _without_slits(looked, small.shape[1])
    holes = ~looked.found
    if not holes.any():
        return _soft_rims(looked.rgb, looked.inverse)
    size = looked.rgb.shape[1::-1]
    share = cv2.resize(holes.astype(np.float32), small.shape[1::-1], interpolation=cv2.INTER_AREA)
    pure = share >= _PURE
    filling = nearest_kept(small, pure) if pure.any() else small
    enlarged = cv2.resize(filling, size, interpolation=cv2.INTER_CUBIC)
    ring = _ring(looked, small.shape[1])
    enlarged = _with_tones_of(looked.rgb, np.asarray(enlarged, np.uint8), ring)
    rgb = np.where(holes[..., None], enlarged, looked.rgb)
    return _soft_rims(rgb, np.where(holes, np.float32(-1.0), looked.inverse))


def joined_depth(looked: LookedUp, small: Plane, rgb: Rgb) -> Plane:
    """The depth of a new view, (H, W) z-depth in scene units, inf = sky.

    Args:
        looked: (H, W).
        small: (h, w) its depth at the model's size.
        rgb: (H, W, 3) its picture, whose edges the depth gets.
    """
    looked = _without_slits(looked, small.shape[1])
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


def _without_slits(looked: LookedUp, small_width: int) -> LookedUp:
    """What is behind a rim is carried on into holes that are too narrow for the model.

    Slivers of earlier drawn views beside them are as narrow, and are given up for it: kept, they
    would pile up view by view to a foam of strips.
    """
    step = looked.rgb.shape[1] / small_width
    disc = _disc(max(1, round(_NARROW * step / 2)))
    drawn = (looked.view_ids != PHOTO).astype(np.uint8)
    kept = cv2.morphologyEx(drawn, cv2.MORPH_OPEN, disc) > 0
    narrow = (drawn > 0) & ~kept
    holes = ~looked.found
    slits = narrow & (cv2.dilate((holes & narrow).astype(np.uint8), _disc(2 * len(disc))) > 0)
    if not slits.any() or slits.all():
        return looked
    without = LookedUp(looked.rgb, looked.inverse, np.where(slits, np.int32(-1), looked.view_ids))
    far = _behind(without, small_width, len(disc))
    mixed = _disc(max(2, round(MIXED * looked.rgb.shape[1])))
    inner = far & (cv2.dilate((~far).astype(np.uint8), mixed) == 0)
    far = inner if inner.any() else far
    if not far.any():
        return looked
    rgb, inverse, ids = looked.rgb.copy(), looked.inverse.copy(), looked.view_ids.copy()
    rgb[slits] = _spread(looked.rgb, far, step)[slits]
    inverse[slits] = nearest_kept(looked.inverse, far)[slits]
    ids[slits] = nearest_kept(looked.view_ids, far)[slits]
    return LookedUp(rgb, inverse, ids)


def _spread(rgb: Rgb, kept: NDArray[np.bool_], width: float) -> Rgb:
    """What is kept, and beyond it its nearest colours, without the streaks that these alone are."""
    nearest = nearest_kept(rgb, kept)
    return np.where(kept[..., None], rgb, cv2.GaussianBlur(nearest, (0, 0), max(0.6, 0.4 * width)))


def _disc(reach: int) -> Rgb:
    size = 2 * reach + 1
    return np.asarray(cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size)), np.uint8)


def _ring(looked: LookedUp, small_width: int) -> NDArray[np.bool_]:
    """(H, W): what was found around holes, but for what stands before them."""
    reach = max(3, round(looked.rgb.shape[1] * _RIM))
    around = np.ones((2 * reach + 1,) * 2, np.uint8)
    ring = cv2.dilate((~looked.found).astype(np.uint8), around) > 0
    return ring & _behind(looked, small_width, reach)


def _with_tones_of(shown: Rgb, enlarged: Rgb, ring: NDArray[np.bool_]) -> Rgb:
    """`enlarged` with the colours of what is shown in the ring around it, and the difference
    carried smoothly inwards (a membrane, Farbman et al. 2009, by pull and push)."""
    if not ring.any():
        return enlarged
    apart = np.where(ring[..., None], shown.astype(np.float32) - enlarged, np.float32(0))
    half = (-(-enlarged.shape[1] // 2), -(-enlarged.shape[0] // 2))
    weight = cv2.resize(ring.astype(np.float32), half, interpolation=cv2.INTER_AREA)
    values = cv2.resize(apart, half, interpolation=cv2.INTER_AREA)
    limit = 255.0 * _TONES
    shift = _membrane(values / np.maximum(weight, 1e-6)[..., None], weight).clip(-limit, limit)
    shift = cv2.resize(shift, enlarged.shape[1::-1], interpolation=cv2.INTER_LINEAR)
    return np.clip(np.round(enlarged + shift), 0, 255).astype(np.uint8)


def _membrane(values: Plane, weight: Plane) -> Plane:
    """(h, w, 3): the values where their weight is 1, elsewhere what coarser means say."""
    height, width = weight.shape
    if min(height, width) <= 2:
        mean = (values * weight[..., None]).sum((0, 1)) / max(float(weight.sum()), 1e-6)
        coarser = np.broadcast_to(mean, values.shape)
    else:
        half = (-(-width // 2), -(-height // 2))
        less = cv2.resize(weight, half, interpolation=cv2.INTER_AREA)
        sums = cv2.resize(values * weight[..., None], half, interpolation=cv2.INTER_AREA)
        found = _membrane(sums / np.maximum(less, 1e-6)[..., None], np.minimum(4.0 * less, 1.0))
        coarser = cv2.resize(found, (width, height), interpolation=cv2.INTER_LINEAR)
    return np.asarray(coarser + weight[..., None] * (values - coarser), np.float32)


def _behind(looked: LookedUp, small_width: int, reach: int) -> NDArray[np.bool_]:
    """(H, W): what was found, but for what stands before a hole within reach."""
    found = looked.found
    expected = _expected(looked, small_width)
    beside = cv2.erode(np.where(found, _NEAREST, expected), np.ones((2 * reach + 1,) * 2, np.uint8))
    return found & (looked.inverse <= _BEHIND * beside)


def _expected(looked: LookedUp, small_width: int) -> Plane:
    """(H, W) inverse depth of holes: that of the far side, where they lie between something near
    and something far; anything elsewhere."""
    found, (height, width) = looked.found, looked.inverse.shape
    step = max(1, round(width / small_width))
    size, block = (-(-width // step), -(-height // step)), np.ones((step, step), np.uint8)
    far, near = (
        cv2.resize(
            how(np.where(found, looked.inverse, nothing), block),
            size,
            interpolation=cv2.INTER_NEAREST,
        )
        for how, nothing in ((cv2.erode, _NEAREST), (cv2.dilate, -_NEAREST))
    )
    expected = np.full(far.shape, _NEAREST, np.float32)
    for reach in _REACHES:
        disc = _disc(reach)
        behind, before = cv2.erode(far, disc), cv2.dilate(near, disc)
        rim = (before > behind * _STEP * (1 + reach / 16)) & (expected == _NEAREST)
        expected = np.where(rim, behind, expected)
    return np.asarray(
        cv2.resize(expected, (width, height), interpolation=cv2.INTER_NEAREST), np.float32
    )


def _soft_rims(rgb: Rgb, inverse: Plane) -> Rgb:
    """One pixel's width of mixture where one surface ends before another: what a lens would have
    mixed, and what keeps rims from staircases."""
    edge = depth_steps(np.ascontiguousarray(inverse), STEP)
    if not edge.any():
        return rgb
    soft = cv2.GaussianBlur(rgb, (3, 3), 0.6)
    return np.where(edge[..., None] > 0, soft, rgb)
