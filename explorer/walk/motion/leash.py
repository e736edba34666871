"""A camera on a leash: where the model is slow, keys do not carry it out of all that was drawn.

A view far from every other has nothing to be drawn from, and comes out as a guess. So the pace
falls with the distance to the nearest drawn view, and comes back with the next picture; whoever
turns back is never held.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from engine.geometry.cameras import Camera
from engine.geometry.rotations import slerp
from explorer.walk.motion.nearness import Nearness, nearness


@dataclass(frozen=True)
class LeashConfig:
    """Attributes:
    length: nothing goes farther than this from the nearest drawn view.
    loose: share of the length within which nothing is felt.
    """

    length: Nearness = field(default_factory=lambda: Nearness(0.35, 40.0))
    loose: float = 0.5


def tension(
    camera: Camera, drawn: Sequence[Camera], scene_scale: float, config: LeashConfig
) -> float:
    """How far `camera` is from the nearest of `drawn`, as a share of the leash; 0 for none."""
    found = np.inf
    for other in drawn:
        gap = nearness(camera, other, scene_scale)
        found = min(
            found, max(gap.shift / config.length.shift, gap.degrees / config.length.degrees)
        )
    return float(found) if drawn else 0.0


def held(
    before: Camera,
    after: Camera,
    drawn: Sequence[Camera],
    scene_scale: float,
    config: LeashConfig | None = None,
) -> Camera:
    """Where a step from `before` to `after` really ends."""
    config = config or LeashConfig()
    wanted = tension(after, drawn, scene_scale, config)
    if wanted <= config.loose or wanted <= tension(before, drawn, scene_scale, config):
        return after
    share = float(np.clip((1.0 - wanted) / (1.0 - config.loose), 0.0, 1.0))
    if share == 0.0:
        return before
    T = np.eye(4)
    T[:3, :3] = slerp(before.T_world_camera[:3, :3], after.T_world_camera[:3, :3], share)
    T[:3, 3] = before.position + share * (after.position - before.position)
    return Camera(T, after.intrinsics)
