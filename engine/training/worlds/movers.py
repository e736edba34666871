"""Things that move while the camera walks, so that scenes have a time of their own (seed 001).

They are placed where the first camera sees free space and drift across its view. Their shadows
would need light maps for every moment, so they cast none.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from engine.geometry.cameras import Camera
from engine.training.worlds.blueprint import Look
from engine.training.worlds.casting import PUBLIC_FROM_WORLD
from engine.training.worlds.shapes import Builder, Shapes

Random = np.random.Generator
Floats = NDArray[np.float64]

#: Where a shape's centre lies in its row of the table that shading looks up.
_CENTRE = slice(9, 12)
FORMS = ("ball", "crate", "figure")


@dataclass(frozen=True, eq=False)
class Mover:
    """Attributes:
    form: one of `FORMS`.
    start: (3,) metres, its middle when the first view is taken.
    step: (3,) metres from one view to the next.
    size: metres.
    yaw: radians about up.
    """

    form: str
    start: Floats
    step: Floats
    size: float
    yaw: float


def draw_movers(
    camera: Camera, depth: NDArray[np.float32], views: int, rng: Random, most: int = 3
) -> tuple[Mover, ...]:
    """One to `most` movers in front of what a camera sees.

    Args:
        depth: (H, W) z-depth of the camera's view, metres, inf = sky.
    """
    height, width = depth.shape
    known = depth[np.isfinite(depth)]
    if not known.size:
        return ()
    found = []
    for _ in range(int(rng.integers(1, most + 1))):
        row, column = rng.integers(height // 4, height), rng.integers(width)
        behind = min(float(depth[row, column]), 2.0 * float(np.median(known)))
        distance = behind * rng.uniform(0.35, 0.8)
        place = ((column + 0.5) / width, (row + 0.5) / height, distance)
        found.append(_mover(camera, place, views, rng))
    return tuple(found)


def _mover(camera: Camera, place: tuple[float, float, float], views: int, rng: Random) -> Mover:
    """`place`: shares of the picture's width and height, and metres ahead."""
    u, v, distance = place
    k, R = camera.intrinsics, PUBLIC_FROM_WORLD.T @ camera.T_world_camera[:3, :3]
    eye = PUBLIC_FROM_WORLD.T @ camera.position
    ray = R @ np.array([(u - k.cx) / k.fx, (v - k.cy) / k.fy, 1.0])
    # Across the view, towards its far side, by a part of what is seen at that distance.
    across = R[:, 0] * (-1.0 if u > 0.5 else 1.0) * distance / k.fx * rng.uniform(0.15, 0.6)
    away = R[:, 2] * distance * rng.uniform(-0.25, 0.25)
    step = (across + away) / max(1, views - 1)
    step[2] *= 0.2  # mostly level
    size = distance / k.fx * rng.uniform(0.08, 0.25)
    form = FORMS[int(rng.integers(len(FORMS)))]
    return Mover(form, eye + distance * ray, step, size, float(rng.uniform(0, np.pi)))


def add_movers(builder: Builder, look: Look, movers: Sequence[Mover]) -> None:
    """Adds their shapes where they start; each shape remembers whose it is."""
    for number, mover in enumerate(movers):
        x, y, z = (float(c) for c in mover.start)
        s = mover.size
        with builder.placed(x, y, z, mover.yaw), builder.shadowless(), builder.moving(number):
            if mover.form == "ball":
                builder.ellipsoid((0, 0, 0), (s, s, s), look.material("marble", metres=s))
            elif mover.form == "crate":
                builder.box((0, 0, 0), (s, s * 0.8, s * 0.7), look.wood(metres=s))
            else:
                cloth = look.cloth(metres=s)
                builder.cone((0, 0, 0), (0.4 * s, 0.3 * s, s), 0.35, cloth)
                head = (0.22 * s, 0.22 * s, 0.26 * s)
                builder.ellipsoid((0, 0, 0.62 * s), head, look.paint((0.55, 0.36, 0.26)))


def moved(shapes: Shapes, movers: Sequence[Mover], views: float) -> Shapes:
    """All shapes as they lie `views` views after the first one."""
    if not movers:
        return shapes
    steps = np.stack([m.step for m in movers]) * views
    table = torch.as_tensor(np.concatenate([steps, np.zeros((1, 3))]), dtype=torch.float32)
    offsets: Tensor = table.to(shapes.centre.device)[shapes.mover]  # −1, what stands, is last
    centres = shapes.table.clone()
    centres[:, _CENTRE] += offsets
    return replace(shapes, centre=shapes.centre + offsets, table=centres)
