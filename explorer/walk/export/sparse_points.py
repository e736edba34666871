"""Which views see which points: the observations of a COLMAP model, from geometry alone."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from engine.geometry.cameras import Camera
from engine.geometry.projection import project
from engine.geometry.trajectories.colmap_text import SparsePoints
from explorer.walk.export.point_cloud import PointCloud

#: A point is seen where its depth agrees with the view's own to this relative difference.
_TOLERANCE = 0.02
_MOST_POINTS = 50_000
_MOST_SEEN_PER_VIEW = 2_000


def observed_points(
    cloud: PointCloud, cameras: Sequence[Camera], depths: Sequence[NDArray[np.float32] | None]
) -> SparsePoints:
    """The cloud, thinned evenly to 50,000 points, and in which views each is visible.

    Visible means inside the picture and at the depth that the view itself has there; views without
    depth see nothing. At most 2,000 observations a view, by one order of preference for all views,
    so that the same points are tracked from view to view.
    """
    kept = np.linspace(0, len(cloud) - 1, min(len(cloud), _MOST_POINTS)).round().astype(np.int64)
    preference = np.random.default_rng(0).permutation(len(kept))
    positions = torch.from_numpy(cloud.positions[kept].astype(np.float64))
    images, points, places = [], [], []
    for i, (camera, depth) in enumerate(zip(cameras, depths, strict=True)):
        if depth is None:
            continue
        height, width = depth.shape
        seen = project(positions, camera, height, width)
        inside = np.flatnonzero(seen.inside(height, width).numpy())
        uv, z = seen.uv[inside].numpy(), seen.depth[inside].numpy()
        there = depth[uv[:, 1].astype(int), uv[:, 0].astype(int)]
        agrees = np.flatnonzero(np.abs(there - z) <= _TOLERANCE * z)  # inf and nan do not
        chosen = agrees[np.argsort(preference[inside[agrees]])[:_MOST_SEEN_PER_VIEW]]
        images.append(np.full(len(chosen), i))
        points.append(inside[chosen])
        places.append(uv[chosen])
    return SparsePoints(
        positions=positions.numpy(),
        colours=cloud.colours[kept],
        seen_image=np.concatenate([np.zeros(0, dtype=np.int64), *images]),
        seen_point=np.concatenate([np.zeros(0, dtype=np.int64), *points]),
        seen_at=np.concatenate([np.zeros((0, 2)), *places]),
    )
