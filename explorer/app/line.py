"""The line of views that is shown, the photo first, with their pictures."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import replace

from engine.geometry.cameras import Camera
from explorer.walk.records import DrawnView
from explorer.walk.session.records import Node

#: Views that stay in RAM, about 0.7 MB each at 256x144, and those that keep their picture at its
#: full size with them, 6.5 MB each at 1280x720.
VIEWS_IN_RAM, PICTURES_IN_RAM = 256, 12


class Line:
    """Nodes from the photo to the head.

    Args:
        read: a node's view from the disk, by node id.
    """

    def __init__(self, read: Callable[[int], DrawnView]) -> None:
        self._read = read
        self._nodes: list[Node] = []
        self._views: OrderedDict[int, DrawnView] = OrderedDict()
        self._pictures: OrderedDict[int, None] = OrderedDict()

    def __len__(self) -> int:
        return len(self._nodes)

    @property
    def nodes(self) -> Sequence[Node]:
        return self._nodes

    @property
    def head(self) -> Node | None:
        return self._nodes[-1] if self._nodes else None

    @property
    def cameras(self) -> list[Camera]:
        return [node.camera for node in self._nodes]

    def node_of_view(self, view_id: int) -> Node | None:
        """The node that is view `view_id` of this line."""
        return self._nodes[view_id] if 0 <= view_id < len(self._nodes) else None

    def add(self, node: Node, drawn: DrawnView) -> bool:
        """A view was drawn; False where it is one of the line already, which got its depth."""
        self._keep(node.id, drawn)
        for index, known in enumerate(self._nodes):
            if known.id == node.id:
                self._nodes[index] = node
                return False
        self._nodes.append(node)
        return True

    def replace(self, nodes: Sequence[Node]) -> int:
        """Another line; returns how many of its first nodes were shown before."""
        same = 0
        for old, new in zip(self._nodes, nodes, strict=False):
            if old.id != new.id:
                break
            same += 1
        self._nodes = list(nodes)
        return same

    def drawn(self, node_id: int) -> DrawnView:
        """A node's view, from RAM or from the disk; only the latest have their picture.

        Raises:
            ValueError: its file is gone or damaged.
        """
        if node_id not in self._views:
            self._keep(node_id, self._read(node_id))
        self._views.move_to_end(node_id)
        return self._views[node_id]

    def _keep(self, node_id: int, drawn: DrawnView) -> None:
        self._views[node_id] = drawn
        self._views.move_to_end(node_id)
        while len(self._views) > VIEWS_IN_RAM:
            self._views.popitem(last=False)
        if drawn.picture is not None:
            self._pictures[node_id] = None
            self._pictures.move_to_end(node_id)
        while len(self._pictures) > PICTURES_IN_RAM:
            old, _ = self._pictures.popitem(last=False)
            if old in self._views:
                self._views[old] = replace(self._views[old], picture=None)
