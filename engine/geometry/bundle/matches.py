"""The term of keypoint matches in a bundle adjustment, with a depth of its own for each match."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from engine.geometry.bundle.least_squares import cauchy_cost, cauchy_weights
from engine.geometry.bundle.terms import (
    BEHIND,
    LENS,
    PER_VIEW,
    SCALE,
    BundleState,
    Indices,
    Seen,
    TermConfig,
    numbers_of,
    seen_by,
)
from engine.geometry.cameras import Array


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

    def __len__(self) -> int:
        return len(self.pixels_a)

    def without_doubles(self) -> MatchSight:
        """At most one match for each pixel of the first view."""
        _, first = np.unique(self.pixels_a, axis=0, return_index=True)
        if len(first) == len(self):
            return self
        return self._rows(np.sort(first))

    def thinned(self, step: int) -> MatchSight:
        """Every `step`-th match."""
        return self._rows(np.arange(0, len(self), step))

    def _rows(self, rows: Indices) -> MatchSight:
        return MatchSight(
            self.view_a,
            self.view_b,
            self.pixels_a[rows],
            self.pixels_b[rows],
            self.depth_a[rows],
            self.depth_b[rows],
        )

    def renumbered(self, number: Mapping[int, int], unit: float) -> MatchSight:
        """With other names for the views, and depths in another unit."""
        return replace(
            self,
            view_a=number[self.view_a],
            view_b=number[self.view_b],
            depth_a=self.depth_a / unit,
            depth_b=self.depth_b / unit,
        )


@dataclass(frozen=True, eq=False)
class MatchTable:
    """Matches of many pairs of views in one table, those of a pair behind each other.

    Attributes:
        view_a, view_b: (M,); pixels_a, pixels_b: (M, 2).
        depth_a: (M,); log_depth_b: (M,), nan where unknown.
        point: (M,), which of `points` points a match shows.
        starts: where each pair begins, and M.
    """

    view_a: Indices
    view_b: Indices
    pixels_a: Array
    pixels_b: Array
    depth_a: Array
    log_depth_b: Array
    point: Indices
    points: int
    starts: tuple[int, ...]

    @staticmethod
    def of(sights: Sequence[MatchSight]) -> MatchTable:
        """Matches that begin at the same pixel of the same view show one point.

        Of several matches of one point with one other view the first is kept.
        """
        sights = [s.without_doubles() for s in sights]
        counts = [len(s) for s in sights]
        depth_b = np.concatenate([s.depth_b for s in sights] or [np.empty(0)])
        known = np.isfinite(depth_b) & (depth_b > 0)
        view_a = np.repeat([s.view_a for s in sights], counts).astype(np.intp)
        pixels_a = np.concatenate([s.pixels_a for s in sights] or [np.empty((0, 2))])
        keys = np.column_stack([view_a, pixels_a])
        unique, point = np.unique(keys, axis=0, return_inverse=True)
        return MatchTable(
            view_a,
            np.repeat([s.view_b for s in sights], counts).astype(np.intp),
            pixels_a,
            np.concatenate([s.pixels_b for s in sights] or [np.empty((0, 2))]),
            np.concatenate([s.depth_a for s in sights] or [np.empty(0)]),
            np.where(known, np.log(np.where(known, depth_b, 1.0)), np.nan),
            point.reshape(-1).astype(np.intp),
            len(unique),
            tuple(int(n) for n in np.cumsum([0, *counts])),
        )

    def __len__(self) -> int:
        return self.starts[-1]


@dataclass(frozen=True, eq=False)
class MatchTerm:
    """What the matches add, the depths of their points eliminated (Schur complement).

    Attributes:
        cost: of all matches.
        H, g: over all numbers of all views.
        gradient, curvature: (points,), by each point's depth; mixed: (points, numbers).
    """

    cost: float
    H: Array
    g: Array
    gradient: Array
    curvature: Array
    mixed: Array

    def depth_step(self, step: Array) -> Array:
        """(points,), the step of their log depths that belongs to a step of the views."""
        out: Array = -(self.gradient + self.mixed @ step) / self.curvature
        return out


def _lifted(table: MatchTable, changes: Array, state: BundleState) -> Array:
    """Points (M, 3) in the frame of the first camera."""
    lens = state.lenses[table.view_a]
    P = np.ones((len(table), 3))
    P[:, :2] = (table.pixels_a - lens[:, 2:]) / lens[:, :2]
    P *= (table.depth_a * np.exp(state.log_scales[table.view_a] + changes[table.point]))[:, None]
    return P


def _seen_again(table: MatchTable, P: Array, state: BundleState) -> Seen:
    world = np.einsum("nij,nj->ni", state.rotations[table.view_a], P)
    return seen_by(table.view_b, world + state.centres[table.view_a], state)


def match_errors(table: MatchTable, state: BundleState) -> Array:
    """Pixels (M,) between where a match is carried and where it is seen; inf behind the camera.

    Points lie at the depths of the state, or as they are drawn where it has none.
    """
    changes = state.depth_changes if len(state.depth_changes) else np.zeros(table.points)
    seen = _seen_again(table, _lifted(table, changes, state), state)
    error = np.linalg.norm(seen.pixels - table.pixels_b, axis=1)
    out: Array = np.where(seen.in_front, error, np.inf)
    return out


def depth_disagreement(table: MatchTable, state: BundleState) -> float:
    """Robust deviation of log depth between what two views' pictures say of one point.

    nan where no match has a depth in both views.
    """
    seen = _seen_again(table, _lifted(table, np.zeros(table.points), state), state)
    apart = np.log(seen.z) - table.log_depth_b - state.log_scales[table.view_b]
    apart = apart[np.isfinite(apart) & seen.in_front]
    return 1.4826 * float(np.median(np.abs(apart))) if len(apart) else float("nan")


def match_term(table: MatchTable, state: BundleState, config: TermConfig) -> MatchTerm:
    """Points lifted by the first view's depth and seen in the other views.

    Three residuals for each match: two of the pixel, and log depth in the second view against its
    own picture. One for each point: the change of its log depth.
    """
    P = _lifted(table, state.depth_changes, state)
    seen = _seen_again(table, P, state)
    spread = np.array([config.reach, config.reach, config.depth_spread])
    known_b = np.isfinite(table.log_depth_b)
    log_b = np.where(known_b, table.log_depth_b, 0.0) + state.log_scales[table.view_b]
    off_b = np.where(known_b, np.log(seen.z) - log_b, 0.0)
    r = np.column_stack([seen.pixels - table.pixels_b, off_b]) / spread
    J = _derivatives(table, P, seen, state) / spread[:, None]
    miss, trusted = (r[:, :2] ** 2).sum(axis=1), config.depth_weight * known_b
    weights = np.empty_like(r)
    weights[:, :2] = (cauchy_weights(miss) * seen.in_front)[:, None]
    weights[:, 2] = trusted * cauchy_weights(r[:, 2] ** 2) * seen.in_front
    changed = state.depth_changes / config.depth_spread
    cost = (
        (cauchy_cost(miss) + trusted * cauchy_cost(r[:, 2] ** 2)).sum()
        + BEHIND * (~seen.in_front).sum()
        + config.depth_weight * cauchy_cost(changed**2).sum()
    )
    prior = config.depth_weight * cauchy_weights(changed**2) / config.depth_spread**2
    return _eliminated(table, J, r, weights, prior, state, float(cost))


def _derivatives(table: MatchTable, P: Array, seen: Seen, state: BundleState) -> Array:
    """(M, 3, 22) of the residuals, in pixels and log depth, by both views' numbers."""
    fx, fy = state.lenses[table.view_a, :2].T[:, :, None]
    J = np.zeros((len(P), 3, 2 * PER_VIEW))
    by_local = seen.by_point @ state.rotations[table.view_a]  # by the point in the first camera
    x, y, z = P.T[:, :, None]
    gx, gy, gz = by_local[..., 0], by_local[..., 1], by_local[..., 2]
    J[..., 0], J[..., 1], J[..., 2] = y * gz - z * gy, z * gx - x * gz, x * gy - y * gx
    J[..., 3:6] = seen.by_point
    J[..., SCALE] = gx * x + gy * y + gz * z
    J[..., LENS], J[..., LENS + 1] = -gx * x / fx, -gy * y / fy
    J[..., LENS + 2], J[..., LENS + 3] = -gx * z / fx, -gy * z / fy
    J[..., PER_VIEW:] = seen.by_view
    J[:, 2, PER_VIEW + SCALE] = -1.0
    return J


def _eliminated(
    table: MatchTable,
    J: Array,
    r: Array,
    weights: Array,
    prior: Array,
    state: BundleState,
    cost: float,
) -> MatchTerm:
    """`prior` (points,): curvature that holds each point's depth where it is drawn."""
    weighted = J * weights[..., None]
    own = J[:, :, SCALE]  # a point's depth and its view's scale act alike
    weighted_own = weights * own
    curvature = prior + np.bincount(table.point, (weighted_own * own).sum(axis=1), table.points)
    gradient = prior * state.depth_changes
    gradient += np.bincount(table.point, (weighted_own * r).sum(axis=1), table.points)
    rows = np.einsum("nr,nrl->nl", weighted_own, J)
    slopes = np.einsum("nrl,nr->nl", weighted, r)
    count = PER_VIEW * len(state.centres)
    H, g = np.zeros((count, count)), np.zeros(count)
    mixed: Array = np.zeros((table.points, count))
    for start, end in zip(table.starts[:-1], table.starts[1:], strict=True):
        if start == end:
            continue
        pair = slice(start, end)
        index, points = numbers_of(int(table.view_a[start]), int(table.view_b[start])), table.point
        flat = (-1, J.shape[2])
        H[np.ix_(index, index)] += weighted[pair].reshape(flat).T @ J[pair].reshape(flat)
        g[index] += slopes[pair].sum(axis=0)
        mixed[points[pair, None], index] += rows[pair]
    H -= mixed.T @ (mixed / curvature[:, None])
    g -= mixed.T @ (gradient / curvature)
    return MatchTerm(cost, H, g, gradient, curvature, mixed)
