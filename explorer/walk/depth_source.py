"""Depth of the photo from somewhere else than the walk's own model."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from engine.geometry.pictures import median_depth
from explorer.walk.photo import Photo
from explorer.walk.records import StepProgress
from explorer.walk.timing import Stopwatch

FloatPicture = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class PhotoDepth:
    """Attributes:
    depth: (H, W) float32 at the photo's working size; inf = sky, nan = unknown.
    metric: it is in metres; else its unit means nothing.
    """

    depth: FloatPicture
    metric: bool


class DepthSource(Protocol):
    """Looks at a photo; see `explorer.priors`."""

    @property
    def identity(self) -> dict[str, Any]:
        """What the depth depends on, in values that JSON can hold; the walk records it."""

    def depth(self, photo: Photo) -> PhotoDepth:
        """Depth of a photo; a `ValueError` with one sentence where there is none to be had."""

    def close(self) -> None:
        """It is not asked again; what it holds may go."""


def depth_of_photo(
    source: DepthSource, photo: Photo, clock: Stopwatch
) -> Generator[StepProgress, None, FloatPicture]:
    """A source's depth in the walk's scene units: metres, or else with a median of 1.

    Raises:
        ValueError: the source gave none, or of another size.
    """
    yield StepProgress(0, "photo depth", 0, 1)
    with clock.part("depth prior"):
        given = source.depth(photo)
        source.close()
    depth = np.asarray(given.depth, np.float32)
    if depth.shape != (photo.height, photo.width):
        raise ValueError(f"depth {depth.shape} of a photo of {photo.height}x{photo.width} pixels")
    if not given.metric:
        depth = depth / np.float32(median_depth(torch.as_tensor(depth)))
    return depth
