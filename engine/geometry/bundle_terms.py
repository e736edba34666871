"""The terms of a bundle adjustment: residuals, derivatives and robust weights of each.

A view has eleven numbers: turn (3, about the camera's own axes), centre (3, world), log scale of
its depth, lens (fx, fy, cx, cy in pixels).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.geometry.cameras import Array
from engine.geometry.least_squares import cauchy_cost, cauchy_weights
from engine.geometry.rotations import cross_matrix, vector_from_rotation

Indices = NDArray[np.intp]
Mask = NDArray[np.bool_]

#: Numbers of a view, and where its log scale and its lens begin among them.
PER_VIEW, SCALE, LENS = 11, 6, 7

#: Points nearer than this share of the scene's unit are kept from dividing by zero.
_NEAREST = 1e-4
#: What a point behind the camera costs beyond its distance from where it should be seen.
_BEHIND = 20.0


@dataclass(frozen=True, eq=False)
class BundleState:
    """Attributes:
    rotations: (V, 3, 3), camera → world.
    centres: (V, 3), in units in which the scene is of order one.
    lenses: (V, 4), fx, fy, cx, cy in pixels.
    log_scales: (V,), of each view's depth.
    depth_changes: per match sight (N,), of log depth.
    """

    rotations: Array
    centres: Array
    lenses: Array
    log_scales: Array
    depth_changes: tuple[Array, ...] = ()


@dataclass(frozen=True, eq=False)
class PointSight:
    """World points (N, 3) seen in a view at pixels (N, 2), with weights (N,); those further than
    `reach` pixels from where they project count as outliers."""

    view: int
    points: Array
    pixels: Array
    weights: Array
    reach: float


@dataclass(frozen=True, eq=False)
class MatchSight:
    """Pixels (N, 2) of one view seen at pixels of another, with the depth (N,) that each view's
    own picture gives them; the second may be nan."""

    view_a: int
    view_b: int
    pixels_a: Array
    pixels_b: Array
    depth_a: Array
    depth_b: Array


@dataclass(frozen=True)
class TermConfig:
    """Spreads beyond which residuals count as outliers, and weights.

    Attributes:
        reach: pixels, of matches.
        depth_spread: of log depth, per match.
        scale_spread: of a view's log scale.
        zoom_spread: of log focal length about the one at the start.
        centre_spread: of the principal point, as a share of the focal length.
        smoothness: weight of |turn| + |motion| between consecutive cameras, beside the weight 1
            of one match.
    """

    reach: float = 1.0
    depth_spread: float = 0.1
    scale_spread: float = 0.3
    zoom_spread: float = 0.5
    centre_spread: float = 0.05
    smoothness: float = 0.0


@dataclass(frozen=True, eq=False)
class Block:
    """A term's share of the normal equations, over the numbers `index`.

    Attributes:
        own_gradient, own_curvature, own_mixed: (N,), (N,), (N, L) of numbers that only this
            term knows, already eliminated from H and g.
    """

    cost: float
    index: Indices
    H: Array
    g: Array
    own_gradient: Array
    own_curvature: Array
    own_mixed: Array

    def own_step(self, step: Array) -> Array:
        """(N,), the step of the eliminated numbers after a step of the others."""
        out: Array = -(self.own_gradient + self.own_mixed @ step) / self.own_curvature
        return out


def _numbers(*views: int) -> Indices:
    return np.concatenate([np.arange(PER_VIEW) + PER_VIEW * v for v in views])


def _block(index: Indices, J: Array, r: Array, weights: Array, cost: float) -> Block:
    """From J (N, R, L), r (N, R) and weights (N, R), with nothing to eliminate."""
    weighted = (J * weights[..., None]).reshape(-1, J.shape[-1])
    H, g = weighted.T @ J.reshape(-1, J.shape[-1]), weighted.T @ r.reshape(-1)
    none = np.empty(0)
    return Block(cost, index, H, g, none, none, np.empty((0, len(g))))


@dataclass(frozen=True, eq=False)
class _Seen:
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


def _seen(view: int, points: Array, state: BundleState) -> _Seen:
    R, (fx, fy, cx, cy) = state.rotations[view], state.lenses[view]
    Y = (points - state.centres[view]) @ R
    in_front = Y[:, 2] > _NEAREST
    z = np.where(in_front, Y[:, 2], _NEAREST)
    x, y = Y[:, 0] / z, Y[:, 1] / z
    by_local = np.zeros((len(Y), 3, 3))  # d(u, v, log z) / d(point in the camera's frame)
    by_local[:, 0, 0], by_local[:, 0, 2] = fx / z, -fx * x / z
    by_local[:, 1, 1], by_local[:, 1, 2] = fy / z, -fy * y / z
    by_local[:, 2, 2] = 1.0 / z
    by_point = (by_local.reshape(-1, 3) @ R.T).reshape(-1, 3, 3)
    by_view = np.zeros((len(Y), 3, PER_VIEW))
    by_view[:, 0, 0], by_view[:, 0, 1], by_view[:, 0, 2] = fx * x * y, -fx * (1 + x * x), fx * y
    by_view[:, 1, 0], by_view[:, 1, 1], by_view[:, 1, 2] = fy * (1 + y * y), -fy * x * y, -fy * x
    by_view[:, 2, 0], by_view[:, 2, 1] = -y, x
    by_view[:, :, 3:6] = -by_point
    by_view[:, 0, LENS], by_view[:, 1, LENS + 1] = x, y
    by_view[:, 0, LENS + 2] = by_view[:, 1, LENS + 3] = 1.0
    pixels = np.stack([fx * x + cx, fy * y + cy], axis=1)
    return _Seen(pixels, z, by_view, by_point, in_front)


def point_block(sight: PointSight, state: BundleState) -> Block:
    """Reprojection of known points."""
    seen = _seen(sight.view, sight.points, state)
    r = (seen.pixels - sight.pixels) / sight.reach
    squared = (r**2).sum(axis=1)
    weights = sight.weights * cauchy_weights(squared) * seen.in_front
    cost = float(sight.weights @ (cauchy_cost(squared) + _BEHIND * (1.0 - seen.in_front)))
    J = seen.by_view[:, :2] / sight.reach
    return _block(_numbers(sight.view), J, r, np.repeat(weights[:, None], 2, 1), cost)


def _lifted(sight: MatchSight, change: Array, state: BundleState) -> Array:
    """Points (N, 3) in the frame of the first camera."""
    lens = state.lenses[sight.view_a]
    ray = np.ones((len(sight.pixels_a), 3))
    ray[:, :2] = (sight.pixels_a - lens[2:]) / lens[:2]
    depth = sight.depth_a * np.exp(state.log_scales[sight.view_a] + change)
    P: Array = depth[:, None] * ray
    return P


def match_errors(sight: MatchSight, state: BundleState) -> Array:
    """Pixels (N,) between where depth as it is drawn carries a match and where it is seen."""
    P = _lifted(sight, np.zeros(len(sight.pixels_a)), state)
    a, b = sight.view_a, sight.view_b
    seen = _seen(b, P @ state.rotations[a].T + state.centres[a], state)
    error: Array = np.linalg.norm(seen.pixels - sight.pixels_b, axis=1)
    return np.where(seen.in_front, error, np.inf)


def match_block(sight: MatchSight, change: Array, state: BundleState, config: TermConfig) -> Block:
    """Matches lifted by the first view's depth, seen in the second; own depths eliminated."""
    a, b = sight.view_a, sight.view_b
    R, (fx, fy) = state.rotations[a], state.lenses[a, :2]
    P = _lifted(sight, change, state)
    depth, ray = P[:, 2], P / P[:, 2:]
    seen = _seen(b, P @ R.T + state.centres[a], state)
    by_a = np.zeros((len(P), 3, PER_VIEW))  # of the world point
    by_a[:, :, :3] = -R @ cross_matrix(P)
    by_a[:, :, 3:6] = np.eye(3)
    by_a[:, :, SCALE] = P @ R.T
    by_a[:, :, LENS : LENS + 4] = (
        R[:, [0, 1, 0, 1]]
        * (
            depth[:, None]
            * np.stack([-ray[:, 0] / fx, -ray[:, 1] / fy, *_ones(-1 / fx, -1 / fy, P)], 1)
        )[:, None, :]
    )
    by_change = seen.by_point @ by_a[:, :, SCALE, None]
    J = np.concatenate([seen.by_point @ by_a, seen.by_view, by_change], axis=2)
    J[:, 2, PER_VIEW + SCALE] -= 1.0
    known_b = np.isfinite(sight.depth_b) & (sight.depth_b > 0)
    log_b = np.log(np.where(known_b, sight.depth_b, 1.0)) + state.log_scales[b]
    r = np.column_stack([seen.pixels - sight.pixels_b, np.log(seen.z) - log_b, change])
    own = np.zeros((len(P), 1, J.shape[2]))
    own[:, 0, -1] = 1.0
    J = np.concatenate([J, own], axis=1)
    spread = np.array([config.reach, config.reach, config.depth_spread, config.depth_spread])
    return _eliminated(_numbers(a, b), J / spread[:, None], r / spread, known_b, seen.in_front)


def _ones(x: float, y: float, like: Array) -> tuple[Array, Array]:
    return np.full(len(like), x), np.full(len(like), y)


def _eliminated(index: Indices, J: Array, r: Array, known_b: Mask, in_front: Mask) -> Block:
    """Robust weights per match, and the Schur complement of the last column."""
    miss = (r[:, :2] ** 2).sum(axis=1)
    weights = np.empty_like(r)
    weights[:, :2] = (cauchy_weights(miss) * in_front)[:, None]
    weights[:, 2] = cauchy_weights(r[:, 2] ** 2) * in_front * known_b
    weights[:, 3] = cauchy_weights(r[:, 3] ** 2)
    cost = cauchy_cost(miss) + known_b * cauchy_cost(r[:, 2] ** 2) + cauchy_cost(r[:, 3] ** 2)
    cost = cost + _BEHIND * (1.0 - in_front)
    others, own = J[..., :-1], J[..., -1]
    block = _block(index, others, r, weights, float(cost.sum()))
    curvature = (weights * own**2).sum(axis=1) + 1e-9
    gradient = (weights * own * r).sum(axis=1)
    mixed = np.einsum("nr,nr,nrl->nl", weights, own, others)
    return Block(
        block.cost,
        index,
        block.H - (mixed / curvature[:, None]).T @ mixed,
        block.g - mixed.T @ (gradient / curvature),
        gradient,
        curvature,
        mixed,
    )


def smoothness_block(view: int, state: BundleState, config: TermConfig) -> Block:
    """|turn| + |motion| from a view to the next one, as lengths rather than squares."""
    R_ab = state.rotations[view].T @ state.rotations[view + 1]
    turn = vector_from_rotation(R_ab)
    move = state.centres[view + 1] - state.centres[view]
    r = np.stack([turn, move])  # (2, 3)
    length = np.sqrt((r**2).sum(axis=1) + _NEAREST**2)
    J = np.zeros((2, 3, 2 * PER_VIEW))
    J[0, :, :3], J[0, :, PER_VIEW : PER_VIEW + 3] = -R_ab.T, np.eye(3)
    J[1, :, 3:6], J[1, :, PER_VIEW + 3 : PER_VIEW + 6] = -np.eye(3), np.eye(3)
    weights = np.repeat(config.smoothness / length[:, None], 3, axis=1)
    cost = 2.0 * config.smoothness * float(length.sum())
    return _block(_numbers(view, view + 1), J, r, weights, cost)


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
    return _block(_numbers(view), J[None], r[None], np.ones((1, 5)), float(r @ r))
