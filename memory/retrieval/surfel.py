"""Votes of the visible surfels, thinned out by pose (VMem, Li et al. 2025, §3.2)."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray

from engine.geometry.filters import precision
from memory.retrieval.pose import pose
from memory.retrieval.query import Array, Poses, Query, Retrieved, Sight, pose_distances

#: So many views more than asked for enter the thinning.
_EXTRA = 10
#: Views nearer to each other than this (radians + 0.1 way/scale) are one at first.
_APART = 0.4


def surfel(query: Query) -> list[Retrieved]:
    """Every visible surfel votes cos/(1 + depth) for the views that saw it, most votes first.

    The best `count` + 10 are kept, and of views that look nearly the same way from nearly the
    same place only the best, as long as enough remain. Shares are shares of the votes.
    """
    votes = _votes(query)
    order = np.argsort(-votes, kind="stable")[: query.count + _EXTRA]
    order = order[votes[order] > 0]
    if not len(order):
        return pose(query)
    chosen = _thinned(query, order)
    total = votes.sum()
    return [Retrieved(int(query.poses.ids[i]), float(votes[i] / total)) for i in chosen]


def _votes(query: Query) -> Array:
    sight: Sight = query.sight
    centre = torch.tensor(query.camera.position, dtype=torch.float32, device=sight.positions.device)
    towards = F.normalize(centre - sight.positions, dim=-1)
    cosine = (towards * sight.normals).sum(-1).clamp_min(0)
    weight = cosine / (1 + sight.depth / query.scale)
    cast = sight.seen_by >= 0
    weights = weight[:, None].expand(cast.shape)[cast].to(precision(weight.device))
    ids = torch.tensor(query.poses.ids, device=weight.device)
    index = torch.searchsorted(ids, sight.seen_by[cast].to(ids.dtype))
    votes = torch.bincount(index, weights, minlength=len(ids))
    return np.array(votes.tolist(), dtype=np.float64)


def _thinned(query: Query, order: NDArray[np.int64]) -> list[int]:
    """Non-maximum suppression, with the distance halved until there are enough."""
    wanted = min(query.count, len(order))
    near = _distances(query.poses, order, query.scale)
    apart = _APART
    while True:
        chosen: list[int] = []
        for i in range(len(order)):
            if (near[i, chosen] >= apart).all():
                chosen.append(i)
        if len(chosen) >= wanted:
            return [int(order[i]) for i in chosen[:wanted]]
        apart = apart / 2 if apart > 1e-3 else 0.0


def _distances(poses: Poses, order: NDArray[np.int64], scale: float) -> Array:
    """Pose distances between all pairs of views of `order`."""
    some = Poses(poses.ids[order], poses.T_world_camera[order], poses.lenses[order])
    return np.stack([pose_distances(some, T, scale) for T in some.T_world_camera])
