"""Depth of a small picture at the size of a large one, its edges being the large picture's.

Size is doubled again and again. Each time the two sides of a depth edge, the nearest and the
farthest value around, are carried on, and every pixel near it is given to the side whose colours it
has: the mean colours of both sides in a window, as the local colour models of matting have them
(Chuang et al. 2001), beside where the smaller picture had the edge. So nothing lies between two
surfaces (a joint upsampling, Kopf et al. 2007, that decides instead of averaging).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

Plane = NDArray[np.float32]
Array = TypeVar("Array", bound=NDArray[np.generic])

#: Relative change of slope in inverse depth that is an edge.
STEP = 0.05

#: Less weight than this of a side's pixels tells nothing of it.
_SOME = np.float32(0.02)
#: Of two values of one side of an edge one is at most this many times the other.
_SAME_SIDE = 1.25

_AROUND, _WIDER = np.ones((3, 3), np.uint8), np.ones((5, 5), np.uint8)


@dataclass(frozen=True)
class UpsamplingConfig:
    """Attributes:
    step: relative difference in inverse depth, beyond that of a slope, that is an edge.
    window: side of the window over which the colours of both sides are averaged, pixels, odd.
    noise: colours, in [0, 1], that differ by less tell little.
    habit: how much the edge's place in the smaller picture counts, in the same log odds.
    """

    step: float = STEP
    window: int = 9
    noise: float = 0.06
    habit: float = 2.0


def upsampled_inverse_depth(
    inverse: Plane, guide: NDArray[np.uint8], config: UpsamplingConfig | None = None
) -> Plane:
    """
    Args:
        inverse: (h, w) inverse depth, 0 = sky, all finite.
        guide: (H, W, 3) the picture of the same camera; the result has its size.

    Returns:
        (H, W).
    """
    config = config or UpsamplingConfig()
    inverse = np.ascontiguousarray(inverse, np.float32)
    for size in _sizes(inverse.shape, guide.shape[:2]):
        colours = cv2.resize(guide, size[::-1], interpolation=cv2.INTER_AREA)
        inverse = _doubled(inverse, np.asarray(colours), config)
    return inverse


def inverse_depth(depth: Plane) -> Plane:
    """1 / depth, sky 0; what is unknown (nan, or not positive) takes its nearest neighbour's."""
    with np.errstate(divide="ignore", invalid="ignore"):
        inverse = np.where(depth > 0, 1.0 / depth, np.nan).astype(np.float32)
    unknown = np.isnan(inverse)
    if unknown.all():
        raise ValueError("a depth picture in which nothing is known")
    return nearest_kept(inverse, ~unknown) if unknown.any() else inverse


def with_even_rims(inverse: Plane, reach: int = 2, step: float = STEP) -> Plane:
    """Inverse depth (h, w) whose rims are as deep as what they are the rims of.

    Where a network's soft edge was made a step, each row of the rim has a depth of its own, and
    seen from the side a rim like that is torn. Within `reach` pixels of an edge a pixel takes the
    value of the nearest one farther away from it, if that is of the same side.
    """
    band = cv2.dilate(depth_steps(inverse, step), np.ones((2 * reach + 1,) * 2, np.uint8)) > 0
    if not band.any() or band.all():
        return inverse
    inner = Nearest(~band).filled(inverse)
    return np.where(of_one_side(inner, inverse), inner, inverse)


def of_one_side(one: Plane, other: Plane) -> NDArray[np.bool_]:
    """Where two inverse depths are those of one side of an edge."""
    return np.maximum(one, other) <= _SAME_SIDE * np.minimum(one, other)


def enlarged_inverse_depth(inverse: Plane, size: tuple[int, int], step: float = STEP) -> Plane:
    """Inverse depth (h, w), all finite, at `size` (H, W), without a picture that tells where edges
    are: each pixel near one belongs to the side that it is nearer to."""
    to = size[::-1]
    smooth = cv2.resize(inverse, to, interpolation=cv2.INTER_LINEAR)
    edge = cv2.dilate(depth_steps(inverse, step), _AROUND)
    if edge.any():
        near, far = _sides(inverse, to)
        at = np.nonzero(cv2.resize(edge, to, interpolation=cv2.INTER_NEAREST))
        between, n, f = smooth[at], near[at], far[at]
        decided = np.where(2 * between > n + f, n, f)
        smooth[at] = np.where(n - f > step * n, decided, between)
    return np.asarray(smooth, np.float32)


class Nearest:
    """For each pixel outside a mask (H, W), which holds some, the nearest one inside."""

    def __init__(self, kept: NDArray[np.bool_]) -> None:
        outside = (~kept).view(np.uint8)
        _, labels = cv2.distanceTransformWithLabels(
            outside, cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
        )
        inside = np.flatnonzero(kept)
        where = np.zeros(len(inside) + 1, np.int64)
        where[labels.reshape(-1)[inside]] = inside
        self._outside = np.flatnonzero(outside)
        self._nearest = where[labels.reshape(-1)[self._outside]]

    def filled(self, values: Array) -> Array:
        """(H, W, …) with the value of the nearest pixel inside, outside."""
        found = values.copy()
        flat = found.reshape(found.shape[0] * found.shape[1], -1)
        flat[self._outside] = flat[self._nearest]
        return found


def nearest_kept(values: Array, kept: NDArray[np.bool_]) -> Array:
    """`Nearest` for one array."""
    return Nearest(kept).filled(values)


def depth_steps(inverse: Plane, step: float) -> NDArray[np.uint8]:
    """(H, W), 1 on both sides of an edge: where the slope changes by more than `step` times the
    nearest value around. A plane has none, however steep."""
    limit = np.asarray(cv2.dilate(inverse, _AROUND), np.float32) * np.float32(step)
    steps = np.zeros(inverse.shape, np.bool_)
    # The border has no neighbour that could bend its slope.
    for middle, before, after in (_ROWS, _COLUMNS):
        bend = inverse[before] + inverse[after]
        bend -= inverse[middle]
        bend -= inverse[middle]
        np.abs(bend, out=bend)
        steps[middle] |= bend > np.maximum(limit[middle], 0)
    return steps.view(np.uint8)


_ALL, _INNER, _FIRST, _LAST = slice(None), slice(1, -1), slice(None, -2), slice(2, None)
_ROWS = ((_INNER, _ALL), (_FIRST, _ALL), (_LAST, _ALL))
_COLUMNS = ((_ALL, _INNER), (_ALL, _FIRST), (_ALL, _LAST))


def _sizes(small: tuple[int, ...], large: tuple[int, ...]) -> list[tuple[int, int]]:
    """(rows, columns), each at most twice the one before; the last is `large`."""
    (h, w), (H, W) = small[:2], large[:2]
    times = int(np.ceil(np.log2(max(H / h, W / w, 1.0)) - 1e-6))
    return [(round(H / 2**k), round(W / 2**k)) for k in range(times - 1, 0, -1)] + [(H, W)]


def _doubled(inverse: Plane, colours: NDArray[np.uint8], config: UpsamplingConfig) -> Plane:
    size = colours.shape[1::-1]
    smooth = cv2.resize(inverse, size, interpolation=cv2.INTER_LINEAR)
    edge = cv2.dilate(depth_steps(inverse, config.step), _AROUND)
    if not edge.any():
        return np.asarray(smooth)
    near, far = _sides(inverse, size)
    edge = cv2.resize(edge, size, interpolation=cv2.INTER_NEAREST)
    at_edge = (edge > 0) & (near - far > config.step * near)
    window = np.ones((config.window,) * 2, np.uint8)
    front, back = cv2.dilate(smooth, window), cv2.erode(smooth, window)
    share = np.clip((smooth - back) / np.maximum(front - back, 1e-12), 0.0, 1.0)
    nearer = _nearer(share, colours, config)
    return np.where(at_edge, np.where(nearer, near, far), smooth)


def _sides(inverse: Plane, size: tuple[int, int]) -> tuple[Plane, Plane]:
    """Inverse depth of the near and of the far side of edges, at `size` (width, height): between
    pixels of one side alone, so that a slope goes on to its very rim. Where there is none of a side
    within two pixels, the nearest or the farthest around."""
    near, far = cv2.dilate(inverse, _WIDER), cv2.erode(inverse, _WIDER)
    both, is_near = near - far > STEP * near, 2 * inverse > near + far
    sides = []
    for side, own in ((near, both & is_near), (far, both & ~is_near)):
        weight = cv2.resize(own.astype(np.float32), size, interpolation=cv2.INTER_LINEAR)
        inside = cv2.resize(np.where(own, inverse, 0), size, interpolation=cv2.INTER_LINEAR)
        plain = cv2.resize(side, size, interpolation=cv2.INTER_NEAREST)
        sides.append(np.where(weight > _SOME, inside / np.maximum(weight, _SOME), plain))
    return sides[0], sides[1]


def _nearer(
    share: Plane, colours: NDArray[np.uint8], config: UpsamplingConfig
) -> NDArray[np.bool_]:
    """Which pixels belong to the near side, told by colour.

    Args:
        share: (H, W) in [0, 1], how far a pixel was on the near side at the smaller size.
    """
    picture = colours.astype(np.float32) / 255.0
    window = (config.window, config.window)

    def mean(values: NDArray[np.float32]) -> NDArray[np.float32]:
        return np.asarray(cv2.boxFilter(values, -1, window, borderType=cv2.BORDER_REPLICATE))

    weight = mean(share)
    all_colours, near_colours = mean(picture), mean(picture * share[..., None])
    to_near = picture - near_colours / np.maximum(weight, 1e-3)[..., None]
    to_far = picture - (all_colours - near_colours) / np.maximum(1 - weight, 1e-3)[..., None]
    odds = ((to_far**2).sum(-1) - (to_near**2).sum(-1)) / (2 * config.noise**2)
    decided = (odds + config.habit * (2 * share - 1) > 0).astype(np.uint8)
    return np.asarray(cv2.medianBlur(decided, 5) > 0)
