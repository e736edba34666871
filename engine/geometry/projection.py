"""Between depth pictures and points: unprojection, projection, normals and how far to trust them.

Depth is z-depth in scene units, `inf` is sky and `nan` is unknown. Everything runs on the device
and in the dtype of the tensor that is passed in.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from engine.geometry.cameras import Camera
from engine.geometry.rays import camera_directions

#: Points nearer to the camera plane than this (scene units) have no pixel.
NEAREST_DEPTH = 1e-6


@dataclass(frozen=True)
class Projection:
    """Where points fall in a picture.

    Attributes:
        uv: (..., 2) pixels, the centre of pixel (0, 0) at (0.5, 0.5); nan behind the camera.
        depth: (...) z-depth in scene units, negative behind the camera.
    """

    uv: Tensor
    depth: Tensor

    def inside(self, height: int, width: int) -> Tensor:
        """(...) bool: in front of the camera and within the picture."""
        u, v = self.uv.unbind(-1)
        return (u >= 0) & (u < width) & (v >= 0) & (v < height)  # nan compares false


def unproject(depth: Tensor, camera: Camera) -> Tensor:
    """World points of a depth picture (H, W), (H, W, 3) in scene units.

    Where the depth is not finite (sky, unknown) all three coordinates are nan.
    """
    _check_depth(depth)
    H, W = depth.shape
    known = torch.where(torch.isfinite(depth), depth, torch.nan)
    points = camera_directions(camera, H, W, depth.device).to(depth.dtype) * known[..., None]
    T = torch.tensor(camera.T_world_camera, dtype=depth.dtype, device=depth.device)
    return points @ T[:3, :3].T + T[:3, 3]


def project(points: Tensor, camera: Camera, height: int, width: int) -> Projection:
    """Pixels and z-depths of world points (..., 3) in a picture of height × width."""
    if points.shape[-1] != 3:
        raise ValueError(f"points must end in 3 coordinates, not shape {tuple(points.shape)}")
    T = torch.tensor(camera.T_camera_world, dtype=points.dtype, device=points.device)
    in_camera = points @ T[:3, :3].T + T[:3, 3]
    z = in_camera[..., 2]
    k = camera.intrinsics
    safe = torch.where(z > NEAREST_DEPTH, z, torch.nan)
    u = (in_camera[..., 0] / safe * k.fx + k.cx) * width
    v = (in_camera[..., 1] / safe * k.fy + k.cy) * height
    return Projection(torch.stack([u, v], dim=-1), z)


def normals_from_depth(depth: Tensor, camera: Camera) -> Tensor:
    """Unit normals in the world, facing the camera, (H, W, 3); nan where depth is not finite.

    Inverse depth is linear in the picture over a plane: from n·X = c and X = d·(x, y, 1) follows
    1/d = (n/c)·(x, y, 1), so its gradient gives n exactly, at borders too. Differences are never
    taken across a depth edge; a pixel without neighbours along an axis counts as level there.
    """
    normals = _camera_normals(depth, camera)
    T = torch.tensor(camera.T_world_camera, dtype=depth.dtype, device=depth.device)
    return normals @ T[:3, :3].T


@dataclass(frozen=True)
class ConfidenceConfig:
    """Attributes:
    edge: relative bend of inverse depth between neighbours at which trust falls to 1/e.
    full_cosine: cosine between normal and ray from which on a surface is fully trusted.
    """

    edge: float = 0.12
    full_cosine: float = 0.25


def depth_confidence(
    depth: Tensor, camera: Camera, config: ConfidenceConfig = ConfidenceConfig()
) -> Tensor:
    """How far a depth picture is to be trusted, (H, W) in [0, 1].

    Falls at depth edges (where pictures of depth bleed) and at grazing angles (where one pixel
    spans much depth, as the flying pixels of a soft edge do); 0 for sky and unknown. A plane
    seen squarely has confidence 1 everywhere.
    """
    _check_depth(depth)
    H, W = depth.shape
    inverse = _inverse_depth(depth, sky=0.0)
    bend = torch.zeros_like(inverse)
    for dim in (0, 1):
        before, after = _one_sided(inverse, dim)
        step = torch.nan_to_num(after - before, nan=0.0).abs()
        bend = torch.maximum(bend, step)
    relative = torch.nan_to_num(bend / inverse, nan=torch.inf)
    edge = torch.exp(-((relative / config.edge) ** 2))
    rays = camera_directions(camera, H, W, depth.device).to(depth.dtype)
    rays = rays / rays.norm(dim=-1, keepdim=True)
    cosine = -(_camera_normals(depth, camera) * rays).sum(-1)
    grazing = (cosine / config.full_cosine).clamp(0.0, 1.0)
    known = torch.isfinite(depth) & (depth > 0)
    return torch.where(known, torch.nan_to_num(edge * grazing, nan=0.0), 0.0)


#: Differences of inverse depth on the two sides of a pixel are averaged while they agree this well.
_SMOOTH_BEND = 0.05


def _camera_normals(depth: Tensor, camera: Camera) -> Tensor:
    """Normals facing the camera in the camera's own frame, (H, W, 3)."""
    _check_depth(depth)
    H, W = depth.shape
    k = camera.intrinsics
    inverse = _inverse_depth(depth, sky=torch.nan)
    gx = _edge_aware_difference(inverse, dim=1) * (k.fx * W)
    gy = _edge_aware_difference(inverse, dim=0) * (k.fy * H)
    x, y, _ = camera_directions(camera, H, W, depth.device).to(depth.dtype).unbind(-1)
    away = torch.stack([gx, gy, inverse - x * gx - y * gy], dim=-1)
    return -torch.nn.functional.normalize(away, dim=-1)


def _inverse_depth(depth: Tensor, sky: float) -> Tensor:
    """1/depth; `sky` where depth is inf; nan where unknown or not positive."""
    inverse = torch.where(depth > 0, 1.0 / depth, torch.nan)
    return torch.where(torch.isposinf(depth), sky, inverse)


def _one_sided(values: Tensor, dim: int) -> tuple[Tensor, Tensor]:
    """Differences to the pixel before and to the pixel after; nan at the border."""
    step = values.diff(dim=dim)
    border = torch.full_like(values.narrow(dim, 0, 1), torch.nan)
    return torch.cat([border, step], dim=dim), torch.cat([step, border], dim=dim)


def _edge_aware_difference(inverse: Tensor, dim: int) -> Tensor:
    """Slope per pixel from the side without an edge, from both sides where they agree."""
    before, after = _one_sided(inverse, dim)
    smaller = torch.where(after.abs() < before.abs(), after, before)
    agree = (after - before).abs() <= _SMOOTH_BEND * inverse
    slope = torch.where(agree, (before + after) / 2, smaller)
    slope = torch.where(torch.isnan(before), after, slope)
    slope = torch.where(torch.isnan(after), before, slope)
    return torch.nan_to_num(slope, nan=0.0)


def _check_depth(depth: Tensor) -> None:
    if depth.dim() != 2 or not depth.is_floating_point():
        raise ValueError(
            f"depth must be a floating point picture (H, W), not {depth.dtype} {tuple(depth.shape)}"
        )
