"""Tells a viewer what is new in the cloud, so that nobody uploads all points at every view."""

from __future__ import annotations

import numpy as np

from explorer.walk.session.records import CloudUpdate, PointSet
from memory.memory import Memory

#: A view that lost less than this share of its points is not told again.
NOTICEABLE = 0.05


class CloudTeller:
    """Remembers what was told of a memory's points."""

    def __init__(self, memory: Memory) -> None:
        self._memory = memory
        self._told: dict[int, int] = {}

    def forget(self) -> None:
        """Whoever asks next knows nothing."""
        self._told.clear()

    def news(self, all_of_it: bool = False) -> CloudUpdate:
        """What changed since the last time; `all_of_it`: also what changed a little."""
        counts = self._memory.point_counts()
        limit = 0.0 if all_of_it else NOTICEABLE
        changed = {}
        for view_id, count in counts.items():
            told = self._told.get(view_id, 0)
            if abs(count - told) > limit * told:
                changed[view_id] = self._points(view_id)
                self._told[view_id] = count
        gone = frozenset(set(self._told) - set(counts))
        for view_id in gone:
            del self._told[view_id]
        return CloudUpdate(changed, gone)

    def took_back(self, view_id: int) -> None:
        """A view left the memory; another one may get its id."""
        if view_id in self._told:
            self._told[view_id] = -1

    def _points(self, view_id: int) -> PointSet:
        surfels = self._memory.points_of(view_id)
        colours = (surfels.colours.clamp(0.0, 1.0) * 255.0).round()
        return PointSet(
            surfels.positions.cpu().numpy(),
            colours.cpu().numpy().astype(np.uint8),
            surfels.radii.cpu().numpy(),
        )
