"""The term of keypoint matches in a bundle adjustment, with a depth of its own for each match."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from engine.geometry.bundle_terms import (
    BEHIND,
    LENS,
    PER_VIEW,
    SCALE,
    Block,
    BundleState,
    Indices,
    Seen,
    TermConfig,
    numbers_of,
    seen_by,
)
from engine.geometry.cameras import Array
from engine.geometry.least_squares import cauchy_cost, cauchy_weights


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
        starts: where each pair begins, and M.
    """

    view_a: Indices
    view_b: Indices
    pixels_a: Array
    pixels_b: Array
    depth_a: Array
    log_depth_b: Array
    starts: tuple[int, ...]

    @staticmethod
    def of(sights: Sequence[MatchSight]) -> MatchTable:
        counts = [len(s) for s in sights]
        depth_b = np.concatenate([s.depth_b for s in sights] or [np.empty(0)])
        known = np.isfinite(depth_b) & (depth_b > 0)
        return MatchTable(
            np.repeat([s.view_a for s in sights], counts).astype(np.intp),
            np.repeat([s.view_b for s in sights], counts).astype(np.intp),
            np.concatenate([s.pixels_a for s in sights] or [np.empty((0, 2))]),
            np.concatenate([s.pixels_b for s in sights] or [np.empty((0, 2))]),
            np.concatenate([s.depth_a for s in sights] or [np.empty(0)]),
            np.where(known, np.log(np.where(known, depth_b, 1.0)), np.nan),
            tuple(int(n) for n in np.cumsum([0, *counts])),
        )

    def __len__(self) -> int:
        return self.starts[-1]


@dataclass(frozen=True, eq=False)
class MatchTerm:
    """What the matches add, their own depths eliminated (Schur complement).

    Attributes:
        cost: of all matches.
        blocks: one for each pair of views.
        gradient, curvature: (M,), of the own depths; mixed: (M, 22) with both views' numbers.
    """

    cost: float
    blocks: tuple[Block, ...]
    gradient: Array
    curvature: Array
    mixed: Array

    def depth_step(self, table: MatchTable, each: Array) -> Array:
        """(M,), the step of the own depths that belongs to a step (V, 11) of the views."""
        both = np.concatenate([each[table.view_a], each[table.view_b]], axis=1)
        out: Array = -(self.gradient + (self.mixed * both).sum(axis=1)) / self.curvature
        return out


def _lifted(table: MatchTable, changes: Array, state: BundleState) -> Array:
    """Points (M, 3) in the frame of the first camera."""
    lens = state.lenses[table.view_a]
    P = np.ones((len(table), 3))
    P[:, :2] = (table.pixels_a - lens[:, 2:]) / lens[:, :2]
    P *= (table.depth_a * np.exp(state.log_scales[table.view_a] + changes))[:, None]
    return P


def _seen_again(table: MatchTable, P: Array, state: BundleState) -> Seen:
    world = np.einsum("nij,nj->ni", state.rotations[table.view_a], P)
    return seen_by(table.view_b, world + state.centres[table.view_a], state)


def match_errors(table: MatchTable, state: BundleState) -> Array:
    """Pixels (M,) between where depth as it is drawn carries a match and where it is seen."""
    seen = _seen_again(table, _lifted(table, np.zeros(len(table)), state), state)
    error = np.linalg.norm(seen.pixels - table.pixels_b, axis=1)
    out: Array = np.where(seen.in_front, error, np.inf)
    return out


def match_term(table: MatchTable, state: BundleState, config: TermConfig) -> MatchTerm:
    """Matches lifted by the first view's depth and seen in the second one.

    Four residuals each: two of the pixel, log depth in the second view against its own picture,
    and the change of log depth.
    """
    P = _lifted(table, state.depth_changes, state)
    seen = _seen_again(table, P, state)
    spread = np.array([config.reach, config.reach, config.depth_spread, config.depth_spread])
    known_b = np.isfinite(table.log_depth_b)
    log_b = np.where(known_b, table.log_depth_b, 0.0) + state.log_scales[table.view_b]
    r = np.column_stack([seen.pixels - table.pixels_b, np.log(seen.z) - log_b, state.depth_changes])
    r /= spread
    J = _derivatives(table, P, seen, state) / spread[:, None]
    own = J[:, :, SCALE].copy()
    own[:, 3] = 1.0 / config.depth_spread
    miss = (r[:, :2] ** 2).sum(axis=1)
    weights = np.empty_like(r)
    weights[:, :2] = (cauchy_weights(miss) * seen.in_front)[:, None]
    weights[:, 2] = cauchy_weights(r[:, 2] ** 2) * seen.in_front * known_b
    weights[:, 3] = cauchy_weights(r[:, 3] ** 2)
    cost = cauchy_cost(miss) + known_b * cauchy_cost(r[:, 2] ** 2) + cauchy_cost(r[:, 3] ** 2)
    cost += BEHIND * (1.0 - seen.in_front)
    return _eliminated(table, J, own, r, weights, float(cost.sum()))


def _derivatives(table: MatchTable, P: Array, seen: Seen, state: BundleState) -> Array:
    """(M, 4, 22) of the residuals, in pixels and log depth, by both views' numbers."""
    fx, fy = state.lenses[table.view_a, :2].T[:, :, None]
    J = np.zeros((len(P), 4, 2 * PER_VIEW))
    by_local = seen.by_point @ state.rotations[table.view_a]  # by the point in the first camera
    x, y, z = P.T[:, :, None]
    gx, gy, gz = by_local[..., 0], by_local[..., 1], by_local[..., 2]
    J[:, :3, 0], J[:, :3, 1], J[:, :3, 2] = y * gz - z * gy, z * gx - x * gz, x * gy - y * gx
    J[:, :3, 3:6] = seen.by_point
    J[:, :3, SCALE] = gx * x + gy * y + gz * z
    J[:, :3, LENS], J[:, :3, LENS + 1] = -gx * x / fx, -gy * y / fy
    J[:, :3, LENS + 2], J[:, :3, LENS + 3] = -gx * z / fx, -gy * z / fy
    J[:, :3, PER_VIEW:] = seen.by_view
    J[:, 2, PER_VIEW + SCALE] = -1.0
    return J


def _eliminated(
    table: MatchTable, J: Array, own: Array, r: Array, weights: Array, cost: float
) -> MatchTerm:
    """`own` (M, 4): derivatives by each match's change of log depth."""
    weighted_own = weights * own
    curvature = (weighted_own * own).sum(axis=1) + 1e-9
    gradient = (weighted_own * r).sum(axis=1)
    mixed = (weighted_own[:, None, :] @ J)[:, 0]
    # Minimising over the own depth takes its direction out of the other derivatives.
    g_rows = (weights * r)[:, None, :] @ J
    g = g_rows[:, 0] - mixed * (gradient / curvature)[:, None]
    weighted = J * weights[..., None]
    blocks = []
    for start, end in zip(table.starts[:-1], table.starts[1:], strict=True):
        if start == end:
            continue
        rows, part = slice(start, end), mixed[start:end]
        H = weighted[rows].reshape(-1, J.shape[2]).T @ J[rows].reshape(-1, J.shape[2])
        H -= part.T @ (part / curvature[rows, None])
        index = numbers_of(int(table.view_a[start]), int(table.view_b[start]))
        blocks.append(Block(0.0, index, H, g[rows].sum(axis=0)))
    return MatchTerm(cost, tuple(blocks), gradient, curvature, mixed)
