"""Depth of the photo, or of every view, from somewhere else than the walk's own model."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from engine.geometry.pictures import median_depth
from explorer.walk.depth_fusion import FusedDepth, fused_with
from explorer.walk.photo import Photo
from explorer.walk.records import StepProgress
from explorer.walk.timing import Stopwatch
from memory.known import Known

FloatPicture = NDArray[np.float32]

#: In a source's identity under "views", where it is asked for all of them.
EVERY_VIEW = "all"


@dataclass(frozen=True, eq=False)
class PhotoDepth:
    """Attributes:
    depth: (H, W) float32 at the photo's working size; inf = sky, nan = unknown.
    metric: it is in metres; else its unit means nothing.
    """

    depth: FloatPicture
    metric: bool


class DepthSource(Protocol):
    """Looks at a photo; see `explorer.priors`.

    Attributes:
        every_view: it is asked for every view's depth, not for the photo's alone.
    """

    every_view: bool

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
        if not source.every_view:
            source.close()
    depth = np.asarray(given.depth, np.float32)
    if depth.shape != (photo.height, photo.width):
        raise ValueError(f"depth {depth.shape} of a photo of {photo.height}x{photo.width} pixels")
    if not given.metric:
        depth = depth / np.float32(median_depth(torch.as_tensor(depth)))
    return depth


def depth_of_view(
    source: DepthSource | None, view: Photo, known: Known | None, clock: Stopwatch
) -> FusedDepth | None:
    """A source's depth of a drawn view, brought to what is known of it.

    None where no source is asked for it or it finds none, or where its depth has no unit and too
    little is known to give it one: the model's own depth, whose context has a unit, does better.

    Args:
        view: the drawn picture and its lens, as a photo.
    """
    if source is None or not source.every_view:
        return None
    with clock.part("depth prior"):
        try:
            given = source.depth(view)
        except ValueError:
            return None
        fused = fused_with(torch.tensor(given.depth, dtype=torch.float32), known)
    return fused if given.metric or fused.scale is not None else None
