"""How far two point clouds are from each other."""

from __future__ import annotations

import torch
from torch import Tensor

_CHUNK = 2048


def chamfer_distance(a: Tensor, b: Tensor) -> float:
    """Symmetric Chamfer distance of (N, 3) and (M, 3) points, in their own units.

    The mean over `a` of the distance to the nearest point of `b`, and the other way round, halved
    (Barrow et al. 1977; distances, not their squares). Memory grows with one cloud alone.

    Raises:
        ValueError: a cloud has no points or is not (N, 3).
    """
    for cloud in (a, b):
        if cloud.ndim != 2 or cloud.shape[1] != 3 or not len(cloud):
            raise ValueError(f"a cloud must be (N, 3) with N above 0, not {tuple(cloud.shape)}")
    return 0.5 * (_mean_nearest(a, b) + _mean_nearest(b, a))


def _mean_nearest(a: Tensor, b: Tensor) -> float:
    nearest = [torch.cdist(part, b).amin(1) for part in torch.split(a, _CHUNK)]
    return float(torch.cat(nearest).mean())
