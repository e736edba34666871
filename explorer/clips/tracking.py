"""Where an edited region of the first frame lies in later ones, and the edit carried there.

Dense optical flow (DIS, Kroeger et al. 2016) between neighbours is chained into one map from each
frame back to the first. A pixel's way is believed where flow there and back agree and the colours
at both ends match; where flow fails, a homography of the surface under the region takes over.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from explorer.clips.frames import ClipError, Rgb

Mask = NDArray[np.bool_]
Map = NDArray[np.float32]


@dataclass(frozen=True)
class TrackingConfig:
    """Attributes:
    least_change: colour difference (of 255) above which a pixel counts as edited.
    least_part: edited parts smaller than this share of the picture are specks.
    margin: pixels that a region grows by, so that soft rims of the edit belong to it.
    round_trip: pixels by which flow there and back may miss.
    colour: largest colour difference (of 255) between both ends of a pixel's way.
    ring: pixels around the region in which its surface's homography is also sought.
    """

    least_change: float = 14.0
    least_part: float = 0.001
    margin: int = 2
    round_trip: float = 1.5
    colour: float = 45.0
    ring: int = 6


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


def edited_region(original: Rgb, edited: Rgb, config: TrackingConfig | None = None) -> Mask:
    """(H, W), where two versions of one frame differ, without specks.

    Raises:
        ClipError: they differ in size, or nowhere.
    """
    config = config or TrackingConfig()
    if original.shape != edited.shape:
        raise ClipError(
            f"the edited frame is {edited.shape[1]}x{edited.shape[0]} pixels and the video's "
            f"{original.shape[1]}x{original.shape[0]}; edit a frame of the same shape"
        )
    a = cv2.GaussianBlur(original, (3, 3), 0).astype(np.float32)
    b = cv2.GaussianBlur(edited, (3, 3), 0).astype(np.float32)
    changed = (np.abs(a - b).max(-1) > config.least_change).astype(np.uint8)
    changed = cv2.morphologyEx(changed, cv2.MORPH_CLOSE, np.ones((5, 5), np.uint8))
    count, labels, stats, _ = cv2.connectedComponentsWithStats(changed)
    least = config.least_part * changed.size
    large = [i for i in range(1, count) if stats[i, cv2.CC_STAT_AREA] >= least]
    region = np.isin(labels, large)
    if not region.any():
        raise ClipError("the edited frame does not differ from the video's first frame")
    grown = _disc(config.margin)
    return np.asarray(cv2.dilate(_filled(region).astype(np.uint8), grown) > 0)


def track_edit(
    frames: Sequence[Rgb], edited: Rgb, region: Mask, config: TrackingConfig | None = None
) -> Iterator[Tracked]:
    """For each frame after the first, where the region is and what is to be seen in it."""
    config = config or TrackingConfig()
    greys = [np.asarray(cv2.cvtColor(f, cv2.COLOR_RGB2GRAY), np.uint8) for f in frames]
    height, width = greys[0].shape
    way = _identity(height, width)
    sure = np.ones((height, width), bool)
    flow = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    for index in range(1, len(frames)):
        back = _flow(flow, greys[index], greys[index - 1])
        forth = _flow(flow, greys[index - 1], greys[index])
        step = _identity(height, width) + back
        sure = _agree(back, forth, step, config) & _sampled(sure, step)
        way = _remapped(way, step)
        way, believed = _with_surface(way, sure, frames, index, region, config)
        yield _carried(way, believed, edited, region)


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
    way: Map, sure: Mask, frames: Sequence[Rgb], index: int, region: Mask, config: TrackingConfig
) -> tuple[Map, Mask]:
    """The way with the surface's homography where flow is unsure, and where it is believed."""
    frame, first = frames[index], frames[0]
    near = cv2.dilate(region.astype(np.uint8), _disc(config.ring)) > 0
    support = sure & _sampled(near, way) & _alike(frame, first, way, config)
    surface = _homography(way, support)
    if surface is not None:
        way = np.where(sure[..., None], way, surface)
        sure = sure | _sampled(region, surface)
    return way, sure & _alike(frame, first, way, config)


def _alike(frame: Rgb, first: Rgb, way: Map, config: TrackingConfig) -> Mask:
    """Where the colours at both ends of the way match: nothing has come in between."""
    there = _looked_up(first, way)
    difference = np.abs(
        cv2.GaussianBlur(frame, (5, 5), 0).astype(np.float32)
        - cv2.GaussianBlur(np.asarray(there, np.uint8), (5, 5), 0).astype(np.float32)
    )
    return np.asarray(difference.max(-1) <= config.colour)


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
    height, width = support.shape
    grid = _identity(height, width).reshape(1, -1, 2)
    return np.asarray(cv2.perspectiveTransform(grid, H), np.float32).reshape(height, width, 2)


def _carried(way: Map, believed: Mask, edited: Rgb, region: Mask) -> Tracked:
    seen = _sampled(region, way) & believed
    here = cv2.morphologyEx(seen.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((5, 5), np.uint8)) > 0
    here = _filled(np.asarray(here))
    carried = _looked_up(edited, way)
    return Tracked(here, np.asarray(carried, np.uint8), seen & here)


def _filled(region: Mask) -> Mask:
    """Without small holes: those of less than a fiftieth of the region."""
    count, labels, stats, _ = cv2.connectedComponentsWithStats((~region).astype(np.uint8))
    limit = 0.02 * max(1, int(region.sum()))
    small = [i for i in range(1, count) if stats[i, cv2.CC_STAT_AREA] < limit]
    return np.asarray(region | np.isin(labels, small))


def _disc(radius: int) -> NDArray[np.uint8]:
    size = 2 * radius + 1
    return np.asarray(cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size)), np.uint8)
