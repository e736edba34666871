"""What a click hits."""

from __future__ import annotations

from typing import Protocol

import numpy as np


class Transform(Protocol):
    """Maps world points (N, 3) to homogeneous pixels (N, 4)."""

    def map(self, points: np.ndarray) -> np.ndarray: ...


def nearest_seen(
    points: np.ndarray, place: np.ndarray, reach: float, pixels_world: Transform
) -> int | None:
    """Index of the point (N, 3) that is seen within `reach` pixels of a place (2,).

    Of several it is the front one, where a little in front counts less than far beside.
    """
    if not len(points):
        return None
    mapped = np.asarray(pixels_world.map(points))
    w = mapped[:, 3]
    with np.errstate(divide="ignore", invalid="ignore"):
        seen = mapped[:, :2] / w[:, None]
    off = np.linalg.norm(seen - place, axis=1)
    near = ((w > 0) & (off < reach)).nonzero()[0]
    if not len(near):
        return None
    return int(near[np.argmin(w[near] * (1.0 + off[near] / reach))])
