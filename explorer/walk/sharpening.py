"""The views of a walk at the picture's size: what the photo and earlier pictures show of them, and
the model's own picture where nobody saw anything."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.geometry.cameras import Camera
from engine.geometry.upsampling import (
    inverse_depth,
    upsampled_inverse_depth,
    with_even_rims,
)
from engine.queries.photo_depth import size_for_depth
from explorer.walk.joining import Joining
from explorer.walk.photo import Photo
from explorer.walk.timing import Stopwatch
from memory.known import Known
from memory.memory import Memory
from memory.pictures.picture import Picture

Plane = NDArray[np.float32]
Rgb = NDArray[np.uint8]


def depth_input(photo: Photo) -> Rgb:
    """The photo as its depth is drawn from: with the detail that the file has at that size."""
    if photo.picture is None:
        return photo.rgb
    rows, columns = size_for_depth((photo.height, photo.width))
    if photo.picture.shape[0] < rows or photo.picture.shape[1] < columns:
        return photo.rgb
    return np.asarray(
        cv2.resize(photo.picture, (columns, rows), interpolation=cv2.INTER_AREA), np.uint8
    )


def small_depth(depth: Plane, photo: Photo) -> Plane:
    """The photo's depth at the model's size; nothing lies between two surfaces."""
    size = (photo.width, photo.height)
    return np.asarray(cv2.resize(depth, size, interpolation=cv2.INTER_NEAREST), np.float32)


def picture_of_photo(photo: Photo, depth: Plane) -> Picture | None:
    """The photo at the picture's size with its depth, given at any size; None of one size."""
    if photo.picture is None:
        return None
    return picture_with_depth(photo.picture, depth)


def picture_with_depth(rgb: Rgb, depth: Plane) -> Picture:
    """A picture (Hp, Wp, 3) that was seen, with its depth, given at any size."""
    return Picture(rgb, _enlarged_depth(depth, rgb))


class Sharpening:
    """One new view, from what is known of it to its picture.

    Args:
        known: what the memory shows from its camera; None to enlarge the model's picture alone.
        size: (width, height) of the picture.
    """

    def __init__(
        self, memory: Memory, known: Known | None, size: tuple[int, int], clock: Stopwatch
    ) -> None:
        self._clock, self._size = clock, size
        self._joining: Joining | None = None
        self._again: Picture | None = None
        if known is None:
            return
        with clock.part("lookup"):
            self._again = _drawn_before(memory, known.camera, size)
            looked = None if self._again is not None else memory.look_up(known, size)
        with clock.part("join"):
            if looked is not None:
                self._joining = Joining(looked, (known.depth.shape[0], known.depth.shape[1]))

    def joined(self, small: Rgb) -> Picture:
        """The picture, without depth; `small` (h, w, 3) is the view at the model's size."""
        with self._clock.part("join"):
            if self._again is not None:
                return self._again
            if self._joining is None:
                large = cv2.resize(small, self._size, interpolation=cv2.INTER_CUBIC)
                return Picture(np.asarray(large, np.uint8))
            return Picture(self._joining.rgb(small))

    def with_depth(self, picture: Picture, small: Plane) -> Picture:
        """The picture with its depth; `small` (h, w) is that at the model's size."""
        with self._clock.part("join"):
            if self._again is not None:
                return self._again
            if self._joining is None:
                return replace(picture, depth=_enlarged_depth(small, picture.rgb))
            return replace(picture, depth=self._joining.depth(small))


def _drawn_before(memory: Memory, camera: Camera, size: tuple[int, int]) -> Picture | None:
    """What is seen where a view stands already: its picture, once more."""
    view_id = memory.pictures.standing_at(camera)
    found = None if view_id is None else memory.pictures.picture(view_id)
    if found is None or found.depth is None or found.size != size:
        return None
    return found


def reduced(picture: Picture, shape: tuple[int, ...]) -> Rgb:
    """The picture at the model's size, (h, w, 3)."""
    return np.asarray(cv2.resize(picture.rgb, shape[1::-1], interpolation=cv2.INTER_AREA), np.uint8)


def _enlarged_depth(depth: Plane, rgb: Rgb) -> Plane:
    inverse = upsampled_inverse_depth(with_even_rims(inverse_depth(depth)), rgb)
    with np.errstate(divide="ignore"):
        return np.asarray(1.0 / inverse, np.float32)
