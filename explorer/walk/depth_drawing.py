"""The depth of a walk's views: from a source where there is one for it, else from the model."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from engine import queries
from engine.geometry.cameras import Camera
from engine.geometry.pictures import median_depth
from explorer.walk.colours import array, to_floats
from explorer.walk.depth_fusion import FusedDepth, fused_with
from explorer.walk.depth_source import DepthSource, depth_of_photo, depth_of_view
from explorer.walk.noise import noise_generator
from explorer.walk.photo import Photo
from explorer.walk.records import StepProgress, WalkSettings
from explorer.walk.sharpening import depth_input, small_depth
from explorer.walk.stepping import stepped
from explorer.walk.timing import Stopwatch
from memory.known import Known

FloatPicture = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class DrawnDepth:
    """Of the photo, in the walk's scene units.

    Attributes:
        depth: (H, W) at the size that it was drawn at.
        small: (h, w) at the model's size.
    """

    depth: FloatPicture
    small: FloatPicture


@dataclass(frozen=True, eq=False)
class Asked:
    """A view that is to have a depth: what is seen, from where, and what is known of it."""

    context: queries.Context
    camera: Camera
    rgb: Tensor
    known: Known | None
    hint: queries.Hint | None


@dataclass(frozen=True, eq=False)
class DepthDrawing:
    """Attributes:
    source: gives the photo's depth, or every view's; None for the model's own.
    """

    engine: queries.Engine
    photo: Photo
    settings: WalkSettings
    source: DepthSource | None

    def of_photo(self, clock: Stopwatch) -> Generator[StepProgress, None, DrawnDepth]:
        """Where the model draws it, its median is the walk's unit of length."""
        if self.source is not None:
            given = yield from depth_of_photo(self.source, self.photo, clock)
            return DrawnDepth(given, given)
        asked = queries.draw_depth_of_photo(
            self.engine,
            to_floats(depth_input(self.photo)),
            self.photo.camera,
            self.settings.sampler,
            noise_generator(self.settings.seed, 0, "depth"),
        )
        depth = yield from stepped(clock, 0, "photo depth", asked)
        small = small_depth(depth, self.photo)
        unit = np.float32(median_depth(torch.as_tensor(small)))
        return DrawnDepth(depth / unit, small / unit)

    def of_view(
        self, clock: Stopwatch, view_id: int, asked: Asked
    ) -> Generator[StepProgress, None, FusedDepth]:
        """Brought to what the memory knows."""
        if self.source is not None:
            rgb, lens = array(asked.rgb), asked.camera.intrinsics
            view = replace(self.photo, rgb=rgb, intrinsics=lens, picture=None)
            found = depth_of_view(self.source, view, asked.known, clock)
            if found is not None:
                return found
        drawing = queries.draw_depth(
            self.engine,
            asked.context,
            asked.camera,
            asked.rgb / 255.0,
            asked.hint,
            self.settings.sampler,
            noise_generator(self.settings.seed, view_id, "depth"),
        )
        depth = yield from stepped(clock, view_id, "depth", drawing)
        with clock.part("align"):
            return fused_with(depth, asked.known)
