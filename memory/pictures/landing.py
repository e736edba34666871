"""Where a camera's rays land on the surface of a picture with depth (iterative image warping).

Bowles et al., "Iterative Image Warping", 2012: a guess of the depth along a ray names a pixel of
the picture; the surface there has a depth along the ray of its own, which is the next guess. Where
this settles and the surface's point is seen at the ray, the ray has landed. Everything is in
inverse depth, in which planes are linear in the picture and the sky is 0.

Pixel coordinates have centres at +0.5. All arrays are float32.
"""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.geometry.cameras import Camera

Floats = NDArray[np.float32]
Mask = NDArray[np.bool_]
#: Neighbours in inverse depth that differ by more than this share of the larger have an edge
#: between them: at the picture's own size, and at a low one, where a slope has farther to fall.
EDGE, LOW_EDGE = 0.06, 0.15
#: Denominators are kept from this on: what is nearer to a camera's plane has no pixel.
LEAST = np.float32(1e-6)


@dataclass(frozen=True, eq=False)
class Surface:
    """A picture's inverse depth as a surface: smooth between neighbours, torn at the edges.

    Attributes:
        camera: whose picture it is.
        size: (width, height) of the camera's picture in pixels of the surface; its last column
            and row may reach beyond.
        width, height: pixels.
        inverse: (height * width,) inverse depth.
        torn: (height * width,) whether there is an edge within the four pixels of which each is
            the upper left.
        centre: where in its pixel each inverse depth is, in [0, 1].
    """

    camera: Camera
    size: tuple[float, float]
    width: int
    height: int
    inverse: Floats
    torn: Mask
    centre: float = 0.5

    @staticmethod
    def of(inverse: Floats, camera: Camera) -> Surface:
        """Every pixel of (h, w) inverse depth, finite."""
        h, w = inverse.shape
        flat, torn = inverse.reshape(-1), _torn(inverse, EDGE).reshape(-1)
        return Surface(camera, (float(w), float(h)), w, h, flat, torn)

    @staticmethod
    def coarse(inverse: Floats, camera: Camera, cell: int) -> Surface:
        """The middles of cells of (h, w); between the two sides of a rim lies nothing, so nothing
        is averaged."""
        h, w = inverse.shape
        column, row = _middles(w, cell), _middles(h, cell)
        found = np.ascontiguousarray(inverse[np.ix_(row, column)])
        size, torn = (w / cell, h / cell), _torn(found, LOW_EDGE).reshape(-1)
        centre = (cell // 2 + 0.5) / cell
        return Surface(camera, size, len(column), len(row), found.reshape(-1), torn, centre)

    def at(self, u: Floats, v: Floats) -> Floats:
        """Inverse depth at pixels (N,); beyond the outermost ones it stays the same."""
        a, b = u - np.float32(self.centre), v - np.float32(self.centre)
        np.maximum(a, 0, out=a)
        np.maximum(b, 0, out=b)
        np.minimum(a, np.float32(self.width - 1.001), out=a)
        np.minimum(b, np.float32(self.height - 1.001), out=b)
        column, row = a.astype(np.int32), b.astype(np.int32)
        a -= column
        b -= row
        at = row * np.int32(self.width)
        at += column
        one, two = self.inverse.take(at), self.inverse.take(at + 1)
        here = _mixed(one, two, a)
        at += self.width
        here = _mixed(here, _mixed(self.inverse.take(at), self.inverse.take(at + 1), a), b)
        at -= self.width
        torn = np.flatnonzero(self.torn.take(at))
        if len(torn):
            nearest = at[torn] + (a[torn] > np.float32(0.5))
            nearest += (b[torn] > np.float32(0.5)) * np.int32(self.width)
            here[torn] = self.inverse[nearest]
        return here


def _mixed(one: Floats, two: Floats, share: Floats) -> Floats:
    two -= one
    two *= share
    two += one
    return two


def _torn(inverse: Floats, edge: float) -> Mask:
    """(h, w) bool: the four pixels of which each is the upper left differ by more than `edge`."""
    square, corner = np.ones((2, 2), np.uint8), (0, 0)
    high = cv2.dilate(inverse, square, anchor=corner)
    low = cv2.erode(inverse, square, anchor=corner)
    return np.asarray(high - low > np.float32(edge) * high)


def _middles(length: int, cell: int) -> NDArray[np.intp]:
    return np.minimum(np.arange(-(-length // cell)) * cell + cell // 2, length - 1)


@dataclass(frozen=True, eq=False)
class Motion:
    """From the pixels of one camera to those of another: q = M (u, v, 1) + m / depth; the pixel is
    (q0, q1) / q2, and q2 the ratio of the two depths."""

    M: Floats
    m: Floats

    @staticmethod
    def between(
        a: Camera, a_size: tuple[float, float], b: Camera, b_size: tuple[float, float]
    ) -> Motion:
        """From pixels of `a` to those of `b`; sizes are (width, height)."""
        T = b.T_camera_world @ a.T_world_camera
        K = _matrix(b, b_size)
        M = K @ T[:3, :3] @ np.linalg.inv(_matrix(a, a_size))
        return Motion(M.astype(np.float32), (K @ T[:3, 3]).astype(np.float32))


def _matrix(camera: Camera, size: tuple[float, float]) -> NDArray[np.float64]:
    return np.diag([size[0], size[1], 1.0]) @ camera.intrinsics.matrix(1, 1)


@dataclass(frozen=True, eq=False)
class Landed:
    """Attributes, (N,) each:
    u, v: pixels of the surface.
    inverse: inverse depth in the rays' camera.
    sure: the surface is seen there; else the others mean nothing.
    """

    u: Floats
    v: Floats
    inverse: Floats
    sure: Mask

    def or_farther(self, other: Landed, index: NDArray[np.intp]) -> Landed:
        """With what else was tried for the rays of `index`: the nearest that is sure wins."""
        wins = other.sure & (~self.sure[index] | (other.inverse > self.inverse[index]))
        at, sure = index[wins], self.sure.copy()
        sure[at] = True
        u, v, inverse = self.u.copy(), self.v.copy(), self.inverse.copy()
        for mine, found in ((u, other.u), (v, other.v), (inverse, other.inverse)):
            mine[at] = found[wins]
        return Landed(u, v, inverse, sure)


class Rays:
    """Some pixels of a camera, made ready to land on a surface.

    Args:
        surface: what they land on.
        camera, size: whose pixels they are, and the (width, height) of its picture.
        x, y: (N,) pixels of it.
    """

    def __init__(
        self, surface: Surface, camera: Camera, size: tuple[float, float], x: Floats, y: Floats
    ) -> None:
        self._surface = surface
        own = surface.camera, surface.size
        self._there = Motion.between(camera, size, *own)
        self._back = Motion.between(*own, camera, size)
        M = self._there.M
        self._x, self._y = x, y
        self._base = [M[i, 0] * x + (M[i, 1] * y + M[i, 2]) for i in range(3)]

    def of(self, index: NDArray[np.intp]) -> Rays:
        """Some of them."""
        some = copy(self)
        some._x, some._y = self._x[index], self._y[index]
        some._base = [base[index] for base in self._base]
        return some

    def land(self, guess: Floats, tolerance: float, overhang: float) -> Landed:
        """From guesses (N,) of the inverse depth along the rays.

        Over a plane each guess errs by the same factor times the one before, more than one where
        a surface is seen twice as large as before; so two of them tell where it ends (Aitken).

        Args:
            tolerance: pixels by which the surface's point may be seen beside the ray; more where
                it has come nearer.
            overhang: pixels by which the surface reaches beyond the picture.
        """
        first = self._look(guess)[-1]
        second = self._look(first)[-1]
        u, v, here, ratio, inverse = self._look(_limit(guess, first, second))
        safe = np.maximum(ratio, LEAST)
        beside = self._row(0, u, v, here)
        beside /= safe
        beside -= self._x
        below = self._row(1, u, v, here)
        below /= safe
        below -= self._y
        beside *= beside
        below *= below
        beside += below
        # What has come nearer is larger, and so are the gaps between its planes.
        larger = np.minimum(safe, np.float32(1.0))
        larger *= larger
        beside *= larger
        sure = beside < np.float32(tolerance * tolerance)
        sure &= ratio > LEAST
        (width, height), over = self._surface.size, np.float32(overhang)
        for at, length in ((u, width), (v, height)):
            sure &= (at >= -over) & (at <= np.float32(length) + over)
        return Landed(u, v, inverse, sure)

    def _look(self, inverse: Floats) -> tuple[Floats, Floats, Floats, Floats, Floats]:
        """The pixels of the surface at which such points are seen, the inverse depth there, its
        ratio to that along the ray, and that."""
        u, v = self._pixels(inverse)
        here = self._surface.at(u, v)
        ratio = self._row(2, u, v, here)
        along: Floats = (here / np.maximum(ratio, LEAST)).astype(np.float32, copy=False)
        return u, v, here, ratio, along

    def _pixels(self, inverse: Floats) -> tuple[Floats, Floats]:
        """Pixels of the surface where the rays' points of that inverse depth are seen."""
        m = self._there.m
        depth = inverse * m[2]
        depth += self._base[2]
        np.maximum(depth, LEAST, out=depth)
        found = []
        for i, length in enumerate(self._surface.size):
            at = inverse * m[i]
            at += self._base[i]
            at /= depth
            # Far enough outside to be known as such, and near enough to be a whole number.
            np.maximum(at, np.float32(-9.0), out=at)
            np.minimum(at, np.float32(length + 9.0), out=at)
            found.append(at)
        return found[0], found[1]

    def _row(self, i: int, u: Floats, v: Floats, inverse: Floats) -> Floats:
        """Row `i` of where the surface's points are seen from the rays' camera."""
        M, m = self._back.M, self._back.m
        out: Floats = u * M[i, 0]
        out += v * M[i, 1]
        out += inverse * m[i]
        out += M[i, 2]
        return out


def _limit(a: Floats, b: Floats, c: Floats) -> Floats:
    """Where a sequence ends that goes on like these three; the third where it does not say."""
    step, bend = b - a, c - b
    bend -= step
    small = np.abs(bend) <= np.float32(1e-3) * np.maximum(np.abs(step), np.float32(1e-9))
    bend[small] = 1.0
    step *= step
    step /= bend
    end = a - step
    fits = (end >= 0) & (end <= 2 * np.maximum(np.maximum(a, b), c)) & ~small
    limit: Floats = np.where(fits, end, c)
    return limit
