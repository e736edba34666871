"""Overlap of fields of view, one view from each run of consecutive ones (Context-as-Memory)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from memory.retrieval.query import Array, Query, Retrieved

#: Points are compared at these distances, in units of the scene's scale.
_DISTANCES = (0.5, 1.0, 2.0, 4.0)
#: Nothing is seen beyond this.
_FARTHEST = 8.0
_COLUMNS, _ROWS = 12, 8
#: Views that overlap less than this have nothing to say.
_LEAST_SHARE = 0.02


def fov(query: Query) -> list[Retrieved]:
    """By overlap of the fields of view, best first; blind to walls.

    Neighbours in time show the same, so each run of consecutive overlapping views gives its best
    one first; then the best of what is left, away from those chosen, until there are enough.
    """
    shares = _overlaps(query)
    useful = shares > _LEAST_SHARE
    chosen: list[int] = []
    while len(chosen) < query.count and useful.any():
        best = [run[np.argmax(shares[run])] for run in _runs(query.poses.ids, useful)]
        best.sort(key=lambda i: -shares[i])
        chosen += best[: query.count - len(chosen)]
        for i in best:  # the neighbours wait until nothing else is left
            useful[max(i - 1, 0) : i + 2] = False
        if not useful.any():
            useful = shares > _LEAST_SHARE
            useful[chosen] = False
    return [Retrieved(int(query.poses.ids[i]), float(shares[i])) for i in chosen]


def _runs(ids: NDArray[np.int64], useful: NDArray[np.bool_]) -> list[NDArray[np.int64]]:
    """Indices of useful views, split where ids are not consecutive."""
    index = np.flatnonzero(useful)
    return np.split(index, np.flatnonzero(np.diff(ids[index]) > 1) + 1)


def _overlaps(query: Query) -> Array:
    """(V,) share of points in the asked field of view that each view has in its own."""
    k = query.camera.intrinsics
    u, v = np.meshgrid((np.arange(_COLUMNS) + 0.5) / _COLUMNS, (np.arange(_ROWS) + 0.5) / _ROWS)
    rays = np.stack([(u - k.cx) / k.fx, (v - k.cy) / k.fy, np.ones_like(u)], axis=-1)
    depths = np.array(_DISTANCES) * query.scale
    points = (rays[None] * depths[:, None, None, None]).reshape(-1, 3)
    T = query.camera.T_world_camera
    world = points @ T[:3, :3].T + T[:3, 3]
    R = query.poses.T_world_camera[:, :3, :3]
    local = np.einsum("vji,vpj->vpi", R, world[None] - query.poses.positions[:, None])
    z = local[..., 2]
    safe = np.where(z > 1e-6, z, 1.0)
    fx, fy, cx, cy = (query.poses.lenses[:, i, None] for i in range(4))
    x, y = local[..., 0] / safe * fx + cx, local[..., 1] / safe * fy + cy
    inside = (z > 1e-6) & (z < _FARTHEST * query.scale) & (x > 0) & (x < 1) & (y > 0) & (y < 1)
    return np.asarray(inside.mean(axis=1))
