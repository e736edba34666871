"""How far two point clouds are apart."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from engine.geometry.arrays import Picture, float64_array

#: Distances that are held at once.
_CHUNK = 4_000_000


@dataclass(frozen=True)
class CloudDistance:
    """Attributes:
    accuracy: mean distance from a point of the estimate to the nearest true point.
    completeness: mean distance from a true point to the nearest one of the estimate.
    """

    accuracy: float
    completeness: float

    @property
    def chamfer(self) -> float:
        """The symmetric Chamfer distance: the mean of both."""
        return (self.accuracy + self.completeness) / 2


def cloud_distance(
    estimated: Picture, truth: Picture, most: int = 20_000, seed: int = 0
) -> CloudDistance:
    """Nearest-neighbour distances between two clouds (N, 3) and (M, 3), in their units.

    Every pair is looked at, so of larger clouds `most` points are drawn at random (by `seed`)
    on the asking side and on the asked side alike; the answer then includes the sampling's own
    distance, the same for every estimate of that size.

    Raises:
        ValueError: another shape, an empty cloud, or points that are not finite.
    """
    rng = np.random.default_rng(seed)
    a, b = (_cloud(points, most, rng) for points in (estimated, truth))
    return CloudDistance(float(_nearest(a, b).mean()), float(_nearest(b, a).mean()))


def _cloud(points: Picture, most: int, rng: np.random.Generator) -> Tensor:
    cloud = float64_array(points)
    if cloud.ndim != 2 or cloud.shape[1] != 3 or not len(cloud):
        raise ValueError(f"a cloud must be (N, 3) with at least one point, not {cloud.shape}")
    if not np.isfinite(cloud).all():
        raise ValueError("a cloud must have finite points only: leave sky and unknown out")
    if len(cloud) > most:
        cloud = cloud[np.sort(rng.choice(len(cloud), most, replace=False))]
    return torch.from_numpy(np.ascontiguousarray(cloud))


def _nearest(asking: Tensor, asked: Tensor) -> Tensor:
    """Distance (N,) of each point to the nearest other one."""
    chunks = torch.split(asking, max(1, _CHUNK // len(asked)))
    # Differences, not the expanded square, which loses near distances to rounding.
    mode = "donot_use_mm_for_euclid_dist"
    return torch.cat([torch.cdist(c, asked, compute_mode=mode).amin(dim=1) for c in chunks])
