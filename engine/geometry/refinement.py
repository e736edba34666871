"""From placed views to cameras that all matches agree on, whatever the depth pictures are worth.

Two starts are descended. One believes the depth pictures, the other takes each view for a flat
one, as a wrong relief misleads more than none; its depths are those that the matches then ask
for. Both end with the same loss, in which drawn depths have a small say, and the better one wins.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from engine.geometry.bundle.adjustment import BundleConfig, adjust
from engine.geometry.bundle.least_squares import DescentConfig
from engine.geometry.bundle.matches import MatchSight, MatchTable, depth_disagreement
from engine.geometry.bundle.terms import BundleState, TermConfig
from engine.geometry.lenses import LensModel
from engine.geometry.placing import Placed
from engine.geometry.tracks import tracked

#: The reach of matches shrinks to its own value over these multiples of it: a wide one finds
#: the way, a narrow one tells which matches are wrong. With the gain at which each descent ends.
_WIDENINGS = ((6.0, 1e-3), (1.0, 1e-5))
#: Views that disagree this much about depth err about that much more from the truth, within bounds.
_DISAGREEMENT_TO_SPREAD, _SPREADS = 1.5, (0.03, 0.3)
_CLEARLY = 0.95


@dataclass(frozen=True, eq=False)
class Solution:
    """Attributes:
    order: the views that have a place; the state's are numbered by it.
    unit: world units that count as one in the state.
    state: cameras, depth scales and depths of points.
    table: the matches.
    cost: of the loss that was descended last.
    """

    order: tuple[int, ...]
    unit: float
    state: BundleState
    table: MatchTable
    cost: float


@dataclass(frozen=True)
class Refiner:
    """Attributes:
    size: height and width of the pictures.
    lens: what is sought of the lens.
    terms: spreads and weights of the loss.
    """

    size: tuple[int, int]
    lens: LensModel
    terms: TermConfig

    def trusting(self, placed: Placed, sights: Sequence[MatchSight]) -> Refiner:
        """Trusts depth as far as views that are placed by it agree on it."""
        start = self._start(placed, sights)
        apart = depth_disagreement(start.table, start.state)
        if not np.isfinite(apart):
            return self
        spread = float(np.clip(_DISAGREEMENT_TO_SPREAD * apart, *_SPREADS))
        return replace(self, terms=replace(self.terms, depth_spread=spread))

    def refined(self, placed: Placed, sights: Sequence[MatchSight]) -> Solution:
        """All placed views descended together, depths as they are drawn at first."""
        return self._descended(self._start(placed, sights))

    def _start(self, placed: Placed, sights: Sequence[MatchSight]) -> Solution:
        order = tuple(sorted(placed.cameras))
        number = {view: i for i, view in enumerate(order)}
        used = [s for s in sights if len(s) and s.view_a in number and s.view_b in number]
        unit = float(np.median(np.concatenate([s.depth_a for s in used]))) if used else 1.0
        chains = [s.renumbered(number, unit) for s in tracked(used)]
        cameras = [placed.cameras[v] for v in order]
        scales = [placed.log_scales[v] for v in order]
        state = BundleState.of(cameras, scales, unit, self.size)
        return Solution(order, unit, state, MatchTable.of(chains), np.inf)

    def with_depth(self, flat: Solution, sights: Sequence[MatchSight]) -> Solution:
        """A solution of flattened sights, descended further with the depths of the real ones."""
        number = {view: i for i, view in enumerate(flat.order)}
        used = [s for s in sights if len(s) and s.view_a in number and s.view_b in number]
        chains = [s.renumbered(number, 1.0) for s in tracked(used)]
        table = MatchTable.of(chains)
        if not len(table):
            return flat
        found = flat.state
        # Drawn depths in the units of the flat solution, one scale for each view.
        ratio = (
            np.log(flat.table.depth_a / table.depth_a)
            + found.log_scales[table.view_a]
            + found.depth_changes[table.point]
        )
        overall = float(np.median(ratio))
        scales = np.array(
            [
                np.median(ratio[table.view_a == v]) if (table.view_a == v).any() else overall
                for v in range(len(flat.order))
            ]
        )
        unit = float(np.median(table.depth_a))
        changes = np.zeros(table.points)
        changes[table.point] = ratio - scales[table.view_a]
        state = replace(
            found,
            centres=found.centres * np.exp(-scales[0]) / unit,
            log_scales=scales - scales[0],
            depth_changes=changes,
        )
        own = [s.renumbered({i: i for i in range(len(flat.order))}, unit) for s in chains]
        return self._descended(Solution(flat.order, unit, state, MatchTable.of(own), np.inf))

    def _descended(self, start: Solution) -> Solution:
        state, cost = start.state, start.cost
        for widening, least_gain in _WIDENINGS:
            config = BundleConfig(
                self.lens,
                terms=replace(self.terms, reach=widening * self.terms.reach),
                descent=DescentConfig(least_gain=least_gain),
            )
            found = adjust(state, [], start.table, config)
            state, cost = found.state, found.cost
        return replace(start, state=state, cost=cost)


def flattened(sights: Sequence[MatchSight]) -> tuple[MatchSight, ...]:
    """The same matches in views that are flat, all at one depth."""
    return tuple(
        replace(
            s,
            depth_a=np.ones_like(s.depth_a),
            depth_b=np.where(np.isfinite(s.depth_b), 1.0, np.nan),
        )
        for s in sights
    )


def better(relief: Solution, flat: Solution) -> Solution:
    """The one that places more views, or the one with the lower cost.

    The flat start must be clearly cheaper: repeated texture can be matched wrongly at little cost,
    and it is depth that speaks against it.
    """
    if len(relief.order) != len(flat.order):
        return relief if len(relief.order) > len(flat.order) else flat
    return flat if flat.cost < _CLEARLY * relief.cost else relief
