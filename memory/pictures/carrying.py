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
        out, rims = self._smooth(), low.rims()
        holes = self._pixels((low.which == 0) & ~rims)
        seams = self._pixels(rims)
        holes = holes.joined(self._look_closely(out, seams))
        trust = low.trust()
        if len(holes.flat) or trust is not None:
            fill = low.fill(self._sources)
            _put(out, holes.flat, sampled(fill, *self._in_low(holes)))
            if trust is not None:
                self._feather(out, fill, trust)
            # Single pixels of another side stand out; a median leaves rims where they are.
            calm = np.asarray(cv2.medianBlur(out, 3), np.uint8)
            _words(out)[seams.flat] = _words(calm)[seams.flat]
        return Carried(out, holes.flat, low.depth())

    def _pixels(self, cells: Mask) -> _Pixels:
        """Those of the picture that lie in cells of the low size (h, w)."""
        cell, (width, height) = self._config.cell, self._size
        row, column = (a[:, None, None] * cell for a in np.nonzero(cells[1:-1, 1:-1]))
        inner = np.arange(cell)
        down, across = row + inner[:, None], column + inner
        flat = (down * width + across).reshape(-1)
        shape = (len(row), cell, cell)
        x, y = (
            np.broadcast_to(a.astype(np.float32) + np.float32(0.5), shape).reshape(-1)
            for a in (across, down)
        )
        pixels = _Pixels(flat, x, y)
        if width % cell or height % cell:
            pixels = pixels.some((x < width) & (y < height))
        return pixels

    def _in_low(self, pixels: _Pixels) -> tuple[Floats, Floats]:
        """Where pixels of the picture lie in the low size with its rim."""
        scale = np.float32(1.0 / self._config.cell)
        return pixels.x * scale + np.float32(1), pixels.y * scale + np.float32(1)

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
            if len(pixels.flat):
                row, column = pixels.y.astype(np.intp), pixels.x.astype(np.intp)
                u, v = (m[row, column] + np.float32(0.5) for m in (across, down))
                _put(out, pixels.flat, sampled(source.rgba, u, v))
        return out

    def _look_closely(self, out: NDArray[np.uint8], rest: _Pixels) -> _Pixels:
        """Rays of some pixels land one by one, at the full size; returns those that do not."""
        size = float(self._size[0]), float(self._size[1])
        near, far = self._low.guesses()
        across, down = self._in_low(rest)
        at = down.astype(np.intp) * near.shape[1] + across.astype(np.intp)
        nearest, farthest = near.take(at), far.take(at)
        for source in self._sources:
            if not len(rest.flat):
                break
            rays = Rays(source.surface, self._camera, size, rest.x, rest.y)
            landed = land_on(rays, nearest, farthest, self._config, overhang=0.5)
            found = sampled(source.rgba, landed.u[landed.sure], landed.v[landed.sure])
            _put(out, rest.flat[landed.sure], found)
            left = ~landed.sure
            rest, nearest, farthest = rest.some(left), nearest[left], farthest[left]
        return rest

    def _feather(self, out: NDArray[np.uint8], fill: NDArray[np.uint8], trust: Floats) -> None:
        around = cv2.erode(trust, np.ones((3, 3), np.uint8)) < 1.0
        pixels = self._pixels(around)
        at = self._in_low(pixels)
        part = sampled(trust, *at)
        own = np.ascontiguousarray(_words(out)[pixels.flat]).view(np.uint8).reshape(-1, 1, 4)
        soft = sampled(fill, *at).reshape(-1, 1, 4)
        mixed = cv2.blendLinear(own, soft, part[:, None], (1 - part)[:, None])
        _put(out, pixels.flat, np.asarray(mixed, np.uint8))


@dataclass(frozen=True, eq=False)
class _Pixels:
    """Some of a picture's pixels: where they are in its memory, and their centres; (N,) each."""

    flat: NDArray[np.intp]
    x: Floats
    y: Floats

    def some(self, wanted: Mask) -> _Pixels:
        return _Pixels(self.flat[wanted], self.x[wanted], self.y[wanted])

    def joined(self, other: _Pixels) -> _Pixels:
        return _Pixels(
            np.concatenate((self.flat, other.flat)),
            np.concatenate((self.x, other.x)),
            np.concatenate((self.y, other.y)),
        )


def _words(rgba: NDArray[np.uint8]) -> NDArray[np.uint32]:
    """(N,) the same memory, a number a pixel: one is copied faster than four."""
    return rgba.reshape(-1, 4).view(np.uint32).reshape(-1)


def _put(out: NDArray[np.uint8], pixels: NDArray[np.intp], colours: NDArray[np.uint8]) -> None:
    """Writes colours (N, 4) into a picture (H, W, 4)."""
    _words(out)[pixels] = _words(np.ascontiguousarray(colours))
