"""What the memory knows of a new view, as plain arrays."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from engine.geometry.cameras import Camera
from engine.geometry.rendering import Rendering
from explorer.walk.composite import certainty
from explorer.walk.depth_fusion import FusedDepth, fuse_depth
from memory.free_space import FreeSpace
from memory.memory import Memory
from memory.recall import PHOTO, Recalled

FloatPicture = NDArray[np.float32]

#: Pixels that points cover less than this are gaps among them.
_GAP = 0.5
#: What a view saw from the same place this much (relative) before the points is missing there.
_BEFORE = 0.05


@dataclass(frozen=True, eq=False)
class Known:
    """The memory seen from a new camera: colours (H, W, 3), depth, coverage, the view that each
    pixel stems from, and the width of its discs in pixels (H, W each); and what the photo looks
    through, where nothing can be."""

    rgb: FloatPicture
    depth: FloatPicture
    coverage: FloatPicture
    view_ids: NDArray[np.int32]
    footprint: FloatPicture
    camera: Camera
    free_space: FreeSpace | None


def look(memory: Memory, camera: Camera, height: int, width: int) -> Known:
    """The memory seen from `camera`: its points, near the photo its rims, and between them what
    views show that were taken from the same place."""
    seen = memory.render(camera, height, width)
    known = Known(
        rgb=seen.rgb.cpu().numpy(),
        depth=seen.depth.cpu().numpy(),
        coverage=seen.coverage.cpu().numpy(),
        view_ids=seen.view_ids.cpu().numpy(),
        footprint=seen.footprint.cpu().numpy(),
        camera=camera,
        free_space=memory.free_space,
    )
    rims = memory.rims(camera, height, width)
    known = known if rims is None else _with_rims(known, rims)
    again = memory.recall(camera, height, width)
    return known if again is None else _with_gaps_filled(known, again)


def _with_rims(known: Known, rims: Rendering) -> Known:
    """The photo's rims get what its own points leave of a pixel, and all that drawn views know of
    it: they saw it from elsewhere and in less detail."""
    depth = rims.depth.cpu().numpy()
    photo = (known.view_ids == PHOTO) & (known.coverage >= _GAP)
    hidden = np.isnan(depth) | (photo & (known.depth < depth * (1.0 - _BEFORE)))
    left = np.where(photo, 1.0 - known.coverage.clip(0.0, 1.0), 1.0)
    share = np.where(hidden, 0.0, np.minimum(rims.coverage.cpu().numpy(), left)).astype(np.float32)
    rim = share > _GAP
    return replace(
        known,
        rgb=(known.rgb + share[..., None] * (rims.rgb.cpu().numpy() - known.rgb)).astype(
            np.float32
        ),
        depth=np.where(rim, depth, known.depth),
        coverage=np.minimum(known.coverage + share, np.float32(1.0)),
        view_ids=np.where(rim, PHOTO, known.view_ids).astype(np.int32),
        footprint=np.where(rim, rims.footprint.cpu().numpy(), known.footprint),
    )


def _with_gaps_filled(known: Known, again: Recalled) -> Known:
    """The recalled view gets what points leave of a pixel's colour, or its own weight if more.

    Rims have no points of their own, so that later views' points of what is behind show there as
    if nothing stood before it: to the recalled view they are gaps too.
    """
    there = again.view_ids >= 0
    before = again.depth < known.depth * (1.0 - _BEFORE)  # false where either is nan
    gap = there & (before | (known.coverage < _GAP))
    left = np.where(before, 1.0, 1.0 - known.coverage.clip(0.0, 1.0))
    share = np.maximum(np.where(there, left, 0.0), again.weight)
    return replace(
        known,
        rgb=(known.rgb + share[..., None] * (again.rgb - known.rgb)).astype(np.float32),
        depth=np.where(gap, again.depth, known.depth),
        coverage=np.where(there, np.float32(1.0), known.coverage),
        view_ids=np.where(gap, again.view_ids, known.view_ids),
        footprint=(known.footprint + share * (1.0 - known.footprint)).astype(np.float32),
    )


def fused_with(depth: NDArray[np.float32], known: Known | None) -> FusedDepth:
    """The model's depth, brought to what was known, joined with it, and moved out of the way of
    what the photo looks through."""
    depth = np.asarray(depth, np.float32)
    if known is None:
        return FusedDepth(depth, None, float("nan"))
    fused = fuse_depth(depth, known.depth, certainty(known.coverage), known.view_ids)
    if known.free_space is None:
        return fused
    return replace(fused, depth=known.free_space.left_by(fused.depth, known.camera))
