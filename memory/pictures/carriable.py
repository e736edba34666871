"""Pictures with depth, ready to be carried."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.geometry.cameras import Camera
from memory.pictures.first_guess import Splats
from memory.pictures.landing import Floats, Landed, Rays, Surface

#: Lists of pixels are sampled as pictures this wide: OpenCV's maps have at most 32767 columns.
_ROW = 1024


@dataclass(frozen=True)
class CarryConfig:
    """Attributes:
    cell: pixels of the picture along a pixel of the low size.
    tolerance: pixels, of either size, by which a surface may be seen beside its ray.
    bend: pixels of the low size by which neighbours may differ from a straight line before they
        are looked at one by one.
    alone: the share of the rays around one, at the low size, that have to land where it does.
    feather: pixels of the low size over which a picture's border goes over into what continues it.
    """

    cell: int = 4
    tolerance: float = 0.7
    bend: float = 0.3
    alone: float = 0.4
    feather: int = 4


DEFAULT = CarryConfig()


class Carriable:
    """A picture with depth, ready to be carried.

    Args:
        rgb: (H, W, 3) uint8.
        depth: (H, W) z-depth in scene units, inf = sky; nan takes the depth of what is around.
            None puts all of it as far as the sky.
        camera: where it was taken from.

    Raises:
        ValueError: the depth is not of the picture's size.
    """

    def __init__(
        self,
        rgb: NDArray[np.uint8],
        depth: NDArray[np.float32] | None,
        camera: Camera,
        config: CarryConfig = DEFAULT,
    ) -> None:
        height, width = rgb.shape[:2]
        if depth is not None and depth.shape != (height, width):
            raise ValueError(f"a depth of {depth.shape} is not the picture's {rgb.shape[:2]}")
        self.camera, self.size, self.has_depth = camera, (width, height), depth is not None
        # OpenCV samples four channels in half the time of three.
        self.rgba = np.asarray(cv2.cvtColor(rgb, cv2.COLOR_RGB2RGBA))
        inverse = _inverse(depth, (height, width))
        self.surface = Surface.of(inverse, camera)
        self.low = Surface.coarse(inverse, camera, config.cell)
        small = (self.low.width, self.low.height)
        self.low_rgb = np.asarray(cv2.resize(rgb, small, interpolation=cv2.INTER_AREA))
        self.splats = Splats(self.low)


def _inverse(depth: NDArray[np.float32] | None, shape: tuple[int, int]) -> Floats:
    if depth is None:
        return np.zeros(shape, np.float32)
    known = (depth > 0) & ~np.isnan(depth)
    inverse = np.zeros(shape, np.float32)
    np.divide(np.float32(1.0), depth, out=inverse, where=known)
    if known.all() or not known.any():
        return inverse
    mask = (~known).astype(np.uint8)
    _, labels = cv2.distanceTransformWithLabels(
        mask, cv2.DIST_L2, 3, labelType=cv2.DIST_LABEL_PIXEL
    )
    of_label = np.zeros(int(labels.max()) + 1, np.float32)
    of_label[labels[known]] = inverse[known]
    return np.asarray(of_label[labels])


def land_on(rays: Rays, near: Floats, far: Floats, config: CarryConfig, overhang: float) -> Landed:
    """From the near guess; where nothing is there, from the far one."""
    landed = rays.land(near, config.tolerance, overhang)
    other = np.flatnonzero(~landed.sure & (far < near * np.float32(0.99)))
    if not len(other):
        return landed
    farther = rays.of(other).land(far[other], config.tolerance, overhang)
    return landed.or_farther(farther, other)


def sampled(picture: NDArray[Any], u: Floats, v: Floats) -> NDArray[Any]:
    """(N, C) values of a picture (H, W, C), or (N,) of (H, W), at pixels (N,)."""
    count = len(u)
    if not count:
        return np.zeros((0, *picture.shape[2:]), picture.dtype)
    maps = np.zeros((2, -(-count // _ROW) * _ROW), np.float32)
    np.subtract(u, np.float32(0.5), out=maps[0, :count])
    np.subtract(v, np.float32(0.5), out=maps[1, :count])
    across, down = maps.reshape(2, -1, _ROW)
    found = cv2.remap(picture, across, down, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(found).reshape(-1, *picture.shape[2:])[:count]
