"""Fills a new picture, source after source."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.geometry.cameras import Camera
from memory.pictures.guesses import Guesses
from memory.pictures.lookup import IterationConfig, Places, Ray, as_rows, find, surface_at
from memory.pictures.pyramid import Pyramid
from memory.pictures.records import PHOTO, LookedUp, LookUpConfig
from memory.pictures.source import Source

Plane = NDArray[np.float32]
Mask = NDArray[np.bool_]

#: Rows of a band.
_BAND = 64
#: Pixels of a part.
_PART = 16384
#: What is this near to found pixels may be a crack.
_CRACK = np.ones((7, 7), np.uint8)
#: A guess that lands farther outside of a source than this, of its width, is not tried again.
_OUTSIDE = 0.04
#: Two guesses that differ by less, relatively, are one.
_ALIKE = 0.02


class Finding:
    """
    Args:
        size: (width, height) of the new picture.
    """

    def __init__(
        self, camera: Camera, size: tuple[int, int], guesses: Guesses, config: LookUpConfig
    ) -> None:
        self._camera, self._size = camera, size
        self._guesses, self._config = guesses, config
        width, height = size
        self._rgb = np.zeros((height, width, 3), np.uint8)
        self._inverse = np.full((height, width), np.nan, np.float32)
        self._ids = np.full((height, width), -1, np.int32)
        self._parallax = 0.0

    def photo(self, source: Source) -> None:
        """Looks for every pixel, in bands that fit a processor's own memory, side by side; again
        and longer where it failed; and beside what was found, from the depths found there."""
        self._parallax = source.parallax(self._camera, self._size[0])
        into = _Into(source, self._camera, self._size)
        left = self._in_bands(into)
        self._again(into, np.flatnonzero(left))
        self._cracks(into)

    def left(self, mask: Mask) -> NDArray[np.int64]:
        """Pixels (N,) of a mask (H, W) that are not found yet, row by row."""
        return np.flatnonzero(mask & (self._ids < 0))

    def drawn(self, source: Source, at: NDArray[np.int64]) -> None:
        """Looks for some pixels (N,)."""
        self._again(_Into(source, self._camera, self._size), at)

    def result(self) -> LookedUp:
        return LookedUp(self._rgb, self._inverse, self._ids, self._parallax)

    def _in_bands(self, into: _Into) -> Mask:
        """Which pixels (H, W) are worth another try."""
        quick = IterationConfig(rounds=self._config.quick, exact=self._config.longer.exact)
        width, height = self._size
        left = np.zeros((height, width), np.bool_)

        def band(top: int) -> None:
            rows = slice(top, min(top + _BAND, height))
            v, u = np.mgrid[rows, :width].astype(np.float32)
            places = find(into.source, into.ray, (u, v), self._guesses.likely[rows], quick)
            # Its own surfaces hide each other by themselves.
            found = self._unhidden(into, (u, v), places, self._guesses.drawn[rows])
            colours = into.picture.sampled(places, into.ray)
            np.copyto(self._rgb[rows], colours, where=found[..., None])
            np.copyto(self._inverse[rows], places.inverse, where=found)
            self._ids[rows][found] = into.source.view_id
            left[rows] = ~found & into.near(places)

        with ThreadPoolExecutor(max(1, cv2.getNumThreads())) as pool:
            list(pool.map(band, range(0, height, _BAND)))
        return left

    def _again(self, into: _Into, at: NDArray[np.int64]) -> None:
        guesses = self._guesses
        at = at[~self._some(into, at, guesses.likely.reshape(-1)[at])]
        likely, other = guesses.likely.reshape(-1)[at], guesses.other.reshape(-1)[at]
        apart = np.abs(likely - other) > _ALIKE * likely
        self._some(into, at[apart], other[apart])

    def _cracks(self, into: _Into) -> None:
        found = self._ids == into.source.view_id
        if not found.any() or found.all():
            return
        beside = np.asarray(cv2.dilate(found.view(np.uint8), _CRACK)).view(np.bool_)
        at = np.flatnonzero(beside & ~found)
        for how, nothing in ((cv2.dilate, np.float32(-1)), (cv2.erode, np.float32(np.inf))):
            guess = np.asarray(how(np.where(found, self._inverse, nothing), _CRACK), np.float32)
            at = at[~self._some(into, at, guess.reshape(-1)[at])]

    def _some(self, into: _Into, at: NDArray[np.int64], guess: Plane) -> Mask:
        """Which of the pixels `at` (N,) were found with the guesses (N,), in parts side by side."""
        parts = [slice(i, i + _PART) for i in range(0, len(at), _PART)]
        if not parts:
            return np.zeros(0, np.bool_)
        with ThreadPoolExecutor(max(1, cv2.getNumThreads())) as pool:
            kept = pool.map(lambda part: self._part(into, at[part], guess[part]), parts)
            return np.concatenate(list(kept))

    def _part(self, into: _Into, at: NDArray[np.int64], guess: Plane) -> Mask:
        width = self._size[0]
        least = self._guesses.least.reshape(-1)[at]
        columns, rows = at % width, at // width
        u, v, q, hidden = (
            as_rows(values.astype(np.float32)) for values in (columns, rows, guess, least)
        )
        places = find(into.source, into.ray, (u, v), q, self._config.longer)
        kept = self._unhidden(into, (u, v), places, hidden).reshape(-1)[: len(at)]
        to = at[kept]
        colours = into.picture.sampled(places, into.ray).reshape(-1, 3)
        self._rgb.reshape(-1, 3)[to] = colours[: len(at)][kept]
        self._inverse.reshape(-1)[to] = places.inverse.reshape(-1)[: len(at)][kept]
        self._ids.reshape(-1)[to] = into.source.view_id
        return kept

    def _unhidden(
        self, into: _Into, pixels: tuple[Plane, Plane], places: Places, least: Plane
    ) -> Mask:
        """What was found, but for what stands behind something known; where the source looks
        through that, nothing can be there."""
        before, sound = np.float32(1.0 - self._config.longer.before), into.sound(places)
        behind = sound & (places.inverse < least * before)
        if not behind.any():
            return sound
        u, v, known = (as_rows(plane[behind]) for plane in (*pixels, least))
        through = surface_at(into.source, into.ray, (u, v), known) < known * before
        behind[behind] = ~through.reshape(-1)[: int(behind.sum())]
        return sound & ~behind


class _Into:
    """A source as the new view looks into it."""

    def __init__(self, source: Source, camera: Camera, size: tuple[int, int]) -> None:
        self.source = source
        self.ray = Ray(source, camera, size)
        self._sharp = source.view_id == PHOTO
        self.picture = Pyramid(source.seen_from(camera, size[0]) if self._sharp else source.rgb)

    def sound(self, places: Places) -> Mask:
        """Places whose colours are those of one surface. A drawn view's rims were mixed when it was
        joined, and what is lost of them is as easily drawn again; the photo's are cleaned."""
        if self._sharp:
            return places.found
        columns, rows = (
            np.rint(np.where(places.found, p, 0)).astype(np.int64) for p in (places.x, places.y)
        )
        W, H = self.source.size
        edge = self.source.surface[rows.clip(0, H - 1), columns.clip(0, W - 1), 1]
        return np.asarray(places.found & (edge == 0))

    def near(self, places: Places) -> Mask:
        """Places in the source, or not far outside of it."""
        (W, H), margin = self.source.size, self.source.size[0] * _OUTSIDE
        x, y = places.x, places.y
        return (x > -margin) & (x < W + margin) & (y > -margin) & (y < H + margin)
