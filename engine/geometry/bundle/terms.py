"""The terms of a bundle adjustment: residuals, derivatives and robust weights of each.

A view has eleven numbers: turn (3, about the camera's own axes), centre (3, world), log scale of
its depth, lens (fx, fy, cx, cy in pixels).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.geometry.bundle.least_squares import cauchy_cost, cauchy_weights
from engine.geometry.cameras import Array, Camera, orthonormalised
from engine.geometry.lenses import intrinsics_of, lens_array
from engine.geometry.rotations import vector_from_rotation

Indices = NDArray[np.intp]
Mask = NDArray[np.bool_]

#: Numbers of a view, and where its log scale and its lens begin among them.
PER_VIEW, SCALE, LENS = 11, 6, 7

#: Points nearer than this share of the scene's unit are kept from dividing by zero.
NEAREST = 1e-4
#: What a point behind the camera costs beyond its distance from where it should be seen.
BEHIND = 20.0


@dataclass(frozen=True, eq=False)
class BundleState:
    """Attributes:
    rotations: (V, 3, 3), camera → world.
    centres: (V, 3), in units in which the scene is of order one.
    lenses: (V, 4), fx, fy, cx, cy in pixels.
    log_scales: (V,), of each view's depth.
    depth_changes: (points,), of the log depth of each point that matches show.
    """

    rotations: Array
    centres: Array
    lenses: Array
    log_scales: Array
    depth_changes: Array

    @staticmethod
    def of(
        cameras: Sequence[Camera], log_scales: Sequence[float], unit: float, size: tuple[int, int]
    ) -> BundleState:
        """Cameras of pictures of (height, width); world units are divided by `unit`."""
        height, width = size
        return BundleState(
            np.stack([c.T_world_camera[:3, :3] for c in cameras]),
            np.stack([c.position for c in cameras]) / unit,
            np.stack([lens_array(c.intrinsics, width, height) for c in cameras]),
            np.array(log_scales, dtype=np.float64),
            np.zeros(0),
        )

    def camera(self, view: int, unit: float, size: tuple[int, int]) -> Camera:
        """Inverse of `of`, for one view."""
        T = np.eye(4)
        T[:3, :3], T[:3, 3] = self.rotations[view], self.centres[view] * unit
        return Camera(orthonormalised(T), intrinsics_of(self.lenses[view], size[1], size[0]))


@dataclass(frozen=True, eq=False)
class PointSight:
    """World points (N, 3) seen in a view at pixels (N, 2), with weights (N,); those further than
    `reach` pixels from where they project count as outliers."""

    view: int
    points: Array
    pixels: Array
    weights: Array
    reach: float


@dataclass(frozen=True)
class TermConfig:
    """Spreads beyond which residuals count as outliers, and weights.

    Attributes:
        reach: pixels, of matches.
        depth_spread: of log depth, per match.
        depth_weight: of a drawn depth, beside the weight 1 of a match: depth pictures err
            smoothly, so that many matches share one error.
        scale_spread: of a view's log scale.
        zoom_spread: of log focal length about the one at the start.
        centre_spread: of the principal point, as a share of the focal length.
        smoothness: weight of |turn| + |motion| between consecutive cameras, beside the weight 1
            of one match.
    """

    reach: float = 1.0
    depth_spread: float = 0.1
    depth_weight: float = 0.1
    scale_spread: float = 0.3
    zoom_spread: float = 0.5
    centre_spread: float = 0.05
    smoothness: float = 0.0


@dataclass(frozen=True, eq=False)
class Block:
    """A term's share of cost and normal equations, over the numbers `index`."""

    cost: float
    index: Indices
    H: Array
    g: Array


def numbers_of(*views: int) -> Indices:
    """Where the numbers of views lie among those of all."""
    return np.concatenate([np.arange(PER_VIEW) + PER_VIEW * v for v in views])


def _block(view_numbers: Indices, J: Array, r: Array, weights: Array, cost: float) -> Block:
    """From J (N, R, L), r (N, R) and weights (N, R)."""
    weighted = (J * weights[..., None]).reshape(-1, J.shape[-1])
    H, g = weighted.T @ J.reshape(-1, J.shape[-1]), weighted.T @ r.reshape(-1)
    return Block(cost, view_numbers, H, g)


@dataclass(frozen=True, eq=False)
class Seen:
    """World points as one view sees them, with derivatives.

    Attributes:
        pixels: (N, 2); z: (N,).
        by_view: (N, 3, 11) of (u, v, log z) by the view's numbers; by_point: (N, 3, 3).
        in_front: (N,) bool.
    """

    pixels: Array
    z: Array
    by_view: Array
    by_point: Array
    in_front: Mask


def seen_by(views: Indices, points: Array, state: BundleState) -> Seen:
    """World points (N, 3), each as one of the views (N,) sees it."""
    R, centres = state.rotations[views], state.centres[views]
    fx, fy, cx, cy = state.lenses[views].T
    Y = np.einsum("nji,nj->ni", R, points - centres)
    in_front = Y[:, 2] > NEAREST
    z = np.where(in_front, Y[:, 2], NEAREST)
    x, y = Y[:, 0] / z, Y[:, 1] / z
    by_local = np.zeros((len(Y), 3, 3))  # d(u, v, log z) / d(point in the camera's frame)
    by_local[:, 0, 0], by_local[:, 0, 2] = fx / z, -fx * x / z
    by_local[:, 1, 1], by_local[:, 1, 2] = fy / z, -fy * y / z
    by_local[:, 2, 2] = 1.0 / z
    by_point = by_local @ R.transpose(0, 2, 1)
    by_view = np.zeros((len(Y), 3, PER_VIEW))
    by_view[:, 0, 0], by_view[:, 0, 1], by_view[:, 0, 2] = fx * x * y, -fx * (1 + x * x), fx * y
    by_view[:, 1, 0], by_view[:, 1, 1], by_view[:, 1, 2] = fy * (1 + y * y), -fy * x * y, -fy * x
    by_view[:, 2, 0], by_view[:, 2, 1] = -y, x
    by_view[:, :, 3:6] = -by_point
    by_view[:, 0, LENS], by_view[:, 1, LENS + 1] = x, y
    by_view[:, 0, LENS + 2] = by_view[:, 1, LENS + 3] = 1.0
    pixels = np.stack([fx * x + cx, fy * y + cy], axis=1)
    return Seen(pixels, z, by_view, by_point, in_front)


def point_block(sight: PointSight, state: BundleState) -> Block:
    """Reprojection of known points."""
    seen = seen_by(np.full(len(sight.points), sight.view), sight.points, state)
    r = (seen.pixels - sight.pixels) / sight.reach
    squared = (r**2).sum(axis=1)
    weights = sight.weights * cauchy_weights(squared) * seen.in_front
    cost = float(sight.weights @ (cauchy_cost(squared) + BEHIND * (1.0 - seen.in_front)))
    J = seen.by_view[:, :2] / sight.reach
    return _block(numbers_of(sight.view), J, r, np.repeat(weights[:, None], 2, 1), cost)


def smoothness_block(view: int, state: BundleState, config: TermConfig) -> Block:
    """|turn| + |motion| from a view to the next one, as lengths rather than squares."""
    R_ab = state.rotations[view].T @ state.rotations[view + 1]
    turn = vector_from_rotation(R_ab)
    move = state.centres[view + 1] - state.centres[view]
    r = np.stack([turn, move])  # (2, 3)
    length = np.sqrt((r**2).sum(axis=1) + NEAREST**2)
    J = np.zeros((2, 3, 2 * PER_VIEW))
    J[0, :, :3], J[0, :, PER_VIEW : PER_VIEW + 3] = -R_ab.T, np.eye(3)
    J[1, :, 3:6], J[1, :, PER_VIEW + 3 : PER_VIEW + 6] = -np.eye(3), np.eye(3)
    weights = np.repeat(config.smoothness / length[:, None], 3, axis=1)
    cost = 2.0 * config.smoothness * float(length.sum())
    return _block(numbers_of(view, view + 1), J, r, weights, cost)


def prior_block(view: int, state: BundleState, start: BundleState, config: TermConfig) -> Block:
    """Scales near one and lenses near their start, weakly: they decide where nothing else does."""
    lens, before = state.lenses[view], start.lenses[view]
    unit = np.array([config.zoom_spread, config.zoom_spread, *[config.centre_spread] * 2])
    r = np.empty(5)
    r[0] = state.log_scales[view] / config.scale_spread
    r[1:3] = np.log(lens[:2] / before[:2]) / unit[:2]
    r[3:5] = (lens[2:] - before[2:]) / before[:2] / unit[2:]
    J = np.zeros((5, PER_VIEW))
    J[0, SCALE] = 1.0 / config.scale_spread
    J[[1, 2], [LENS, LENS + 1]] = 1.0 / (lens[:2] * unit[:2])
    J[[3, 4], [LENS + 2, LENS + 3]] = 1.0 / (before[:2] * unit[2:])
    return _block(numbers_of(view), J[None], r[None], np.ones((1, 5)), float(r @ r))
