"""Frames at working size, and the options and errors that all readers of them share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from explorer.walk.photo import centre_crop, resized, working_size

Rgb = NDArray[np.uint8]
Tell = Callable[[int, int], None]
"""Called with how many frames are read, and of how many."""


class ClipError(ValueError):
    """A video or folder that cannot be used, in one sentence."""


class Cancelled(Exception):
    """Reading was stopped from outside."""


@dataclass(frozen=True)
class ClipOptions:
    """Attributes:
    frames: how many are taken, evenly by time; fewer where there are fewer.
    size: (width, height) whose pixel count the working size comes near.
    start, stop: seconds of a video, or None for its ends.
    least: fewer frames are an error.
    """

    frames: int = 16
    size: tuple[int, int] = (256, 144)
    start: float | None = None
    stop: float | None = None
    least: int = 2

    def __post_init__(self) -> None:
        if self.frames < self.least:
            raise ClipError(f"at least {self.least} frames are needed, not {self.frames}")
        if self.start is not None and self.stop is not None and self.start >= self.stop:
            raise ClipError(f"the start, {self.start:g} s, is not before {self.stop:g} s")


@dataclass(frozen=True, eq=False)
class Clip:
    """Attributes:
    frames: (H, W, 3) uint8 sRGB, all at one working size.
    times: seconds from the first frame that was taken.
    source_name: of the file or folder.
    original_size: (width, height) before it was brought to working size.
    notes: what was done to it that a user should know.
    """

    frames: tuple[Rgb, ...]
    times: tuple[float, ...]
    source_name: str
    original_size: tuple[int, int]
    notes: tuple[str, ...] = ()

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) at working size."""
        height, width = self.frames[0].shape[:2]
        return int(width), int(height)


@dataclass(frozen=True)
class Fit:
    """How pictures of one original size are brought to working size."""

    crop: tuple[float, float]
    size: tuple[int, int]

    @staticmethod
    def of(original: tuple[int, int], near: tuple[int, int]) -> Fit:
        width, height = working_size(*original, near)
        return Fit(centre_crop(*original, width / height), (width, height))

    def apply(self, picture: Image.Image) -> Rgb:
        return np.ascontiguousarray(resized(picture, picture.width, self.crop, self.size))

    def note(self, original: tuple[int, int]) -> tuple[str, ...]:
        """Told where more than a sliver is cut off."""
        if self.crop[0] * self.crop[1] < 0.9 * original[0] * original[1]:
            return (f"it was cropped to {round(self.crop[0])}x{round(self.crop[1])} at its centre",)
        return ()


def evenly(first: float, last: float, count: int) -> list[float]:
    """`count` moments from first to last, both included."""
    if count == 1:
        return [first]
    return [first + (last - first) * i / (count - 1) for i in range(count)]
