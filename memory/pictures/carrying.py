"""Pictures carried into another camera, at once: what a person sees while the model still draws.

Rays of the new camera land on the pictures' surfaces (`memory.pictures.landing`): all of them at a
low size, which is enlarged where it is smooth, and those at rims once more, one by one, at the
picture's own size. Colours are then sampled from the pictures, once, at their own size.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.geometry.cameras import Camera
from memory.pictures.carriable import DEFAULT, Carriable, CarryConfig, land_on, sampled
from memory.pictures.landing import Floats, Mask, Rays
from memory.pictures.low_size import LowSize


@dataclass(frozen=True, eq=False)
class Carried:
    """What another camera sees.

    Attributes:
        rgba: (H, W, 4) uint8, without holes, opaque.
        holes: (N,) its flat pixels where no source was seen, and the colours are a guess from
            around.
        inverse: (h, w) inverse depth at the low size, nan in holes.
    """

    rgba: NDArray[np.uint8]
    holes: NDArray[np.intp]
    inverse: Floats

    @property
    def hole(self) -> Mask:
        """(H, W) bool, the same as a mask."""
        mask = np.zeros(self.rgba.shape[:2], bool)
        mask.reshape(-1)[self.holes] = True
        return mask


def carry(
    sources: Sequence[Carriable],
    camera: Camera,
    size: tuple[int, int],
    config: CarryConfig = DEFAULT,
) -> Carried:
    """A picture of `size` (width, height) from `camera`.

    Args:
        sources: the best first: each has what the ones before it do not see.

    Raises:
        ValueError: there is no source.
    """
    if not sources:
        raise ValueError("nothing can be carried: there is no picture with a depth")
    low = LowSize(sources, camera, size, config)
    return _Full(low, sources, camera, size, config).carried()


def seen_inverse(
    sources: Sequence[Carriable], camera: Camera, config: CarryConfig = DEFAULT
) -> Floats:
    """Inverse depth (h, w) from a camera, at the low size; nan where no source is seen."""
    return LowSize(sources, camera, sources[0].size, config).depth()


class _Full:
    """The picture at its own size, from where the rays of the low size landed."""

    def __init__(
        self,
        low: LowSize,
        sources: Sequence[Carriable],
        camera: Camera,
        size: tuple[int, int],
        config: CarryConfig,
    ) -> None:
        self._low, self._sources, self._config = low, sources, config
        self._camera, self._size = camera, size

    def carried(self) -> Carried:
        low = self._low
        out = self._smooth()
        flat, rims = out.reshape(-1, 4), low.rims()
        holes = self._pixels((low.which == 0) & ~rims)
        holes = np.concatenate([holes, self._look_closely(flat, self._pixels(rims))])
        trust = low.trust()
        if len(holes) or trust is not None:
            fill = low.fill(self._sources)
            flat[holes] = sampled(fill, *self._in_low(holes))
            if trust is not None:
                self._feather(flat, fill, trust)
        return Carried(out, holes, low.depth())

    def _pixels(self, cells: Mask) -> NDArray[np.intp]:
        """Flat pixels (N,) of the picture that lie in cells of the low size (h, w)."""
        cell, (width, height) = self._config.cell, self._size
        row, column = np.nonzero(cells[1:-1, 1:-1])
        inner = np.arange(cell)
        first = row * (cell * width) + column * cell
        within = (inner[:, None] * width + inner[None, :]).reshape(-1)
        pixels = (first[:, None] + within[None, :]).reshape(-1)
        if width % cell or height % cell:
            across = (column[:, None] * cell + np.tile(inner, cell)).reshape(-1)
            pixels = pixels[(across < width) & (pixels < width * height)]
        return pixels

    def _in_low(self, pixels: NDArray[np.intp]) -> tuple[Floats, Floats]:
        """Where pixels of the picture lie in the low size with its rim."""
        row, column = np.divmod(pixels, self._size[0])
        scale = np.float32(1.0 / self._config.cell)
        x, y = (a.astype(np.float32) + np.float32(0.5) for a in (column, row))
        return x * scale + 1, y * scale + 1

    def _enlarged(self, low: Floats) -> Floats:
        """(H, W) smoothly from (h, w)."""
        cell, (width, height) = self._config.cell, self._size
        size = (low.shape[1] * cell, low.shape[0] * cell)
        large = cv2.resize(low, size, interpolation=cv2.INTER_LINEAR)
        return np.asarray(large[cell : cell + height, cell : cell + width])

    def _smooth(self) -> NDArray[np.uint8]:
        """Everything that enlarges well, (H, W, 4), sampled from its source; rims are wrong."""
        low, cell = self._low, np.float32(self._config.cell)
        across, down = (self._enlarged(m * cell - np.float32(0.5)) for m in (low.u, low.v))
        first, border = self._sources[0].rgba, cv2.BORDER_REPLICATE
        found = cv2.remap(first, across, down, cv2.INTER_LINEAR, borderMode=border)
        out = np.asarray(found, np.uint8)
        for number, source in enumerate(self._sources[1:], 2):
            pixels = self._pixels(low.which == number)
            if len(pixels):
                row, column = np.divmod(pixels, self._size[0])
                u, v = (m[row, column] + np.float32(0.5) for m in (across, down))
                out.reshape(-1, 4)[pixels] = sampled(source.rgba, u, v)
        return out

    def _look_closely(self, out: NDArray[np.uint8], rest: NDArray[np.intp]) -> NDArray[np.intp]:
        """Rays of some pixels land one by one, at the full size; returns those that do not."""
        (width, height), cell = self._size, self._config.cell
        near, far = self._low.guesses()
        row, column = np.divmod(rest, width)
        at = (row // cell + 1) * near.shape[1] + (column // cell + 1)
        x, y = (a.astype(np.float32) + np.float32(0.5) for a in (column, row))
        nearest, farthest = near.take(at), far.take(at)
        for source in self._sources:
            if not len(rest):
                break
            rays = Rays(source.surface, self._camera, (float(width), float(height)), x, y)
            landed = land_on(rays, nearest, farthest, self._config, overhang=0.5)
            found = sampled(source.rgba, landed.u, landed.v)
            out[rest[landed.sure]] = found[landed.sure]
            left = ~landed.sure
            rest, x, y = rest[left], x[left], y[left]
            nearest, farthest = nearest[left], farthest[left]
        return rest

    def _feather(self, out: NDArray[np.uint8], fill: NDArray[np.uint8], trust: Floats) -> None:
        around = cv2.erode(trust, np.ones((3, 3), np.uint8)) < 1.0
        pixels = self._pixels(around)
        at = self._in_low(pixels)
        part = sampled(trust, *at)[:, None]
        mixed = out[pixels] * part + sampled(fill, *at) * (1 - part)
        out[pixels] = (mixed + np.float32(0.5)).astype(np.uint8)
