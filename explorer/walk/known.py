"""What the memory knows of a new view, as plain arrays."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.geometry.cameras import Camera
from explorer.walk.composite import certainty
from explorer.walk.depth_fusion import FusedDepth, fuse_depth
from memory.memory import Memory

FloatPicture = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Known:
    """The memory seen from a new camera: colours (H, W, 3), depth, coverage, the view that each
    pixel stems from, and the width of its discs in pixels (H, W each)."""

    rgb: FloatPicture
    depth: FloatPicture
    coverage: FloatPicture
    view_ids: NDArray[np.int32]
    footprint: FloatPicture


def look(memory: Memory, camera: Camera, height: int, width: int) -> Known:
    """The memory seen from `camera`."""
    seen = memory.render(camera, height, width)
    return Known(
        rgb=seen.rgb.cpu().numpy(),
        depth=seen.depth.cpu().numpy(),
        coverage=seen.coverage.cpu().numpy(),
        view_ids=seen.view_ids.cpu().numpy(),
        footprint=seen.footprint.cpu().numpy(),
    )


def fused_with(depth: NDArray[np.float32], known: Known | None) -> FusedDepth:
    """The model's depth, brought to what was known and joined with it."""
    depth = np.asarray(depth, np.float32)
    if known is None:
        return FusedDepth(depth, None, float("nan"))
    return fuse_depth(depth, known.depth, certainty(known.coverage), known.view_ids)
