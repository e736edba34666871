"""Depth at keypoints, and keypoints as world points: pixels (N, 2), centres at +0.5."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from engine.geometry.cameras import Array, Camera

#: The four pixels around a place are blended while their depths agree this well (ratio).
_SMOOTH = 1.15


def depth_at(depth: NDArray[np.floating], pixels: Array) -> Array:
    """Depth (N,) of a picture (H, W) at pixels (N, 2); nan on sky, unknown and outside.

    Inverse depth is blended between the four nearest pixels, which is exact on planes; at a
    depth edge the nearest pixel decides, as nothing lies half-way between two surfaces.
    """
    height, width = depth.shape
    inside = np.all((pixels >= 0) & (pixels < (width, height)), axis=1)
    place = np.clip(np.where(inside[:, None], pixels, 0.5) - 0.5, 0, (width - 1, height - 1))
    corner = np.minimum(place.astype(np.intp), (max(width - 2, 0), max(height - 2, 0)))
    share = place - corner
    column, row = corner[:, :1] + (0, 1, 0, 1), corner[:, 1:] + (0, 0, 1, 1)
    around = depth[np.minimum(row, height - 1), np.minimum(column, width - 1)].astype(np.float64)
    u, v = share[:, 0], share[:, 1]
    weight = np.stack([(1 - u) * (1 - v), u * (1 - v), (1 - u) * v, u * v], axis=1)
    nearest = around[np.arange(len(around)), weight.argmax(axis=1)]
    usable = (np.isfinite(around) & (around > 0)).all(axis=1)
    safe = np.where(usable[:, None], around, 1.0)
    smooth = usable & (safe.max(axis=1) <= _SMOOTH * safe.min(axis=1))
    blended = 1.0 / (weight / safe).sum(axis=1)
    out = np.where(smooth, blended, nearest)
    known: Array = np.where(inside & np.isfinite(out) & (out > 0), out, np.nan)
    return known


def lifted(pixels: Array, depth: Array, camera: Camera, size: tuple[int, int]) -> Array:
    """World points (N, 3) behind pixels (N, 2) of a picture of (height, width)."""
    height, width = size
    k = camera.intrinsics
    x = (pixels[:, 0] / width - k.cx) / k.fx
    y = (pixels[:, 1] / height - k.cy) / k.fy
    local = np.stack([x, y, np.ones_like(x)], axis=-1) * depth[:, None]
    points: Array = local @ camera.T_world_camera[:3, :3].T + camera.position
    return points


def projected(points: Array, camera: Camera, size: tuple[int, int]) -> Array:
    """Pixels (N, 2) of world points (N, 3); nan behind the camera."""
    height, width = size
    local = points @ camera.T_camera_world[:3, :3].T + camera.T_camera_world[:3, 3]
    z = np.where(local[:, 2] > 1e-9, local[:, 2], np.nan)
    k = camera.intrinsics
    u = (local[:, 0] / z * k.fx + k.cx) * width
    v = (local[:, 1] / z * k.fy + k.cy) * height
    return np.stack([u, v], axis=-1)
