"""How far two cameras are from each other, as a person flying would say it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from engine.geometry.cameras import Camera


@dataclass(frozen=True)
class Nearness:
    """Attributes:
    shift: in σ, the scene's scale.
    degrees: between the two orientations.
    """

    shift: float
    degrees: float

    def within(self, limit: Nearness) -> bool:
        """Neither farther nor more turned than `limit`."""
        return self.shift <= limit.shift and self.degrees <= limit.degrees


def nearness(a: Camera, b: Camera, scene_scale: float) -> Nearness:
    """Of two cameras; `scene_scale` is σ in scene units."""
    shift = float(np.linalg.norm(a.position - b.position)) / scene_scale
    turned = a.T_world_camera[:3, :3].T @ b.T_world_camera[:3, :3]
    # From the antisymmetric part: arccos of the trace is blind to angles below a fiftieth degree.
    axis = turned[[2, 0, 1], [1, 2, 0]] - turned[[1, 2, 0], [2, 0, 1]]
    angle = np.arctan2(np.linalg.norm(axis), np.trace(turned) - 1.0)
    return Nearness(shift, float(np.degrees(angle)))


def nearest(
    camera: Camera, others: Iterable[Camera], scene_scale: float, limit: Nearness
) -> int | None:
    """Index of the nearest of `others` that is within `limit`; None where none is."""
    best, found = np.inf, None
    for index, other in enumerate(others):
        gap = nearness(camera, other, scene_scale)
        size = gap.shift / limit.shift + gap.degrees / limit.degrees
        if gap.within(limit) and size < best:
            best, found = size, index
    return found
