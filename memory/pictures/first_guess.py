"""What depth a camera is likely to see: a surface's points thrown into a grid of cells."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from engine.geometry.cameras import Camera
from memory.pictures.landing import LEAST, Floats, Mask, Motion, Surface


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
        self._u = (order % surface.width + surface.centre).astype(np.float32)
        self._v = (order // surface.width + surface.centre).astype(np.float32)
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
        ratio = np.maximum(q[2], LEAST)
        x = np.clip(q[0] / (ratio * np.float32(cell)) + 1, -1, columns).astype(np.int32)
        y = np.clip(q[1] / (ratio * np.float32(cell)) + 1, -1, rows).astype(np.int32)
        # Cells of a rim, cut off later, take whatever lies outside.
        ok = (q[2] > LEAST) & (x >= 0) & (y >= 0) & (x < columns) & (y < rows)
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
