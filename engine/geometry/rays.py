"""Rays of a camera: one per pixel, as directions or as Plücker coordinates."""

from __future__ import annotations

import torch
from torch import Tensor

from engine.geometry.cameras import Camera
from engine.geometry.filters import precision


def pixel_grid(height: int, width: int, device: torch.device | str = "cpu") -> Tensor:
    """Pixel centres divided by the picture's size, (height, width, 2) as (u, v) in (0, 1)."""
    v = (torch.arange(height, device=device, dtype=torch.float32) + 0.5) / height
    u = (torch.arange(width, device=device, dtype=torch.float32) + 0.5) / width
    return torch.stack(torch.meshgrid(u, v, indexing="xy"), dim=-1)


def pixel_centres(height: int, width: int, device: torch.device | str = "cpu") -> Tensor:
    """Pixel centres in pixels as homogeneous columns (u, v, 1), (3, height · width), row by row, as
    fine as the device computes."""
    device = torch.device(device)
    exact = precision(device)
    v = torch.arange(height, device=device, dtype=exact) + 0.5
    u = torch.arange(width, device=device, dtype=exact) + 0.5
    grid = torch.stack(torch.meshgrid(u, v, indexing="xy")).flatten(1)
    return torch.cat([grid, torch.ones_like(grid[:1])])


def camera_directions(
    camera: Camera, height: int, width: int, device: torch.device | str = "cpu"
) -> Tensor:
    """Directions with z = 1 in the camera frame, (height, width, 3): times depth, a point."""
    k = camera.intrinsics
    uv = pixel_grid(height, width, device)
    x = (uv[..., 0] - k.cx) / k.fx
    y = (uv[..., 1] - k.cy) / k.fy
    return torch.stack([x, y, torch.ones_like(x)], dim=-1)


def plucker_rays(
    camera: Camera, height: int, width: int, device: torch.device | str = "cpu"
) -> Tensor:
    """The RAYS picture (o × d, d), (6, height, width), d of unit length.

    Coordinates are those of the frame that the camera is posed in: pass a camera relative to the
    anchor and in units of σ (`Camera.relative_to`) to get what the model sees (seed 003, §4.2).
    """
    T = torch.tensor(camera.T_world_camera, dtype=torch.float32, device=device)
    d = camera_directions(camera, height, width, device) @ T[:3, :3].T
    d = d / d.norm(dim=-1, keepdim=True)
    o = T[:3, 3].expand_as(d)
    return torch.cat([torch.linalg.cross(o, d), d], dim=-1).permute(2, 0, 1)  # (6, h, w)
