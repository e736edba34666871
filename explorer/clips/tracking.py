"""Where an edited region of the first frame lies in later ones, and the edit carried there.

Dense optical flow (DIS, Kroeger et al. 2016) between neighbours is chained into one map from each
frame back to the first. A pixel's way is believed where flow there and back agree and the colours
at both ends match, in the frame's own exposure; where flow fails, a homography of the surface
under the region takes over. A region that was lost, because something passed in front of it or
frames are missing, is looked for by its keypoints (SIFT, Lowe 2004) until it is found again.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from explorer.clips.finding import Landmarks
from explorer.clips.frames import Rgb
from explorer.clips.regions import Mask, Tones, disc, filled, tones_between

Map = NDArray[np.float32]


@dataclass(frozen=True)
class TrackingConfig:
    """Attributes:
    round_trip: pixels by which flow there and back may miss.
    colour: largest colour difference (of 255) between both ends of a pixel's way.
    patch: pixels on each side of a pixel in which texture is compared.
    flat: patches whose brightness spreads less than this (of 255) have no texture.
    correlation: that patches at both ends must have.
    ring: pixels around the region in which its surface's homography is also sought.
    doubt: with less than this share of the region believed, its keypoints are asked as well.
    """

    round_trip: float = 1.5
    colour: float = 45.0
    patch: int = 4
    flat: float = 6.0
    correlation: float = 0.5
    ring: int = 6
    doubt: float = 0.9


@dataclass(frozen=True, eq=False)
class Tracked:
    """One later frame.

    Attributes:
        region: (H, W), where the edit lies.
        carried: (H, W, 3) uint8, the edit as it lies there.
        seen: (H, W), where `carried` holds something.
    """

    region: Mask
    carried: Rgb
    seen: Mask


@dataclass(frozen=True, eq=False)
class _Way:
    """How a frame came from the first one.

    Attributes:
        back: (H, W, 2), where each pixel lies in the first frame.
        believed: (H, W), where flow or the region's surface leads there, and the colours match.
        tones: from the first frame's exposure to this one's.
    """

    back: Map
    believed: Mask
    tones: Tones


def track_edit(
    frames: Sequence[Rgb], edited: Rgb, region: Mask, config: TrackingConfig | None = None
) -> Iterator[Tracked]:
    """For each frame after the first, where the region is and what is to be seen in it."""
    config = config or TrackingConfig()
    greys = [np.asarray(cv2.cvtColor(f, cv2.COLOR_RGB2GRAY), np.uint8) for f in frames]
    height, width = greys[0].shape
    back, sure = _identity(height, width), np.ones((height, width), bool)
    near = np.asarray(cv2.dilate(region.astype(np.uint8), disc(config.ring)) > 0)
    landmarks = Landmarks(frames[0], near)
    flow = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    for index in range(1, len(frames)):
        before = _flow(flow, greys[index], greys[index - 1])
        forth = _flow(flow, greys[index - 1], greys[index])
        step = _identity(height, width) + before
        sure = _agree(before, forth, step, config) & _sampled(sure, step)
        back = _remapped(back, step)
        ends = (frames[0], frames[index])
        way = _with_surface(back, sure, ends, near, config)
        if _share_seen(way, region) < config.doubt:
            way = _found_again(way, landmarks, ends, near, config)
        back, sure = way.back, way.believed
        yield _carried(way, edited, region)


def _share_seen(way: _Way, region: Mask) -> float:
    """How much of the region is believed, of what a whole one would have in this frame."""
    here = _sampled(region, way.back)
    return float((here & way.believed).sum() / max(1, int(region.sum())))


def _found_again(
    way: _Way,
    landmarks: Landmarks,
    ends: tuple[Rgb, Rgb],
    near: Mask,
    config: TrackingConfig,
) -> _Way:
    """The way over the region's keypoints, where more of it is believed then; else as it was."""
    H = landmarks.homography_from(ends[1])
    if H is None:
        return way
    surface = _mapped(H, near.shape)
    # Keypoints near the region say nothing about what lies elsewhere.
    sure = _sampled(near, surface)
    tones = tones_between(_picture_at(ends[0], surface), ends[1], sure)
    believed = sure & _alike(ends[1], ends[0], surface, tones, config)
    if believed.sum() <= (way.believed & _sampled(near, way.back)).sum():
        return way
    return _Way(surface, believed, tones)


def _identity(height: int, width: int) -> Map:
    x, y = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    return np.stack([x, y], -1)


def _flow(method: cv2.DISOpticalFlow, a: NDArray[np.uint8], b: NDArray[np.uint8]) -> Map:
    """(H, W, 2): where each pixel of `a` lies in `b`, minus where it is."""
    height, width = a.shape
    start = np.zeros((height, width, 2), np.float32)
    return np.asarray(method.calc(a, b, start), np.float32)


def _remapped(values: Map, way: Map) -> Map:
    return np.asarray(_looked_up(values, way), np.float32)


def _looked_up(picture: NDArray[Any], way: Map) -> NDArray[Any]:
    """A picture at the ends of a way; beyond its border its border goes on."""
    x, y = np.ascontiguousarray(way[..., 0]), np.ascontiguousarray(way[..., 1])
    return cv2.remap(picture, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


def _sampled(mask: Mask, way: Map) -> Mask:
    """`mask` at the ends of `way`; outside the picture it is False."""
    x, y = np.ascontiguousarray(way[..., 0]), np.ascontiguousarray(way[..., 1])
    found = cv2.remap(mask.astype(np.uint8), x, y, cv2.INTER_NEAREST, borderValue=0)
    return np.asarray(found > 0)


def _agree(back: Map, forth: Map, step: Map, config: TrackingConfig) -> Mask:
    """Where flow back, and forth again from there, ends where it began."""
    missed = np.linalg.norm(back + _remapped(forth, step), axis=-1)
    return np.asarray(missed <= config.round_trip)


def _with_surface(
    back: Map, sure: Mask, ends: tuple[Rgb, Rgb], near: Mask, config: TrackingConfig
) -> _Way:
    """The way with the surface's homography where flow is unsure.

    Pixels whose colours do not match are not followed on: they would go with what hides them.
    """
    first, frame = ends
    tones = tones_between(_picture_at(first, back), frame, sure)
    support = sure & _sampled(near, back) & _alike(frame, first, back, tones, config)
    surface = _homography(back, support)
    anywhere = sure
    if surface is not None:
        back = np.where(sure[..., None], back, surface)
        anywhere = sure | _sampled(near, surface)
    return _Way(back, anywhere & _alike(frame, first, back, tones, config), tones)


def _picture_at(first: Rgb, back: Map) -> Rgb:
    return np.asarray(_looked_up(first, back), np.uint8)


def _alike(frame: Rgb, first: Rgb, back: Map, tones: Tones, config: TrackingConfig) -> Mask:
    """Where colours and texture at both ends of the way match: nothing has come in between."""
    there = tones.apply(_picture_at(first, back))
    a, b = (cv2.GaussianBlur(p, (5, 5), 0).astype(np.float32) for p in (frame, there))
    same_colour = np.abs(a - b).max(-1) <= config.colour
    return np.asarray(same_colour & _same_texture(a.mean(-1), b.mean(-1), config))


def _same_texture(
    a: NDArray[np.float32], b: NDArray[np.float32], config: TrackingConfig
) -> NDArray[np.bool_]:
    """Where the patches around correlate, or the second has no texture to compare.

    Colours alone agree by chance: flow finds something similar in any picture.
    """

    def mean(values: NDArray[np.float32]) -> NDArray[np.float32]:
        side = 2 * config.patch + 1
        return np.asarray(cv2.blur(values, (side, side)), np.float32)

    a_mean, b_mean = mean(a), mean(b)
    a_spread = np.maximum(mean(a * a) - a_mean**2, 0.0)
    b_spread = np.maximum(mean(b * b) - b_mean**2, 0.0)
    together = mean(a * b) - a_mean * b_mean
    flat = b_spread < config.flat**2
    return np.asarray(flat | (together > config.correlation * np.sqrt(a_spread * b_spread + 1e-3)))


def _homography(way: Map, support: Mask) -> Map | None:
    """The map of a plane that most supported pixels follow; None where there are too few."""
    rows, columns = np.nonzero(support)
    if len(rows) < 40:
        return None
    chosen = slice(None, None, max(1, len(rows) // 2000))
    here = np.stack([columns, rows], -1)[chosen].astype(np.float32)
    there = way[rows, columns][chosen]
    H, inliers = cv2.findHomography(here, there, cv2.USAC_MAGSAC, 2.0)
    if H is None or inliers is None or inliers.mean() < 0.3:
        return None
    return _mapped(np.asarray(H, np.float64), support.shape)


def _mapped(H: NDArray[np.float64], shape: tuple[int, ...]) -> Map:
    """(H, W, 2): where a homography takes each pixel."""
    grid = _identity(shape[0], shape[1]).reshape(1, -1, 2)
    return np.asarray(cv2.perspectiveTransform(grid, H), np.float32).reshape(*shape, 2)


def _carried(way: _Way, edited: Rgb, region: Mask) -> Tracked:
    seen = _sampled(region, way.back) & way.believed
    # What is seen comes in one piece; scattered pixels agree by chance.
    whole = cv2.morphologyEx(seen.astype(np.uint8), cv2.MORPH_OPEN, disc(_thickness(region) // 3))
    here = cv2.morphologyEx(whole, cv2.MORPH_CLOSE, np.ones((5, 5), np.uint8)) > 0
    here = filled(np.asarray(here), most=0.02)
    carried = way.tones.apply(_picture_at(edited, way.back))
    return Tracked(here, carried, seen & here)


def _thickness(region: Mask) -> int:
    """Pixels from the innermost of a region to its rim, at most 9; thin edits must not vanish."""
    inner = cv2.distanceTransform(region.astype(np.uint8), cv2.DIST_L2, 3)
    return int(min(9.0, float(inner.max(initial=0.0))))
