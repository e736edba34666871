"""A view at the picture's size: what stored pictures show of it, and elsewhere the model's picture,
enlarged and joined.

The model's picture is small and soft. What of it is enlarged into a hole is taken from the hole
alone, so that nothing in front leaves a halo there; its tones are brought to what was looked up
around it.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.geometry.upsampling import (
    STEP,
    Nearest,
    depth_steps,
    enlarged_inverse_depth,
    inverse_depth,
)
from explorer.walk.membrane import membrane
from memory.pictures.looked_up import PHOTO, LookedUp
from memory.pictures.source import APART, MIXED

Plane = NDArray[np.float32]
Rgb = NDArray[np.uint8]
Mask = NDArray[np.bool_]

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


class Joining:
    """One new view.

    Args:
        looked: (H, W) what stored pictures show of it.
        small: (height, width) of the model's size.
    """

    def __init__(self, looked: LookedUp, small: tuple[int, int]) -> None:
        self._small = small
        self._looked = _without_slits(looked, small[1])
        self._holes = ~self._looked.found

    def rgb(self, small: Rgb) -> Rgb:
        """The picture (H, W, 3); `small` (h, w, 3) is the view at the model's size."""
        looked, holes = self._looked, self._holes
        if not holes.any():
            return _soft_rims(looked.rgb, looked)
        filling = small if self._pure is None else self._pure.filled(small)
        size = looked.rgb.shape[1::-1]
        enlarged = np.asarray(cv2.resize(filling, size, interpolation=cv2.INTER_CUBIC), np.uint8)
        rgb = _with_tones_of(looked.rgb, enlarged, _ring(looked, self._small[1]))
        np.copyto(rgb, looked.rgb, where=~holes[..., None])
        return _soft_rims(rgb, looked)

    def depth(self, small: Plane) -> Plane:
        """z-depth (H, W) in scene units, inf = sky; `small` (h, w) is that at the model's size."""
        inverse = self._looked.inverse
        if self._holes.any():
            told = inverse_depth(small)
            told = told if self._pure is None else self._pure.filled(told)
            enlarged = enlarged_inverse_depth(told, inverse.shape)
            np.copyto(enlarged, inverse, where=~self._holes)
            inverse = enlarged
        with np.errstate(divide="ignore"):
            return np.asarray(1.0 / inverse, np.float32)

    @cached_property
    def _pure(self) -> Nearest | None:
        """From small pixels that belong to holes alone to the others; None where there are none."""
        height, width = self._small
        holes = self._holes.view(np.uint8) * np.uint8(255)
        share = cv2.resize(holes, (width, height), interpolation=cv2.INTER_AREA)
        pure = share >= 255 * _PURE
        return Nearest(pure) if pure.any() else None


def _without_slits(looked: LookedUp, small_width: int) -> LookedUp:
    """What is behind a rim is carried on into holes that are too narrow for the model.

    Slivers of earlier drawn views beside them are as narrow, and are given up for it: kept, they
    would pile up view by view to a foam of strips.
    """
    holes = ~looked.found
    if not holes.any() or holes.all():
        return looked
    step = looked.rgb.shape[1] / small_width
    block = _square(max(1, round(_NARROW * step / 2)))
    drawn = (looked.view_ids != PHOTO).view(np.uint8)
    narrow = drawn & (1 - np.asarray(cv2.morphologyEx(drawn, cv2.MORPH_OPEN, block), np.uint8))
    beside = cv2.dilate(holes.view(np.uint8) & narrow, _square(len(block)))
    slits = (narrow & np.asarray(beside, np.uint8)).view(np.bool_)
    if not slits.any() or slits.all():
        return looked
    without = replace(looked, view_ids=np.where(slits, np.int32(-1), looked.view_ids))
    far = _behind(without, small_width, len(block))
    mixed = _square(max(2, round(MIXED * looked.rgb.shape[1])))
    inner = far & ~np.asarray(cv2.dilate((~far).view(np.uint8), mixed)).view(np.bool_)
    far = inner if inner.any() else far
    if not far.any():
        return looked
    nearest, window = Nearest(far), 2 * max(1, round(0.6 * step)) + 1
    rgb, inverse, ids = looked.rgb.copy(), looked.inverse.copy(), looked.view_ids.copy()
    # The nearest colours alone are streaks.
    rgb[slits] = cv2.blur(nearest.filled(looked.rgb), (window, window))[slits]
    inverse[slits] = nearest.filled(looked.inverse)[slits]
    ids[slits] = nearest.filled(looked.view_ids)[slits]
    return replace(looked, rgb=rgb, inverse=inverse, view_ids=ids)


def _square(reach: int) -> Rgb:
    return np.ones((2 * reach + 1, 2 * reach + 1), np.uint8)


def _ring(looked: LookedUp, small_width: int) -> Mask:
    """(H, W): what was found around holes, but for what stands before them."""
    reach = max(3, round(looked.rgb.shape[1] * _RIM))
    around = cv2.dilate((~looked.found).view(np.uint8), _square(reach))
    return np.asarray(around).view(np.bool_) & _behind(looked, small_width, reach)


def _with_tones_of(shown: Rgb, enlarged: Rgb, ring: Mask) -> Rgb:
    """`enlarged` with the colours of what is shown in the ring around it, and the difference
    carried smoothly inwards."""
    if not ring.any():
        return enlarged
    apart = cv2.subtract(shown, enlarged, mask=ring.view(np.uint8), dtype=cv2.CV_16S)
    size = (-(-enlarged.shape[1] // 4), -(-enlarged.shape[0] // 4))
    weight = cv2.resize(ring.view(np.uint8) * np.float32(1), size, interpolation=cv2.INTER_AREA)
    sums = cv2.resize(np.asarray(apart, np.float32), size, interpolation=cv2.INTER_AREA)
    limit = 255.0 * _TONES
    shift = membrane(np.asarray(sums), np.asarray(weight)).clip(-limit, limit)
    shift = cv2.resize(shift, enlarged.shape[1::-1], interpolation=cv2.INTER_LINEAR)
    return np.asarray(cv2.add(enlarged, shift, dtype=cv2.CV_8U), np.uint8)


def _behind(looked: LookedUp, small_width: int, reach: int) -> Mask:
    """(H, W): what was found, but for what stands before a hole within reach."""
    found = looked.found
    expected = _expected(looked, small_width)
    np.copyto(expected, _NEAREST, where=found)
    beside = np.asarray(cv2.erode(expected, _square(reach)), np.float32)
    return found & (looked.inverse <= np.float32(_BEHIND) * beside)


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
        behind, before = cv2.erode(far, _square(reach)), cv2.dilate(near, _square(reach))
        rim = (before > behind * _STEP * (1 + reach / 16)) & (expected == _NEAREST)
        expected = np.where(rim, behind, expected)
    # Beside what stands before a wide hole its far side is out of reach; the hole goes on to it.
    told = np.where(far == _NEAREST, expected, _NEAREST)
    around = cv2.erode(told, _square(_REACHES[-1]))
    expected = np.where(expected == _NEAREST, around, expected)
    large = cv2.resize(expected, (width, height), interpolation=cv2.INTER_NEAREST)
    return np.asarray(large, np.float32)


def _soft_rims(rgb: Rgb, looked: LookedUp) -> Rgb:
    """One pixel's width of mixture where one surface ends before another: what a lens would have
    mixed, and what keeps rims from staircases. Where the photo's own two sides have not come apart
    its own mixture is there already."""
    inverse = np.where(looked.found, looked.inverse, np.float32(0))
    edge = depth_steps(inverse, STEP)
    if edge.any():
        at = np.nonzero(edge)
        gap = cv2.dilate(inverse, _square(1))[at] - cv2.erode(inverse, _square(1))[at]
        photo = cv2.erode((looked.view_ids == PHOTO).view(np.uint8), _square(1))[at] > 0
        apart = ~photo | (gap * looked.parallax > APART[0])
        at = at[0][apart], at[1][apart]
        # A median first: single pixels of the other side belong to neither.
        rgb[at] = cv2.GaussianBlur(cv2.medianBlur(rgb, 3), (3, 3), 0.6)[at]
    return rgb
