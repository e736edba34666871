"""Where a picture was edited: where two versions of it differ by more than their noise.

Programs that edit pictures also change what they do not mean to: JPEG blurs, tools that draw
anew shift tones and edges. So tones are matched first, a pixel may lie a little aside, and only
differences that stand out from those of the rest of the picture count.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from explorer.clips.frames import ClipError, Rgb

Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class RegionConfig:
    """Attributes:
    least_change: colour difference (of 255) above which a pixel counts as edited.
    noise: how many times the typical difference of the whole picture it must exceed as well.
    least_part: edited parts smaller than this share of the picture are specks, and so are those
        smaller than a twentieth of the largest one.
    margin: pixels that a region grows by, so that soft rims of the edit belong to it.
    """

    least_change: float = 14.0
    noise: float = 6.0
    least_part: float = 0.001
    margin: int = 2


@dataclass(frozen=True)
class Tones:
    """A change of exposure: colour · gain + offset per channel, both (3,), of 255."""

    gain: NDArray[np.float32]
    offset: NDArray[np.float32]

    @property
    def none(self) -> bool:
        """Whether it changes nothing that could be seen."""
        small = np.abs(self.gain - 1.0) * 128 + np.abs(self.offset + 128 * (self.gain - 1.0))
        return bool((small < 4.0).all())

    def apply(self, picture: Rgb) -> Rgb:
        """The picture (H, W, 3) in other tones."""
        if self.none:
            return picture
        changed = picture.astype(np.float32) * self.gain + self.offset
        return np.asarray(np.round(changed).clip(0, 255), np.uint8)


#: Fewer pixels tell nothing about tones.
_LEAST_PIXELS = 400
_STRONGEST_GAIN = 4.0
#: Two pictures that correlate less than this do not show the same.
_LEAST_CORRELATION = 0.5
_SAME = Tones(np.ones(3, np.float32), np.zeros(3, np.float32))


def tones_between(a: Rgb, b: Rgb, where: Mask) -> Tones:
    """What brings `a` to the tones of `b` over most of the pixels `where` (H, W) they agree.

    Starts from quartiles, which little moves that is in one of the pictures only, and fits again
    what agrees. No change where the pictures do not show the same.
    """
    if int(where.sum()) < _LEAST_PIXELS:
        return _SAME
    before, after = a[where].astype(np.float32), b[where].astype(np.float32)
    thinned = slice(None, None, max(1, len(before) // 8000))
    before, after = before[thinned], after[thinned]
    if _correlation(before.mean(1), after.mean(1)) < _LEAST_CORRELATION:
        return _SAME
    found = _by_quartiles(before, after)
    for reach in (24.0, 12.0, 8.0):
        missed = np.abs(before * found.gain + found.offset - after).max(1)
        clipped = (after <= 1).any(1) | (after >= 254).any(1)
        agree = (missed < max(reach, 1.5 * float(np.median(missed)))) & ~clipped
        if agree.sum() < _LEAST_PIXELS // 4:
            return _SAME
        found = _fitted(before[agree], after[agree])
    unchanged = np.median(np.abs(before - after))
    changed = np.median(np.abs(before * found.gain + found.offset - after))
    return found if changed < 0.8 * unchanged else _SAME


def _correlation(a: NDArray[np.float32], b: NDArray[np.float32]) -> float:
    if a.std() < 1.0 or b.std() < 1.0:
        return 0.0
    return float(np.corrcoef(a, b)[0, 1])


def _by_quartiles(before: NDArray[np.float32], after: NDArray[np.float32]) -> Tones:
    low_a, mid_a, high_a = np.percentile(before, (25, 50, 75), axis=0)
    low_b, mid_b, high_b = np.percentile(after, (25, 50, 75), axis=0)
    return _tones((high_b - low_b) / np.maximum(high_a - low_a, 1.0), mid_a, mid_b)


def _fitted(before: NDArray[np.float32], after: NDArray[np.float32]) -> Tones:
    """Least squares per channel."""
    mean_a, mean_b = before.mean(0), after.mean(0)
    spread = ((before - mean_a) ** 2).mean(0)
    shared = ((before - mean_a) * (after - mean_b)).mean(0)
    return _tones(np.where(spread < 4.0, 1.0, shared / np.maximum(spread, 1.0)), mean_a, mean_b)


def _tones(
    gain: NDArray[np.floating], before: NDArray[np.floating], after: NDArray[np.floating]
) -> Tones:
    """With a gain per channel, and one colour that becomes another."""
    gain = gain.clip(1 / _STRONGEST_GAIN, _STRONGEST_GAIN)
    return Tones(gain.astype(np.float32), (after - gain * before).astype(np.float32))


def edited_region(original: Rgb, edited: Rgb, config: RegionConfig | None = None) -> Mask:
    """(H, W), where two versions of one frame differ, without specks.

    Raises:
        ClipError: they differ in size, or nowhere.
    """
    config = config or RegionConfig()
    if original.shape != edited.shape:
        raise ClipError(
            f"the edited frame is {edited.shape[1]}x{edited.shape[0]} pixels and the video's "
            f"{original.shape[1]}x{original.shape[0]}; edit a frame of the same shape"
        )
    everywhere = np.ones(original.shape[:2], bool)
    difference = _difference(tones_between(original, edited, everywhere).apply(original), edited)
    threshold = max(config.least_change, config.noise * float(np.median(difference)))
    changed = (difference > threshold).astype(np.uint8)
    # Compression leaves scattered pixels, an edit leaves parts.
    majority = cv2.medianBlur(changed, 5)
    closed = cv2.morphologyEx(majority, cv2.MORPH_CLOSE, np.ones((5, 5), np.uint8))
    region = filled(_large_parts(np.asarray(closed, np.uint8), config.least_part))
    if not region.any():
        raise ClipError("the edited frame does not differ from the video's first frame")
    return np.asarray(cv2.dilate(region.astype(np.uint8), disc(config.margin)) > 0)


def _difference(a: Rgb, b: Rgb) -> NDArray[np.float32]:
    """How far the colours of `b` lie outside of those that `a` has within a pixel around."""
    soft_a, soft_b = (cv2.GaussianBlur(p, (3, 3), 0) for p in (a, b))
    around = np.ones((3, 3), np.uint8)
    above = soft_b.astype(np.float32) - cv2.dilate(soft_a, around)
    below = cv2.erode(soft_a, around).astype(np.float32) - soft_b
    return np.asarray(np.maximum(np.maximum(above, below), 0.0).max(-1), np.float32)


def _large_parts(changed: NDArray[np.uint8], least: float) -> Mask:
    count, labels, stats, _ = cv2.connectedComponentsWithStats(changed)
    areas = stats[:, cv2.CC_STAT_AREA]
    enough = max(least * changed.size, 0.05 * float(areas[1:].max(initial=0)))
    return np.isin(labels, [i for i in range(1, count) if areas[i] >= enough])


def filled(region: Mask, most: float = 0.25) -> Mask:
    """Without holes of less than a share of the region: an edit may keep a colour by chance."""
    count, labels, stats, _ = cv2.connectedComponentsWithStats((~region).astype(np.uint8))
    limit = most * max(1, int(region.sum()))
    height, width = region.shape
    small = []
    for i in range(1, count):
        x, y, w, h, area = stats[i]
        inside = x > 0 and y > 0 and x + w < width and y + h < height
        if area < limit and inside:
            small.append(i)
    return np.asarray(region | np.isin(labels, small))


def disc(radius: int) -> NDArray[np.uint8]:
    """A round structuring element."""
    size = 2 * radius + 1
    return np.asarray(cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size)), np.uint8)
