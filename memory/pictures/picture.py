"""A view at the picture's size, and how it is stored.

The model draws small pictures; people get large ones. A picture is rounded when it is made exactly
as it is stored, so that what has been read back is equal, bit for bit, to what was first shown.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

#: The names of a picture's arrays in a view's file: the bytes of PNG files, as (N,) uint8.
RGB, DEPTH = "picture", "picture_depth"
#: How PNG files begin, before the sizes of their header; no larger picture is read.
_SIGNATURE, _MOST_PIXELS = b"\x89PNG\r\n\x1a\n", 1 << 28
#: The cheapest deflate: higher ones take three times as long for a tenth less.
_PNG = [cv2.IMWRITE_PNG_COMPRESSION, 1]


@dataclass(frozen=True, eq=False)
class Picture:
    """Attributes:
    rgb: (Hp, Wp, 3) uint8 sRGB, read-only.
    depth: (Hp, Wp) float32 z-depth in scene units, inf = sky, nan = unknown; its edges are the
        picture's. None until the view has one. Rounded to half precision (0.05 %).
    """

    rgb: NDArray[np.uint8]
    depth: NDArray[np.float32] | None = None

    def __post_init__(self) -> None:
        rgb = np.array(self.rgb, order="C")
        if rgb.dtype != np.uint8 or rgb.ndim != 3 or rgb.shape[2] != 3:
            raise ValueError(f"a picture is (H, W, 3) uint8, not {rgb.shape} {rgb.dtype}")
        rgb.setflags(write=False)
        object.__setattr__(self, "rgb", rgb)
        if self.depth is not None:
            if self.depth.shape != rgb.shape[:2]:
                raise ValueError(f"a depth of {self.depth.shape} is not the picture's {rgb.shape}")
            depth = _half(self.depth).astype(np.float32)
            depth.setflags(write=False)
            object.__setattr__(self, "depth", depth)

    @property
    def size(self) -> tuple[int, int]:
        """(width, height), pixels."""
        return int(self.rgb.shape[1]), int(self.rgb.shape[0])

    def stored(self) -> dict[str, NDArray[np.uint8]]:
        """Its arrays for a view's file; lossless."""
        arrays = {RGB: _png(self.rgb[..., ::-1])}
        if self.depth is not None:
            arrays[DEPTH] = stored_depth(self.depth)
        return arrays

    @staticmethod
    def read(arrays: Mapping[str, NDArray[Any]]) -> Picture | None:
        """From the arrays of a view's file; None where they hold no picture.

        Raises:
            ValueError: they hold a damaged one.
        """
        if RGB not in arrays:
            return None
        rgb = _decoded(arrays[RGB], cv2.IMREAD_COLOR)
        depth = None
        if DEPTH in arrays:
            depth = read_depth(arrays[DEPTH])
        return Picture(np.ascontiguousarray(rgb[..., ::-1]), depth)


def stored_depth(depth: NDArray[np.float32]) -> NDArray[np.uint8]:
    """The array `DEPTH` of a picture's depth: the bits of half-precision numbers, as a PNG."""
    return _png(_half(depth).view(np.uint16))


def read_depth(stored: NDArray[Any]) -> NDArray[np.float32]:
    """What `stored_depth` stored.

    Raises:
        ValueError: it is damaged.
    """
    bits = _decoded(stored, cv2.IMREAD_UNCHANGED)
    if bits.dtype != np.uint16 or bits.ndim != 2:
        raise ValueError("the depth of a picture is not of 16 bits")
    return bits.view(np.float16).astype(np.float32)


def _half(depth: NDArray[np.float32]) -> NDArray[np.float16]:
    with np.errstate(over="ignore"):  # beyond 65504 lies the sky
        return np.asarray(depth, np.float32).astype(np.float16)


def _png(pixels: NDArray[Any]) -> NDArray[np.uint8]:
    done, data = cv2.imencode(".png", np.ascontiguousarray(pixels), _PNG)
    if not done:
        raise ValueError(f"a picture of {pixels.shape} {pixels.dtype} cannot be stored")
    return np.asarray(data, np.uint8).reshape(-1)


def _decoded(data: NDArray[np.uint8], flags: int) -> NDArray[Any]:
    # A walk file comes from anybody, and a small PNG may unpack to all of the memory.
    head = np.asarray(data, np.uint8)[:24].tobytes()
    width, height = (int.from_bytes(head[at : at + 4], "big") for at in (16, 20))
    if not head.startswith(_SIGNATURE) or width * height > _MOST_PIXELS:
        raise ValueError("a picture in it is damaged, or far too large")
    found = cv2.imdecode(np.asarray(data, np.uint8), flags)
    if found is None:
        raise ValueError("a picture in it is damaged")
    return np.asarray(found)
