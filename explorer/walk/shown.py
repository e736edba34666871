"""The recorded views as people get them: all at one size, that of the walk's pictures.

Views of an earlier version of the program, and those that were seen and not drawn, have no picture
beside the model's; in a walk with pictures they are enlarged.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from engine.geometry.upsampling import inverse_depth, upsampled_inverse_depth
from explorer.walk.colours import enlarged
from explorer.walk.journal import RecordedViews
from explorer.walk.sizes import Size
from memory.pictures.picture import DEPTH, RGB

Rgb = NDArray[np.uint8]
Plane = NDArray[np.float32]


def picture_size(views: RecordedViews) -> Size | None:
    """(width, height) of a walk's pictures; None where it has none beside the model's."""
    pictures = views.arrays(RGB)
    for index in range(len(views)):
        stored = pictures.stored(index)
        if stored is not None:
            return _size_of(stored)
    return None


class ShownFrames(Sequence[Rgb]):
    """(H, W, 3) uint8 of each view, read when it is asked for.

    Args:
        raw: the model's own pictures, enlarged; what was seen and not drawn is shown as it is.
        size: of the walk's pictures; None for the model's.
    """

    def __init__(self, views: RecordedViews, raw: bool, size: Size | None) -> None:
        self._views, self._raw, self._size = views, raw, size
        self._small = views.arrays("raw_rgb" if raw else "rgb")
        self._pictures = views.arrays(RGB)
        drawn = [bool(said["retrieved"]) for said in views.descriptions]
        self._whole = [size is not None and not (raw and each) for each in drawn]

    def __len__(self) -> int:
        return len(self._views)

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return ShownFrames(self._views[index], self._raw, self._size)
        found = self._pictures[index] if self._whole[index] else None
        rgb = self._small[index] if found is None else found
        return rgb if self._size is None else enlarged(rgb, self._size)

    def png(self, index: int) -> bytes | None:
        """The view's picture as the PNG file that it was recorded as; None where there is none."""
        stored = self._pictures.stored(index) if self._whole[index] else None
        if stored is None or _size_of(stored) != self._size:
            return None
        return stored.tobytes()


class ShownDepths(Sequence[Plane | None]):
    """(H, W) float32 z-depth of each view, inf = sky, nan = unknown; None where it has none."""

    def __init__(self, views: RecordedViews, size: Size | None) -> None:
        self._views, self._size = views, size
        self._small, self._large = views.arrays("depth"), views.arrays(DEPTH)

    def __len__(self) -> int:
        return len(self._views)

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return ShownDepths(self._views[index], self._size)
        if self._size is None:
            return self._small[index]
        found = self._large[index]
        if found is not None and found.shape[::-1] == self._size:
            return found
        small = self._small[index]
        if small is None:
            return None
        return enlarged_depth(small, ShownFrames(self._views, False, self._size)[index])


def enlarged_depth(depth: Plane, rgb: Rgb) -> Plane:
    """(h, w) at the size of its view (H, W, 3), whose edges it gets; what is unknown stays so."""
    unknown = cv2.resize(
        np.isnan(depth).astype(np.uint8), rgb.shape[1::-1], interpolation=cv2.INTER_NEAREST
    )
    if unknown.all():
        return np.full(rgb.shape[:2], np.nan, np.float32)
    inverse = upsampled_inverse_depth(inverse_depth(depth), rgb)
    with np.errstate(divide="ignore"):
        return np.where(unknown > 0, np.float32(np.nan), np.float32(1.0) / inverse)


def _size_of(stored: NDArray[np.uint8]) -> Size:
    with Image.open(io.BytesIO(stored.tobytes())) as picture:
        width, height = picture.size
    return width, height
