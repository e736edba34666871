"""All views of a session and how they follow on each other; pictures stay on the disk."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from threading import Lock
from typing import Any, Literal

from explorer.walk.journal import read_picture, read_view
from explorer.walk.journal_events import camera_of
from explorer.walk.recorder import describe
from explorer.walk.records import DrawnView, WalkSettings
from explorer.walk.session.records import Node
from memory.pictures.picture import Picture

VIEWS_IN_RAM = 32
#: Of which the pictures take no more bytes than this.
PICTURES_IN_RAM = 128 << 20

Order = list[tuple[Literal["view", "depth"], int]]

#: An event that the memory stands on, and its node.
Standing = tuple[Literal["view", "depth"], int]


class Tree:
    """Nodes with their head.

    Args:
        folder: of the journal.
        entries: of the nodes, as `explorer.walk.journal.Journal` has them.
        settings: those that the next view is drawn with.
        head: see there.
        order: what came when.
    """

    def __init__(
        self,
        folder: Path,
        entries: Sequence[dict[str, Any]],
        settings: WalkSettings,
        head: int = -1,
        order: Sequence[tuple[Literal["view", "depth"], int]] = (),
    ) -> None:
        self.settings = settings
        self._folder = folder
        self._entries = list(entries)
        self._nodes = [_node(k, entry) for k, entry in enumerate(self._entries)]
        self._order: Order = list(order)
        self._head = head
        self._latest_child: dict[int, int] = {
            n.parent: n.id for n in self._nodes if n.parent is not None
        }
        self._views: OrderedDict[int, DrawnView] = OrderedDict()
        self._lock = Lock()
        if head >= 0:
            self._remember_way(head)

    @property
    def head(self) -> int:
        return self._head

    @property
    def nodes(self) -> tuple[Node, ...]:
        return tuple(self._nodes)

    def line(self, node_id: int | None = None) -> tuple[Node, ...]:
        """From the photo to a node; None for the head."""
        current = self._head if node_id is None else node_id
        found: list[Node] = []
        while current >= 0:
            node = self._nodes[current]
            found.append(node)
            current = -1 if node.parent is None else node.parent
        return tuple(reversed(found))

    def children(self, node_id: int) -> tuple[Node, ...]:
        return tuple(n for n in self._nodes if n.parent == node_id)

    def undo_target(self, steps: int) -> int | None:
        """So many views back, as far as there are any."""
        line = self.line()
        return line[max(len(line) - 1 - steps, 0)].id if len(line) > 1 else None

    def redo_target(self, steps: int) -> int | None:
        """So many views on, along what was last left."""
        target = self._head
        for _ in range(steps):
            target = self._latest_child.get(target, target)
        return target if target != self._head else None

    def events_of_line(self, node_id: int) -> Order:
        """The events that made a line, in the order in which they happened."""
        line = {node.id for node in self.line(node_id)}
        return [event for event in self._order if event[1] in line]

    def add(self, drawn: DrawnView, file: str) -> Node:
        """A view was drawn after the head and recorded in `file`."""
        entry = {**describe(drawn), "file": file, "parent": self._head, "branch": ""}
        node = _node(len(self._nodes), entry)
        with self._lock:
            self._entries.append(entry)
            self._nodes.append(node)
            self._keep(node.id, drawn)
        self._order.append(("view", node.id))
        self._head = node.id
        self._remember_way(node.id)
        return node

    def depth_came(self, node_id: int, drawn: DrawnView, file: str) -> None:
        """A node's view got its depth, and that was recorded in `file`."""
        with self._lock:
            self._entries[node_id].update(describe(drawn), depth_file=file)
            self._nodes[node_id] = replace(self._nodes[node_id], description=describe(drawn))
            self._keep(node_id, drawn)
        self._order.append(("depth", node_id))

    def go_to(self, node_id: int) -> None:
        self._head = node_id
        self._remember_way(node_id)

    def name_branch(self, node_id: int, name: str) -> None:
        self._nodes[node_id] = replace(self._nodes[node_id], branch=name)

    def read(self, node_id: int) -> DrawnView:
        """A node's view, with the depth that came later; thread-safe."""
        with self._lock:
            if node_id in self._views:
                self._views.move_to_end(node_id)
                return self._views[node_id]
            drawn = read_view(self._folder, self._entries[node_id])
            self._keep(node_id, drawn)
            return drawn

    def picture_of(self, view_id: int, standing: Sequence[Standing]) -> Picture | None:
        """A view's picture alone, from the disk; None where it has none.

        Args:
            standing: the events that the memory stands on; the view is one of these, and its
                picture has a depth that came later where that stands too.

        Raises:
            JournalError: its file is missing or damaged.
            KeyError: there is no such view.
        """
        for kind, node in standing:
            if kind == "view" and self._nodes[node].view_id == view_id:
                entry = self._entries[node]
                return read_picture(self._folder, entry, ("depth", node) in standing)
        raise KeyError(f"there is no view {view_id}")

    def as_drawn(self, node_id: int) -> DrawnView:
        """A node's view as it was before a later depth came."""
        return read_view(self._folder, self._entries[node_id], with_later_depth=False)

    def _remember_way(self, node_id: int) -> None:
        """A redo from any node of this line follows it."""
        for node in self.line(node_id)[1:]:
            assert node.parent is not None
            self._latest_child[node.parent] = node.id

    def _keep(self, node_id: int, drawn: DrawnView) -> None:
        self._views[node_id] = drawn
        self._views.move_to_end(node_id)
        taken = sum(_picture_bytes(view) for view in self._views.values())
        while len(self._views) > VIEWS_IN_RAM or (taken > PICTURES_IN_RAM and len(self._views) > 1):
            taken -= _picture_bytes(self._views.popitem(last=False)[1])


def _picture_bytes(drawn: DrawnView) -> int:
    picture = drawn.picture
    if picture is None:
        return 0
    return picture.rgb.nbytes + (0 if picture.depth is None else picture.depth.nbytes)


def _node(node_id: int, entry: dict[str, Any]) -> Node:
    hidden = ("event", "file", "depth_file", "parent", "branch")
    return Node(
        id=node_id,
        parent=None if entry["parent"] < 0 else int(entry["parent"]),
        view_id=int(entry["view"]),
        camera=camera_of(entry),
        branch=str(entry["branch"]),
        description={k: v for k, v in entry.items() if k not in hidden},
    )


def common_events(standing: list[Standing], wanted: list[Standing], tree: Tree) -> int:
    """How many of the events that stand may stay.

    Taking back goes by views: a view goes with its depth, whenever that came. So what stays must
    be, of what stands, all events of some first views, and must be how `wanted` begins.
    """
    for kept in range(min(len(standing), len(wanted)), 0, -1):
        if standing[:kept] != wanted[:kept]:
            continue
        last = max(tree.nodes[node].view_id for _, node in standing[:kept])
        if all(tree.nodes[node].view_id > last for _, node in standing[kept:]):
            return kept
    return 0
