"""Frames at working size, and the options and errors that all readers of them share."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from engine.geometry.cameras import Camera, Intrinsics
from explorer.walk.photo import centre_crop, resized, working_size
from explorer.walk.sizes import Sizes

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
    fov: horizontal degrees of the whole pictures, where the lens is known.
    cameras: a file of cameras of the pictures, in any format that paths are read from.
    pictures: the sizes of a walk that the frames begin; None where they are for the model alone.
    """

    frames: int = 16
    size: tuple[int, int] = (256, 144)
    start: float | None = None
    stop: float | None = None
    least: int = 2
    fov: float | None = None
    cameras: Path | None = None
    pictures: Sizes | None = None

    def __post_init__(self) -> None:
        if self.frames < self.least:
            raise ClipError(f"at least {self.least} frames are needed, not {self.frames}")
        if self.start is not None and self.stop is not None and self.start >= self.stop:
            raise ClipError(f"the start, {self.start:g} s, is not before {self.stop:g} s")
        if not all(t is None or (math.isfinite(t) and t >= 0) for t in (self.start, self.stop)):
            raise ClipError("the start and the end of a part are seconds from 0 on")
        if self.fov is not None and not 1.0 <= self.fov <= 170.0:
            raise ClipError(f"a field of view of {self.fov:g}° is outside 1°–170°")


@dataclass(frozen=True, eq=False)
class Clip:
    """Attributes:
    frames: (H, W, 3) uint8 sRGB, all at one working size.
    times: seconds from the first frame that was taken.
    source_name: of the file or folder.
    original_size: (width, height) before it was brought to working size: upright, square pixels.
    notes: what was done to it that a user should know.
    lens: of the frames, where it is known.
    cameras: one a frame, in the world and units of their file; none where they are unknown.
    pictures: (Hp, Wp, 3) uint8, the frames at the picture's size; none where nobody asked.
    """

    frames: tuple[Rgb, ...]
    times: tuple[float, ...]
    source_name: str
    original_size: tuple[int, int]
    notes: tuple[str, ...] = ()
    lens: Intrinsics | None = None
    cameras: tuple[Camera, ...] = ()
    pictures: tuple[Rgb, ...] = ()

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) at working size."""
        height, width = self.frames[0].shape[:2]
        return int(width), int(height)

    @property
    def fps(self) -> float:
        """At which the frames last as long as they did, within what players show well."""
        spacing = self.times[-1] / max(1, len(self.times) - 1)
        return min(30.0, max(2.0, 1.0 / spacing)) if spacing > 0 else 10.0


@dataclass(frozen=True)
class Fit:
    """How pictures of one original size are brought to working size."""

    crop: tuple[float, float]
    size: tuple[int, int]

    @staticmethod
    def of(original: tuple[int, int], near: tuple[int, int]) -> Fit:
        return Fit.within(original, working_size(*original, near))

    @staticmethod
    def within(original: tuple[int, int], size: tuple[int, int]) -> Fit:
        """To a working size that is settled already."""
        return Fit(centre_crop(*original, size[0] / size[1]), size)

    def apply(self, picture: Image.Image) -> Rgb:
        return np.ascontiguousarray(resized(picture, picture.width, self.crop, self.size))

    def lens(self, whole: Intrinsics, original: tuple[int, int]) -> Intrinsics:
        """The lens of the cropped picture, from that of the whole one."""
        kept = (self.crop[0] / original[0], self.crop[1] / original[1])
        return Intrinsics(
            fx=whole.fx / kept[0],
            fy=whole.fy / kept[1],
            cx=(whole.cx - (1 - kept[0]) / 2) / kept[0],
            cy=(whole.cy - (1 - kept[1]) / 2) / kept[1],
        )

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
