"""A small world in closed form: a wall with colours that name its places, seen by four cameras."""

from __future__ import annotations

import math

import cv2
import numpy as np
import pytest
import torch

from engine.geometry.cameras import Camera, Intrinsics
from engine.geometry.projection import unproject
from engine.geometry.rays import camera_directions
from explorer.walk.export import ExportInput, PointCloud

W, H = 96, 54


def colour_of(points):
    """sRGB bytes that change slowly over the world."""
    x, y, z = np.moveaxis(np.asarray(points), -1, 0)
    rgb = np.stack([0.5 + 0.3 * np.sin(x), 0.5 + 0.3 * np.cos(y), 0.5 + 0.1 * (z - 3)], -1)
    return np.round(255 * np.clip(rgb, 0, 1)).astype(np.uint8)


def looking(i):
    T = np.eye(4)
    T[:3, :3] = cv2.Rodrigues(np.array([0.05 * i, -0.12 * i, 0.03 * i]))[0]
    T[:3, 3] = [0.3 * i, -0.1 * i, 0.2 * i]
    return Camera(T, Intrinsics.from_fov(60.0, W / H))


@pytest.fixture(scope="session")
def record():
    """The slanted wall 0.2 x + z = 3; above y = −1 is sky, one pixel is unknown."""
    cameras, frames, depths, clouds = [looking(i) for i in range(4)], [], [], []
    for camera in cameras:
        rays = camera_directions(camera, H, W).double().numpy() @ camera.T_world_camera[:3, :3].T
        normal = np.array([0.2, 0.0, 1.0])
        depth = (3.0 - normal @ camera.position) / (rays @ normal)
        points = camera.position + rays * depth[..., None]
        depth[points[..., 1] < -1.0] = math.inf
        depth[H - 1, W - 1] = math.nan
        depths.append(depth.astype(np.float32))
        frame = colour_of(points)
        frame[np.isinf(depth)] = (200, 220, 250)
        frames.append(frame)
        seen = unproject(torch.from_numpy(depths[-1]), camera).reshape(-1, 3)
        clouds.append(seen[torch.isfinite(seen[:, 0])].numpy())
    positions = np.concatenate(clouds[:2])
    facing = -np.array([0.2, 0.0, 1.0]) / math.hypot(0.2, 1.0)
    cloud = PointCloud(
        positions,
        colour_of(positions),
        np.broadcast_to(facing, positions.shape).astype(np.float32),
    )
    return ExportInput(
        cameras=cameras,
        frames=frames,
        depths=[*depths[:3], None],
        points=cloud,
        names=[f"{i:04d}" for i in range(4)],
        labels=["photo", "view 1 · out", "view 2 · back", "view 3 · back"],
        scale=3.0,
        units="m",
    )
