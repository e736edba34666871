"""Bundle adjustment with depth: cameras, lenses and depth scales from points and matches.

Three robust terms, each switched on by what is given:

- a *point sight* says where known world points are seen (pointmaps: with the depth of each pixel
  at its optimum, the loss of seed 001, eq. 11 is, up to the pixel's depth, the reprojection loss
  of seed 002, eq. 3);
- a *match sight* says that a pixel of one view, lifted by its depth, is seen at a pixel of another
  one. Depth pictures err, so each match has an own change of log depth, held near zero and
  eliminated by its Schur complement; each view has a depth scale;
- *smoothness* of consecutive cameras (seed 001, eq. 12; MonST3R, Zhang et al. 2024).

Solved by Levenberg–Marquardt with analytic derivatives. Pixels have their centres at +0.5.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from engine.geometry.bundle.least_squares import DescentConfig, Normal, minimise
from engine.geometry.bundle.matches import MatchSight, MatchTable, MatchTerm, match_term
from engine.geometry.bundle.terms import (
    LENS,
    PER_VIEW,
    SCALE,
    BundleState,
    PointSight,
    TermConfig,
    point_block,
    prior_block,
    smoothness_block,
)
from engine.geometry.cameras import Array
from engine.geometry.lenses import LensModel, moved_lens
from engine.geometry.rotations import rotation_from_vector


@dataclass(frozen=True)
class BundleConfig:
    """Attributes:
    lens: what is sought of lenses.
    shared_lens: one lens for all views.
    free_scales: each view's depth has an own scale.
    fixed: views whose camera (and depth scale) stays where it is; none where points in the
        world hold the cameras.
    terms: spreads and weights.
    descent: when to stop.
    """

    lens: LensModel = LensModel.KNOWN
    shared_lens: bool = True
    free_scales: bool = True
    fixed: frozenset[int] = frozenset({0})
    terms: TermConfig = field(default_factory=TermConfig)
    descent: DescentConfig = field(default_factory=DescentConfig)


@dataclass(frozen=True)
class Adjusted:
    """The state at which the cost stopped falling, and the cost."""

    state: BundleState
    cost: float


def adjust(
    state: BundleState,
    points: Sequence[PointSight],
    matches: Sequence[MatchSight] | MatchTable,
    config: BundleConfig = BundleConfig(),
) -> Adjusted:
    """The cameras, lenses and scales that explain the sights best, from a start near by.

    The depth of each point starts as it is drawn, unless the state has changes of the depths of
    as many points as the matches show.
    """
    table = matches if isinstance(matches, MatchTable) else MatchTable.of(matches)
    started = state
    if len(state.depth_changes) != table.points:
        started = replace(state, depth_changes=np.zeros(table.points))
    bundle = _Bundle(tuple(points), table, config, started)
    return Adjusted(*minimise(bundle, started, config.descent))


@dataclass(frozen=True)
class _Rest:
    """What turns a step of the free numbers into one of all: basis (all, free), and the matches."""

    basis: Array
    matches: MatchTerm


@dataclass(frozen=True)
class _Bundle:
    points: tuple[PointSight, ...]
    matches: MatchTable
    config: BundleConfig
    start: BundleState

    def linearised(self, state: BundleState) -> Normal[_Rest]:
        terms, views = self.config.terms, len(state.centres)
        own = match_term(self.matches, state, terms)
        blocks = [point_block(sight, state) for sight in self.points]
        if terms.smoothness > 0:
            blocks += [smoothness_block(i, state, terms) for i in range(views - 1)]
        blocks += [prior_block(i, state, self.start, terms) for i in range(views)]
        H, g = own.H.copy(), own.g.copy()
        for block in blocks:
            H[np.ix_(block.index, block.index)] += block.H
            g[block.index] += block.g
        basis = self._basis(state)
        cost = own.cost + sum(block.cost for block in blocks)
        return Normal(cost, basis.T @ H @ basis, basis.T @ g, _Rest(basis, own))

    def _basis(self, state: BundleState) -> Array:
        """(all, free): the directions in which the numbers may move."""
        config, views = self.config, len(state.centres)
        columns: list[Array] = []
        for view in range(views):
            if view in config.fixed:
                continue
            free = [*range(6), SCALE] if config.free_scales else range(6)
            for number in free:
                column = np.zeros(PER_VIEW * views)
                column[PER_VIEW * view + number] = 1.0
                columns.append(column)
        lenses = np.zeros((views, config.lens.value, PER_VIEW * views))
        for view in range(views):
            at = PER_VIEW * view + LENS
            lenses[view, :, at : at + 4] = config.lens.directions(state.lenses[view]).T
        columns += list(
            lenses.sum(0) if config.shared_lens else lenses.reshape(-1, PER_VIEW * views)
        )
        return np.array(columns).reshape(-1, PER_VIEW * views).T

    def moved(self, state: BundleState, normal: Normal[_Rest], step: Array) -> BundleState:
        full = normal.rest.basis @ step
        each = full.reshape(-1, PER_VIEW)
        return BundleState(
            state.rotations @ rotation_from_vector(each[:, :3]),
            state.centres + each[:, 3:6],
            moved_lens(state.lenses, each[:, LENS : LENS + 4]),
            state.log_scales + each[:, SCALE],
            state.depth_changes + normal.rest.matches.depth_step(full),
        )
