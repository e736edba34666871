"""Views whose picture, depth and camera are known: where queries start from, or end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from engine.geometry.cameras import Camera
from engine.geometry.pictures import median_depth
from engine.geometry.rendering import warp_views
from engine.queries.query import BoolArray, FloatArray

#: Pixels that are covered by at least this much count as seen in a warp.
SEEN_COVERAGE = 0.6


@dataclass(frozen=True, eq=False)
class SceneView:
    """Attributes:
    rgb: (H, W, 3) in [0, 1].
    depth: (H, W) z-depth in scene units; inf = sky.
    camera: in the world.
    """

    rgb: FloatArray
    depth: FloatArray
    camera: Camera

    @property
    def scale(self) -> float:
        """σ: its median depth, in scene units."""
        return median_depth(torch.as_tensor(np.array(self.depth)))


@dataclass(frozen=True, eq=False)
class Warped:
    """What scene views show from another camera.

    Attributes:
        rgb: (H, W, 3) in [0, 1]; meaningless where not `seen`.
        depth: (H, W) scene units; inf = sky, nan = unknown.
        coverage: (H, W) in [0, 1].
        seen: (H, W), where it is covered.
    """

    rgb: FloatArray
    depth: FloatArray
    coverage: FloatArray
    seen: BoolArray


def warp(views: Sequence[SceneView], camera: Camera) -> Warped:
    """All views as discs of their surfaces, nearest first, seen from `camera`."""
    height, width = views[0].rgb.shape[:2]
    rendering = warp_views(
        torch.from_numpy(np.stack([v.rgb for v in views]).astype(np.float32)),
        torch.from_numpy(np.stack([v.depth for v in views]).astype(np.float32)),
        [v.camera for v in views],
        camera,
        height,
        width,
    )
    coverage = rendering.coverage.numpy()
    return Warped(
        rendering.rgb.clamp(0, 1).numpy(),
        rendering.depth.numpy(),
        coverage,
        coverage > SEEN_COVERAGE,
    )
