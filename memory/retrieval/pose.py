"""The views whose cameras are nearest."""

from __future__ import annotations

import numpy as np

from memory.retrieval.query import Query, Retrieved, pose_distances


def pose(query: Query) -> list[Retrieved]:
    """By angle and distance, nearest first; blind to walls. Shares are not known: 0."""
    near = pose_distances(query.poses, query.camera.T_world_camera, query.scale)
    order = np.argsort(near, kind="stable")
    return [Retrieved(int(i), 0.0) for i in query.poses.ids[order[: query.count]]]
