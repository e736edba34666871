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
#: Neighbours that differ by more than this share have an edge between them: no slope crosses it.
_EDGE = 0.05
#: Denominators are kept from this on: what is nearer to a camera's plane has no pixel.
_LEAST = np.float32(1e-6)


@dataclass(frozen=True, eq=False)
class Surface:
    """A picture's inverse depth as one small plane a pixel, with gaps where the depth has edges.

    Attributes:
        camera: whose picture it is.
        size: (width, height) of the camera's picture in pixels of the surface; its last column
            and row may reach beyond.
        width, height: pixels.
        inverse, right, down: (height * width,) inverse depth at the centre of each pixel, and its
            slopes a pixel; None for level ones.
    """

    camera: Camera
    size: tuple[float, float]
    width: int
    height: int
    inverse: Floats
    right: Floats | None
    down: Floats | None

    @staticmethod
    def flat(inverse: Floats, camera: Camera) -> Surface:
        """From (h, w) inverse depth, finite: level in each pixel."""
        h, w = inverse.shape
        return Surface(camera, (float(w), float(h)), w, h, inverse.reshape(-1), None, None)

    @staticmethod
    def coarse(inverse: Floats, camera: Camera, cell: int) -> Surface:
        """With pixels of `cell` by `cell` of (h, w), each the plane in its middle: between the two
        sides of a rim lies nothing, so nothing is averaged."""
        h, w = inverse.shape
        column, row = _middles(w, cell), _middles(h, cell)
        found = np.ascontiguousarray(inverse[np.ix_(row, column)])
        slopes = []
        for index, length, axis in ((column, w, 1), (row, h, 0)):
            ends = [np.clip(index + step, 0, length - 1) for step in (-1, 1)]
            sides = [inverse[np.ix_(row, end) if axis else np.ix_(end, column)] for end in ends]
            slope = _flatter(found - sides[0], sides[1] - found, found)
            # From the centre of the pixel that was taken to that of the cell.
            beside = ((np.arange(len(index)) + 0.5) * cell - (index + 0.5)).astype(np.float32)
            slopes.append((slope * cell, slope * (beside if axis else beside[:, None])))
        found = np.maximum(found + slopes[0][1] + slopes[1][1], 0.0)
        right, down = (slope.reshape(-1) for slope, _ in slopes)
        size = w / cell, h / cell
        return Surface(camera, size, len(column), len(row), found.reshape(-1), right, down)

    def at(self, u: Floats, v: Floats) -> Floats:
        """Inverse depth at pixels (N,); the outermost planes go on."""
        column, row = u.astype(np.int32), v.astype(np.int32)
        for index, length in ((column, self.width), (row, self.height)):
            np.maximum(index, 0, out=index)
            np.minimum(index, length - 1, out=index)
        at = row * np.int32(self.width)
        at += column
        here = self.inverse.take(at)
        if self.right is not None and self.down is not None:
            for slope, place, index in ((self.right, u, column), (self.down, v, row)):
                beside = place - index
                beside -= np.float32(0.5)
                beside *= slope.take(at)
                here += beside
        return here


def _middles(length: int, cell: int) -> NDArray[np.intp]:
    return np.minimum(np.arange(-(-length // cell)) * cell + cell // 2, length - 1)


def _flatter(before: Floats, after: Floats, inverse: Floats) -> Floats:
    """The smaller of two differences a pixel; 0 where both cross an edge."""
    flatter = np.where(np.abs(before) < np.abs(after), before, after)
    slope: Floats = np.where(np.abs(flatter) > _EDGE * inverse, np.float32(0.0), flatter)
    return slope


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

    def land(self, guess: Floats, rounds: int, tolerance: float, overhang: float) -> Landed:
        """From guesses (N,) of the inverse depth along the rays.

        Args:
            rounds: how often the guess is made better.
            tolerance: pixels by which the surface's point may be seen beside the ray.
            overhang: pixels by which the outermost planes reach beyond the picture.
        """
        inverse = guess
        for _ in range(rounds):
            u, v = self._pixels(inverse)
            here = self._surface.at(u, v)
            ratio = self._row(2, u, v, here)
            safe = np.maximum(ratio, _LEAST)
            inverse = np.asarray(here / safe, np.float32)
        beside = self._row(0, u, v, here)
        beside /= safe
        beside -= self._x
        below = self._row(1, u, v, here)
        below /= safe
        below -= self._y
        beside *= beside
        below *= below
        beside += below
        sure = beside < np.float32(tolerance * tolerance)
        sure &= ratio > _LEAST
        (width, height), over = self._surface.size, np.float32(overhang)
        for at, length in ((u, width), (v, height)):
            sure &= (at >= -over) & (at <= np.float32(length) + over)
        return Landed(u, v, inverse, sure)

    def _pixels(self, inverse: Floats) -> tuple[Floats, Floats]:
        """Pixels of the surface where the rays' points of that inverse depth are seen."""
        m = self._there.m
        depth = inverse * m[2]
        depth += self._base[2]
        np.maximum(depth, _LEAST, out=depth)
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


@dataclass(frozen=True, eq=False)
class Guess:
    """Inverse depth that a camera is likely to see, over a grid of cells: (rows, columns).

    Attributes:
        near, far: the nearest and the farthest in a cell and beside it.
        seen: anything at all is there.
    """

    near: Floats
    far: Floats
    seen: Mask


class Splats:
    """A surface's pixels from far to near, so that writing them in order leaves the nearest."""

    def __init__(self, surface: Surface) -> None:
        order = np.argsort(surface.inverse, kind="stable")
        self._surface = surface
        self._u = (order % surface.width + np.float32(0.5)).astype(np.float32)
        self._v = (order // surface.width + np.float32(0.5)).astype(np.float32)
        self._inverse = surface.inverse[order]

    def seen_from(
        self, camera: Camera, size: tuple[float, float], grid: tuple[int, int], cell: float
    ) -> Guess:
        """What `camera` is likely to see.

        Args:
            size: (width, height) of its picture.
            grid: (columns, rows) of cells, which begin one cell before the picture does.
            cell: pixels of its picture along a cell's side.
        """
        surface, (columns, rows) = self._surface, grid
        motion = Motion.between(surface.camera, surface.size, camera, size)
        M, m = motion.M, motion.m
        q = [
            M[i, 0] * self._u + M[i, 1] * self._v + (M[i, 2] + m[i] * self._inverse)
            for i in range(3)
        ]
        ratio = np.maximum(q[2], _LEAST)
        x = np.clip(q[0] / (ratio * np.float32(cell)) + 1, -1, columns).astype(np.int32)
        y = np.clip(q[1] / (ratio * np.float32(cell)) + 1, -1, rows).astype(np.int32)
        # Cells of a rim, cut off later, take whatever lies outside.
        ok = (q[2] > _LEAST) & (x >= 0) & (y >= 0) & (x < columns) & (y < rows)
        at = np.where(ok, y * columns + x, rows * columns)
        inverse = self._inverse / ratio
        near = np.full(rows * columns + 1, -1.0, np.float32)
        far = np.full(rows * columns + 1, np.inf, np.float32)
        near[at] = inverse
        far[at[::-1]] = inverse[::-1]
        around = np.ones((3, 3), np.uint8)
        nearest = cv2.dilate(near[:-1].reshape(rows, columns), around)
        farthest = cv2.erode(far[:-1].reshape(rows, columns), around)
        seen = nearest >= 0
        nearest[~seen] = 0.0
        farthest[~seen] = 0.0
        return Guess(np.asarray(nearest), np.asarray(farthest), seen)
