"""Where a camera's rays land on several pictures, at a low size; and what fills the holes."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.geometry.cameras import Camera
from memory.pictures.carriable import Carriable, CarryConfig, land_on, sampled
from memory.pictures.first_guess import Guess
from memory.pictures.landing import Floats, Mask, Rays
from memory.pictures.softening import filled

#: Side of the square in which a rim's two sides are compared, in every other pixel of the low size.
_AROUND = 17


class LowSize:
    """Where the rays of the low size land; its grid begins a pixel before the picture, and ends
    one after it, so that it can be enlarged up to the borders.

    Attributes, (h, w) each, with that rim:
        which: the source plus one, 0 for none.
        u, v: pixels of that source's low size.
        inverse: inverse depth in the camera.
    """

    def __init__(
        self,
        sources: Sequence[Carriable],
        camera: Camera,
        size: tuple[int, int],
        config: CarryConfig,
    ) -> None:
        self.config, cell = config, config.cell
        self.size = (size[0] / cell, size[1] / cell)
        self.shape = h, w = -(-size[1] // cell) + 2, -(-size[0] // cell) + 2
        x = np.tile(np.arange(w, dtype=np.float32) - np.float32(0.5), h)
        y = np.repeat(np.arange(h, dtype=np.float32) - np.float32(0.5), w)
        self.x, self.y = x.reshape(h, w), y.reshape(h, w)
        which = np.zeros(h * w, np.uint8)
        u, v = x.copy(), y.copy()
        inverse = np.full(h * w, np.nan, np.float32)
        rest = np.arange(h * w)
        for number, source in enumerate(sources, 1):
            guess = source.splats.seen_from(camera, self.size, (w // 2 + 2, h // 2 + 2), 2.0)
            near, far, seen = self._spread(guess)
            near, far, seen = near[rest], far[rest], seen[rest]
            tried = rest[seen]
            rays = Rays(source.low, camera, self.size, x[tried], y[tried])
            landed = land_on(rays, near[seen], far[seen], config, overhang=1.0)
            at = tried[landed.sure]
            which[at] = number
            for mine, found in ((u, landed.u), (v, landed.v), (inverse, landed.inverse)):
                mine[at] = found[landed.sure]
            rest = rest[which[rest] == 0]
            if not len(rest):
                break
        self.which, self.inverse = which.reshape(h, w), inverse.reshape(h, w)
        # A ray that lands where those around it do not has met noise.
        around = cv2.boxFilter((self.which > 0).astype(np.float32), -1, (7, 7))
        self.which[around < np.float32(config.alone)] = 0
        self.inverse[self.which == 0] = np.nan
        self.u, self.v = u.reshape(h, w), v.reshape(h, w)

    def _spread(self, guess: Guess) -> tuple[Floats, Floats, Mask]:
        """A guess of cells two pixels wide, for each pixel."""
        h, w = self.shape
        column, row = (np.arange(w) + 1) // 2, (np.arange(h) + 1) // 2
        at = (row[:, None] * guess.near.shape[1] + column[None, :]).reshape(-1)
        return guess.near.take(at), guess.far.take(at), guess.seen.take(at)

    def depth(self) -> Floats:
        return self.inverse[1:-1, 1:-1]

    def rims(self) -> Mask:
        """(h, w) where enlarging would mix what does not belong together."""
        bent = np.zeros(self.shape, bool)
        for plane in (self.u, self.v):
            for across in (1, 0):
                bend = cv2.Sobel(plane, cv2.CV_32F, 2 * across, 2 * (1 - across), ksize=1)
                bent |= np.abs(bend) > np.float32(self.config.bend)
        around = np.ones((3, 3), np.uint8)
        bent[self.which == 0] = False
        bent |= cv2.dilate(self.which, around) != cv2.erode(self.which, around)
        return bent

    def guesses(self) -> tuple[Floats, Floats]:
        """The nearest and the farthest inverse depth of what is around, (h, w) each."""
        around, known = np.ones((3, 3), np.uint8), self.which > 0
        near = cv2.dilate(np.where(known, self.inverse, np.float32(-1.0)), around)
        far = cv2.erode(np.where(known, self.inverse, np.float32(np.inf)), around)
        return np.maximum(near, 0.0), np.where(np.isfinite(far), far, np.float32(0.0))

    def fill(self, sources: Sequence[Carriable]) -> NDArray[np.uint8]:
        """(h, w, 4) what continues the picture into its holes."""
        # It has no detail: every other pixel says enough.
        which, inverse, u, v = (a[::2, ::2] for a in (self.which, self.inverse, self.u, self.v))
        colours = np.zeros((*which.shape, 3), np.uint8)
        for number, source in enumerate(sources, 1):
            at = which == number
            colours[at] = sampled(source.low_rgb, u[at], v[at])
        known = which > 0
        weights = _farness(np.where(known, inverse, np.float32(np.inf)), known)
        small, (h, w) = cv2.cvtColor(filled(colours, weights), cv2.COLOR_RGB2RGBA), self.shape
        even = (2 * small.shape[1], 2 * small.shape[0])
        return np.asarray(cv2.resize(small, even, interpolation=cv2.INTER_LINEAR)[:h, :w])

    def trust(self) -> Floats | None:
        """(h, w) in [0, 1], how much of a picture is left near its border where another picture
        does not go on; None where that is 1 everywhere."""
        reach = self.config.feather
        inner = np.zeros(self.shape, np.uint8)
        inner[1:-1, 1:-1] = self.which[1:-1, 1:-1] == 0
        if not inner.any():
            return None
        side = np.ones((4 * reach + 1, 4 * reach + 1), np.uint8)
        beside = cv2.dilate(inner, side) > 0
        from_border = np.minimum(
            np.minimum(self.u, np.float32(self.size[0]) - self.u),
            np.minimum(self.v, np.float32(self.size[1]) - self.v),
        )
        trust = np.clip(from_border / np.float32(reach), 0.0, 1.0).astype(np.float32)
        trust[~beside | (self.which == 0)] = 1.0
        return trust if (trust < 1.0).any() else None


def _farness(inverse: Floats, known: Mask) -> Floats:
    """(h, w) in [0, 1], 0 where not known: the farther side of a rim tells what is behind it."""
    if not known.any():
        return np.zeros(known.shape, np.float32)
    farthest = cv2.erode(inverse, np.ones((_AROUND, _AROUND), np.uint8))
    # Beside the sky everything would be near.
    farthest = np.maximum(farthest, np.float32(np.median(inverse[known]) / 4))
    safe = np.where(known, np.maximum(inverse, np.float32(1e-9)), np.float32(1.0))
    share = np.minimum(farthest, safe) / safe
    # What is within half as far again may be one slanted surface.
    weights: Floats = np.where(known, np.minimum(1.5 * share, 1.0) ** 10, 0.0).astype(np.float32)
    # Beside a hole the picture was beside a rim, and is mixed with what hid the hole.
    weights *= np.where(cv2.erode(known.astype(np.uint8), np.ones((3, 3), np.uint8)), 1.0, 0.01)
    return weights
