"""A new view's colours and depth out of stored pictures, each pixel sampled once, from one of them.

The photo is asked first, then the drawn views whose surfaces the memory sees there; so nothing is
resampled twice that the photo shows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.geometry.cameras import Camera
from engine.geometry.upsampling import STEP, depth_steps, nearest_kept
from memory.pictures.lookup import LookupConfig, Places, Ray, as_rows, find
from memory.pictures.source import Source

Plane = NDArray[np.float32]

PHOTO = 0
_AROUND = np.ones((3, 3), np.uint8)
#: What is this near to found pixels may be a crack.
_CRACK = np.ones((7, 7), np.uint8)


@dataclass(frozen=True)
class LookUpConfig:
    """Attributes:
    views: drawn views that are looked into, at most.
    least: share of the picture below which a drawn view is not worth it.
    quick: rounds of the iteration where the guess is good, which it nearly always is.
    lookup: the iteration where it is not.
    """

    views: int = 6
    least: float = 0.001
    quick: int = 3
    lookup: LookupConfig = field(default_factory=LookupConfig)


@dataclass(frozen=True, eq=False)
class Seen:
    """What the memory knows of the new view at the model's size.

    Attributes:
        inverse: (h, w) float32 inverse depth, 0 = sky, nan = unknown.
        view_ids: (h, w) int32, whose surface it is; −1 for none.
    """

    inverse: Plane
    view_ids: NDArray[np.int32]


@dataclass(frozen=True, eq=False)
class LookedUp:
    """Attributes:
    rgb: (H, W, 3) uint8, 0 where nothing was found.
    inverse: (H, W) float32 inverse depth, 0 = sky, nan where nothing was found.
    view_ids: (H, W) int32, whose picture it is; −1 where nothing was found.
    parallax: pixels by which things come apart, seen from the photo and from the new view, per
        inverse depth between them.
    """

    rgb: NDArray[np.uint8]
    inverse: Plane
    view_ids: NDArray[np.int32]
    parallax: float = 0.0

    @property
    def found(self) -> NDArray[np.bool_]:
        return self.view_ids >= 0


def look_up(
    source_of: Callable[[int], Source | None],
    camera: Camera,
    size: tuple[int, int],
    seen: Seen,
    config: LookUpConfig | None = None,
) -> LookedUp:
    """
    Args:
        source_of: a view by its id; None where its picture or its depth is missing.
        size: (width, height) of the new picture.
    """
    config = config or LookUpConfig()
    guesses = _Guesses.of(seen, size)
    found = _Finding(camera, size, guesses, config)
    photo = source_of(PHOTO)
    if photo is not None:
        found.everywhere(photo)
        found.cracks(photo)
    for view_id in _others(seen, config):
        source = source_of(view_id)
        if source is not None:
            found.where(source, guesses.around(seen.view_ids == view_id))
    return found.result()


def _others(seen: Seen, config: LookUpConfig) -> Iterator[int]:
    """Drawn views by how much of the picture is theirs."""
    ids, counts = np.unique(seen.view_ids, return_counts=True)
    order = [i for i in np.argsort(-counts, kind="stable") if ids[i] > PHOTO]
    for i in order[: config.views]:
        if counts[i] >= config.least * seen.view_ids.size:
            yield int(ids[i])


@dataclass(frozen=True, eq=False)
class _Guesses:
    """Inverse depth at the picture's size, from the model's.

    Attributes:
        likely, other: (H, W), the nearer of what is around first; equal but for edges and holes.
        least: (H, W), what is known to be there hides everything that is farther; 0 where nothing.
        drawn: (H, W), the same of drawn views alone.
    """

    likely: Plane
    other: Plane
    least: Plane
    drawn: Plane

    @staticmethod
    def of(seen: Seen, size: tuple[int, int]) -> _Guesses:
        known = np.isfinite(seen.inverse)
        if not known.any():
            nothing = np.zeros(size[::-1], np.float32)
            return _Guesses(nothing, nothing, nothing, nothing)
        filled = np.ascontiguousarray(nearest_kept(seen.inverse, known))
        steps = depth_steps(filled, STEP) | (~known).astype(np.uint8)
        edge = _enlarged(np.asarray(cv2.dilate(steps, _AROUND)), size, cv2.INTER_NEAREST) > 0
        smooth = _enlarged(filled, size)
        near = _enlarged(cv2.dilate(filled, _AROUND), size)
        far = _enlarged(cv2.erode(filled, _AROUND), size)
        least, drawn = (
            cv2.erode(np.where(those, filled, np.float32(0)), _AROUND)
            for those in (known, known & (seen.view_ids != PHOTO))
        )
        return _Guesses(
            np.where(edge, near, smooth),
            np.where(edge, far, smooth),
            _enlarged(np.asarray(least), size, cv2.INTER_NEAREST),
            _enlarged(np.asarray(drawn), size, cv2.INTER_NEAREST),
        )

    def around(self, mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """(h, w) with a pixel more to all sides, at the picture's size."""
        size = self.likely.shape[1], self.likely.shape[0]
        grown = cv2.dilate(mask.astype(np.uint8), _AROUND)
        return _enlarged(grown, size, cv2.INTER_NEAREST) > 0


def _enlarged(plane: NDArray[Any], size: tuple[int, int], how: int = cv2.INTER_LINEAR) -> Plane:
    return np.asarray(cv2.resize(plane, size, interpolation=how))


class _Finding:
    """Fills a new picture, source after source."""

    def __init__(
        self, camera: Camera, size: tuple[int, int], guesses: _Guesses, config: LookUpConfig
    ) -> None:
        self._camera, self._size = camera, size
        self._guesses, self._config = guesses, config
        width, height = size
        self._rgb = np.zeros((height, width, 3), np.uint8)
        self._inverse = np.full((height, width), np.nan, np.float32)
        self._ids = np.full((height, width), -1, np.int32)
        self._parallax = 0.0

    def everywhere(self, source: Source) -> None:
        """Looks for every pixel, in bands that fit a processor's own memory, side by side."""
        self._parallax = source.parallax(self._camera, self._size[0])
        ray = Ray(source, self._camera, self._size)
        picture = _Pyramid(source.seen_from(self._camera, self._size[0]))
        quick = LookupConfig(rounds=self._config.quick, exact=self._config.lookup.exact)
        width, height = self._size

        def band(top: int) -> None:
            rows = slice(top, min(top + _BAND, height))
            u, v = _pixels(rows, width)
            places = find(source, ray, (u, v), self._guesses.likely[rows], quick)
            # Its own surfaces hide each other by themselves.
            found = self._unhidden(places, self._guesses.drawn[rows])
            colours = picture.sampled(places, ray)
            np.copyto(self._rgb[rows], colours, where=found[..., None])
            np.copyto(self._inverse[rows], places.inverse, where=found)
            self._ids[rows][found] = source.view_id

        with ThreadPoolExecutor(max(1, cv2.getNumThreads())) as pool:
            list(pool.map(band, range(0, height, _BAND)))
        self.where(source, self._ids < 0)

    def where(self, source: Source, mask: NDArray[np.bool_]) -> None:
        """Looks for those pixels of a mask (H, W) that are not found yet."""
        for guess in (self._guesses.likely, self._guesses.other):
            at = np.flatnonzero(mask & (self._ids < 0))
            if not len(at):
                return
            self._some(source, at, guess)

    def cracks(self, source: Source) -> None:
        """Looks again beside what was found, from the depths that were found there."""
        found = self._ids == source.view_id
        if not found.any() or found.all():
            return
        beside = np.asarray(cv2.dilate(found.view(np.uint8), _CRACK)).view(np.bool_)
        for how, nothing in ((cv2.dilate, np.float32(-1)), (cv2.erode, np.float32(np.inf))):
            at = np.flatnonzero(beside & (self._ids < 0))
            if len(at):
                guess = how(np.where(found, self._inverse, nothing), _CRACK)
                self._some(source, at, np.asarray(guess))

    def _some(self, source: Source, at: NDArray[np.int64], guess: Plane) -> None:
        ray = Ray(source, self._camera, self._size)
        width = self._size[0]
        u, v, q, least = (
            as_rows(plane.astype(np.float32))
            for plane in (
                at % width,
                at // width,
                guess.reshape(-1)[at],
                self._guesses.least.reshape(-1)[at],
            )
        )
        places = find(source, ray, (u, v), q, self._config.lookup)
        kept = self._unhidden(places, least).reshape(-1)[: len(at)]
        colours = _Pyramid(source.seen_from(self._camera, width)).sampled(places, ray)
        to = at[kept]
        self._rgb.reshape(-1, 3)[to] = colours.reshape(-1, 3)[: len(at)][kept]
        self._inverse.reshape(-1)[to] = places.inverse.reshape(-1)[: len(at)][kept]
        self._ids.reshape(-1)[to] = source.view_id

    def _unhidden(self, places: Places, least: Plane) -> NDArray[np.bool_]:
        before = np.float32(1.0 - self._config.lookup.before)
        return places.found & (places.inverse >= least * before)

    def result(self) -> LookedUp:
        return LookedUp(self._rgb, self._inverse, self._ids, self._parallax)


class _Pyramid:
    """A picture and its halves, made as they are needed (Williams 1983)."""

    def __init__(self, rgb: NDArray[np.uint8]) -> None:
        self._levels = [rgb]

    def sampled(self, places: Places, ray: Ray) -> NDArray[np.uint8]:
        """Colours at places: bicubic where they are enlarged, from smaller pictures where they are
        reduced."""
        rgb = self._levels[0]
        x, y = (np.nan_to_num(p, nan=-9.0, posinf=-9.0, neginf=-9.0) for p in (places.x, places.y))
        sampled = cv2.remap(rgb, x, y, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
        with np.errstate(invalid="ignore", divide="ignore"):
            octave = np.log2(np.maximum(ray.ratio_at(places) / ray.enlargement, 1.0))
        octave[~places.found] = 0.0
        level = 0
        while (octave > level + _WORTH).any():
            level += 1
            picture = self._level(level)
            scale = np.float32(picture.shape[1] / rgb.shape[1])
            at_x, at_y = ((p + np.float32(0.5)) * scale - np.float32(0.5) for p in (x, y))
            smaller = cv2.remap(
                picture, at_x, at_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
            )
            share = np.clip(octave - (level - 1), 0.0, 1.0)[..., None]
            mixed = np.round(sampled + share * (smaller - sampled.astype(np.float32)))
            sampled = mixed.astype(np.uint8)
        return np.asarray(sampled, np.uint8)

    def _level(self, level: int) -> NDArray[np.uint8]:
        while len(self._levels) <= level:
            above = self._levels[-1]
            half = (-(-above.shape[1] // 2), -(-above.shape[0] // 2))
            smaller = cv2.resize(above, half, interpolation=cv2.INTER_AREA)
            self._levels.append(np.asarray(smaller, np.uint8))
        return self._levels[level]


def _pixels(rows: slice, width: int) -> tuple[Plane, Plane]:
    """u, v of some rows."""
    v, u = np.mgrid[rows, :width].astype(np.float32)
    return u, v


#: Rows of a band.
_BAND = 64
#: Octaves of reduction below which no smaller picture is asked.
_WORTH = 0.1
