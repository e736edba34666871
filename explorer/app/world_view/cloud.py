"""The points: one node a keyframe, so that a new view uploads only what it added."""

from __future__ import annotations

import numpy as np
from vispy import scene

from explorer.app.world_view.points import Points
from explorer.walk.session.records import CloudUpdate, PointSet

#: Thinned points are enlarged by at most this, to close the gaps.
LARGEST = 3.0


class CloudNodes:
    """Points of a walk in a scene.

    Args:
        parent: the scene's root.
        budget: points shown at most; where there are more, each keyframe is thinned at random.
    """

    def __init__(self, parent: scene.Node, budget: int = 200_000) -> None:
        self._parent = parent
        self._budget = budget
        self._size = 1.0
        self._visible = True
        self._points: dict[int, PointSet] = {}
        self._nodes: dict[int, scene.Node] = {}
        self._share = 1.0
        self._focal = 100.0
        self._thinned = 1.0

    def __len__(self) -> int:
        """How many points there are, shown or not."""
        return sum(len(points) for points in self._points.values())

    @property
    def shown(self) -> int:
        """How many points are drawn."""
        return sum(max(1, int(len(p) * self._share)) for p in self._points.values() if len(p))

    @property
    def drawn(self) -> int:
        """How many of them are drawn now."""
        return int(self.shown * self._thinned) if self._visible else 0

    def apply(self, update: CloudUpdate) -> None:
        """Replaces the points of some keyframes."""
        self.remove(update.gone)
        for view_id, points in update.changed.items():
            self._points[view_id] = _shuffled(points)
        share = self._wanted_share()
        # A share that changes by little is not worth uploading everything again.
        if abs(share - self._share) > 0.15 * self._share:
            self._share = share
            self._upload(self._points)
        else:
            self._upload(update.changed)

    def keep(self, view_ids: set[int]) -> None:
        """Other keyframes vanish."""
        self.remove(set(self._points) - view_ids)

    def remove(self, view_ids: set[int] | frozenset[int]) -> None:
        for view_id in view_ids:
            self._points.pop(view_id, None)
            node = self._nodes.pop(view_id, None)
            if node is not None:
                node.parent = None

    def clear(self) -> None:
        self.remove(set(self._points))
        self._share = 1.0

    def set_budget(self, points: int) -> None:
        self._budget = points
        share = self._wanted_share()
        if share != self._share:
            self._share = share
            self._upload(self._points)

    def thin(self, points: int | None) -> None:
        """Draws at most so many points for now; None for all that the budget allows."""
        share = 1.0 if points is None else min(1.0, points / max(self.shown, 1))
        if share == self._thinned:
            return
        self._thinned = share
        for view_id in self._nodes:
            self._thin_node(view_id)

    def _thin_node(self, view_id: int) -> None:
        count = max(1, int(len(self._points[view_id]) * self._share * self._thinned))
        self._nodes[view_id].set_thinned(count, self._enlarged(self._share * self._thinned))

    def _enlarged(self, share: float) -> float:
        return float(min(LARGEST, share**-0.5) * self._size)

    def set_size(self, factor: float) -> None:
        """Points this much larger than what they cover."""
        self._size = factor
        self._upload(self._points)

    def set_focal(self, pixels: float) -> None:
        """Framebuffer pixels that one world unit covers at depth one."""
        if pixels != self._focal:
            self._focal = pixels
            for node in self._nodes.values():
                node.set_focal(pixels)

    def set_visible(self, visible: bool) -> None:
        self._visible = visible
        for node in self._nodes.values():
            node.visible = visible

    def positions(self) -> np.ndarray:
        """(N, 3) of all points."""
        if not self._points:
            return np.zeros((0, 3), np.float32)
        return np.concatenate([p.positions for p in self._points.values()])

    def _wanted_share(self) -> float:
        return min(1.0, self._budget / max(len(self), 1))

    def _upload(self, view_ids: object) -> None:
        for view_id in list(view_ids):  # type: ignore[call-overload]
            points = self._points[view_id]
            if not len(points):
                continue
            node = self._nodes.get(view_id)
            if node is None:
                node = Points(parent=self._parent)
                node.set_focal(self._focal)
                node.visible = self._visible
                self._nodes[view_id] = node
            count = max(1, int(len(points) * self._share))
            node.set_data(
                points.positions[:count],
                points.radii[:count],
                points.colours[:count],
                self._enlarged(self._share),
            )
            if self._thinned < 1.0:
                self._thin_node(view_id)


def _shuffled(points: PointSet) -> PointSet:
    """In random order, so that any first part is a fair thinning."""
    order = np.random.default_rng(len(points)).permutation(len(points))
    return PointSet(points.positions[order], points.colours[order], points.radii[order])
