"""Small scenes of boxes and cameras in them."""

import math

import numpy as np

from engine.geometry.cameras import Camera, Intrinsics
from memory.benchmark.house import Boxes

H, W = 48, 80
LENS = Intrinsics.from_fov(70, W / H)


def camera(x=0.0, z=0.0, yaw=0.0, y=0.0, fov=None):
    """Looking along +z, turned right by `yaw` radians."""
    c, s = math.cos(yaw), math.sin(yaw)
    T = np.eye(4)
    T[:3, :3] = [[c, 0, s], [0, 1, 0], [-s, 0, c]]
    T[:3, 3] = (x, y, z)
    return Camera(T, LENS if fov is None else Intrinsics.from_fov(fov, W / H))


def wall(z=3.0, half=8.0, thick=0.1):
    """A wall across the line of sight of `camera()`."""
    return ((-half, -half, z), (half, half, z + thick))


def pictures(boxes, cameras, start=0):
    """The exact views of some cameras, ids from `start` on."""
    scene = boxes if isinstance(boxes, Boxes) else Boxes.of(boxes)
    return [scene.view(start + i, c, H, W) for i, c in enumerate(cameras)]


def retrieved(memory, asked, count, strategy="coverage"):
    """The views that a memory finds for a camera."""
    return memory.retrieve(memory.look(asked, H, W), count, strategy)
