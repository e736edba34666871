"""A walk that can be undone, branched, kept and gone on with.

A session is a tree of drawn views in a journal folder. Its head is the view that the next one is
drawn after; the line from the photo to the head is what the memory holds. Everything that changes
it is a generator that changes nothing before its end, so that it may be closed at any yield.
"""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from engine.geometry.cameras import Camera
from engine.geometry.surfels import Surfels
from engine.queries import Engine
from explorer.walk.depth_source import DepthSource
from explorer.walk.files import empty_cache
from explorer.walk.journal import read_journal
from explorer.walk.photo import Photo
from explorer.walk.recorder import Recorder
from explorer.walk.records import DrawnView, StepProgress, WalkSettings
from explorer.walk.session.autosave import MEMORY
from explorer.walk.session.cloud import CloudTeller
from explorer.walk.session.context_parts import context_parts
from explorer.walk.session.photo_file import read_photo, write_photo
from explorer.walk.session.records import (
    Added,
    CloudUpdate,
    ContextPart,
    Moved,
    Node,
    SessionProgress,
)
from explorer.walk.session.settings_file import settings_from_json, settings_to_json
from explorer.walk.session.tree import Standing, Tree, common_events
from explorer.walk.walk import Steps, Walk, WalkError
from memory.config import MemoryConfig
from memory.memory import Memory
from memory.pictures.picture import Picture

Adding = Generator[StepProgress, None, Added]
Rgb = NDArray[np.uint8]


class Session:
    """Use `create` or `open`. One thread at a time; only `read` may be called from any.

    Attributes:
        depth_prior: identity of the source that the photo's depth came from; None for the model.
    """

    def __init__(
        self,
        folder: Path,
        photo: Photo,
        engine: Engine,
        recorder: Recorder,
        tree: Tree,
        depth_source: DepthSource | None = None,
        depth_prior: dict[str, Any] | None = None,
    ) -> None:
        cache = folder / MEMORY
        empty_cache(cache)
        memory = Memory(MemoryConfig(), cache, engine.device, self.picture_of)
        self.folder = folder
        self.photo = photo
        self.depth_prior = depth_prior
        self._engine = engine
        self._depth_source = depth_source
        self._recorder = recorder
        self._tree = tree
        self._walk = self._new_walk(memory)
        self._standing: list[Standing] = []
        self._cloud = CloudTeller(memory)

    def _new_walk(self, memory: Memory) -> Walk:
        return Walk(self.photo, self._engine, memory, self.settings, None, self._depth_source)

    @staticmethod
    def create(
        folder: Path,
        photo: Photo,
        engine: Engine,
        settings: WalkSettings | None = None,
        depth_source: DepthSource | None = None,
        begun_with: dict[str, Any] | None = None,
    ) -> Session:
        """Begins a walk in a folder; a walk that was there is removed.

        Args:
            depth_source: gives the photo's depth; None for the model's own.
            begun_with: where there is no source, the `depth_prior` of the walk that the first views
                are taken from.
        """
        settings = settings or WalkSettings()
        write_photo(folder, photo)
        prior = begun_with if depth_source is None else depth_source.identity
        header = {
            "weights": engine.weights_hash,
            "photo": photo.source_name,
            "depth prior": prior,
        }
        recorder = Recorder.create(folder, header)
        recorder.change(settings_to_json(settings))
        tree = Tree(folder, [], settings)
        return Session(folder, photo, engine, recorder, tree, depth_source, prior)

    @staticmethod
    def open(
        folder: Path, engine: Engine, depth_source: DepthSource | None = None
    ) -> Generator[SessionProgress, None, Session]:
        """Goes on with a walk, also with one that a crash left; every whole event is there.

        Args:
            depth_source: gives further views their depth; None for the model's own.

        Raises:
            JournalError: there is none, or it is damaged.
        """
        journal = read_journal(folder)
        photo = read_photo(folder)
        settings = settings_from_json(journal.settings or {})
        recorder = Recorder.resume(folder, journal)
        tree = Tree(folder, journal.nodes, settings, journal.head, journal.order)
        prior = journal.header.get("depth prior")
        session = Session(folder, photo, engine, recorder, tree, depth_source, prior)
        yield from session._stand_on(session.head)
        return session

    @property
    def settings(self) -> WalkSettings:
        return self._tree.settings

    @property
    def view_source(self) -> DepthSource | None:
        """What is asked for every view's depth; None where only the model is."""
        source = self._depth_source
        return source if source is not None and source.every_view else None

    @property
    def scene_scale(self) -> float:
        """σ of the photo, in scene units."""
        return self._walk.scene_scale

    @property
    def head(self) -> int:
        """Node after which the next view is drawn; −1 before the photo's own depth is drawn."""
        return self._tree.head

    @property
    def nodes(self) -> tuple[Node, ...]:
        """All that was ever drawn, in that order."""
        return self._tree.nodes

    def line(self, node_id: int | None = None) -> tuple[Node, ...]:
        """From the photo to a node; None for the head."""
        return self._tree.line(node_id)

    def children(self, node_id: int) -> tuple[Node, ...]:
        """The nodes that were drawn after it."""
        return self._tree.children(node_id)

    def undo_target(self, steps: int = 1) -> int | None:
        """The node that an undo of so many views goes to; None where there is nothing to undo."""
        return self._tree.undo_target(steps)

    def redo_target(self, steps: int = 1) -> int | None:
        """The node that a redo goes to, along the branch that was last left; None for none."""
        return self._tree.redo_target(steps)

    def read(self, node_id: int) -> DrawnView:
        """A node's view from the disk. Any thread may call this.

        Raises:
            JournalError: its file is missing or damaged.
        """
        return self._tree.read(node_id)

    def change(self, settings: WalkSettings) -> None:
        """Draws with these settings from the next view on."""
        self._recorder.change(settings_to_json(settings))
        self._tree.settings = settings
        self._walk.settings = settings

    def name_branch(self, node_id: int, name: str) -> None:
        """Names the branch that begins at a node."""
        self._tree.name_branch(node_id, name)
        self._recorder.name_branch(node_id, name)

    def start(self) -> Adding:
        """Draws the photo's own depth; the photo is node 0."""
        return (yield from self._added(self._walk.start()))

    def step(self, camera: Camera) -> Adding:
        """Draws what is seen from `camera`, after the head."""
        return (yield from self._added(self._walk.step(camera)))

    def adopt(
        self, camera: Camera, rgb: Rgb, depth: NDArray[np.float32], picture: Rgb | None = None
    ) -> Added:
        """Takes in a view that was seen, not drawn, after the head; see `Walk.adopt`."""
        return self._keep(self._walk.adopt(camera, rgb, depth, picture))

    def draw_depth(self, node_id: int | None = None) -> Adding:
        """Draws the geometry of a view of the line that has none; None for the head's.

        Raises:
            WalkError: it has its depth already, or is on another branch.
        """
        node_id = self.head if node_id is None else node_id
        node = next((n for n in self.line() if n.id == node_id), None)
        if node is None:
            raise WalkError(f"view {node_id} is on another branch; go there first")
        drawn = yield from self._walk.draw_depth(self.read(node_id))
        file = self._recorder.record_depth(node_id, drawn)
        self._tree.depth_came(node_id, drawn, file)
        self._standing.append(("depth", node_id))
        return Added(self._tree.nodes[node_id], drawn, self._cloud.news())

    def go_to(self, node_id: int) -> Generator[SessionProgress, None, Moved]:
        """Makes a node the head; what the memory holds follows."""
        if not 0 <= node_id < len(self.nodes):
            raise WalkError(f"there is no view {node_id} to go to")
        yield from self._stand_on(node_id)
        if node_id != self.head:
            self._recorder.go_to(node_id)
            self._tree.go_to(node_id)
        return Moved(node_id, self.line(), self._cloud.news(all_of_it=True))

    def points(self) -> Surfels:
        """The fused cloud of the line."""
        return self._walk.memory.points()

    def picture_of(self, view_id: int) -> Picture | None:
        """The picture of a view that the memory holds, by its id there; see `Tree.picture_of`."""
        return self._tree.picture_of(view_id, self._standing)

    def cloud(self) -> CloudUpdate:
        """Every point, for a viewer that knows none."""
        self._cloud.forget()
        return self._cloud.news(all_of_it=True)

    def context_parts(self, node_id: int) -> tuple[ContextPart, ...]:
        """The views that a node was drawn from, each with what it saw of the picture.

        A view without depth is placed by the memory's.
        """
        drawn = self.read(node_id)
        line = self.line(node_id)
        view = drawn.view
        depth = view.depth
        if depth is None:
            seen = self._walk.memory.look(view.camera, view.height, view.width)
            depth = seen.depth.cpu().numpy()
        return context_parts(drawn, np.asarray(depth), lambda v: self.read(line[v].id).view)

    def close(self) -> None:
        """Notes that the walk was left in order."""
        self._recorder.close()
        empty_cache(self.folder / MEMORY)

    def _added(self, steps: Steps) -> Adding:
        return self._keep((yield from steps))

    def _keep(self, drawn: DrawnView) -> Added:
        file = self._recorder.record(drawn)
        node = self._tree.add(drawn, file)
        self._standing.append(("view", node.id))
        return Added(node, drawn, self._cloud.news())

    def _stand_on(self, node_id: int) -> Generator[SessionProgress, None, None]:
        """Brings the memory to a node's line, keeping what both lines have.

        Closed on the way, it leaves the memory on an earlier view of that line, and the head with
        it.
        """
        wanted = self._tree.events_of_line(node_id)
        kept = common_events(self._standing, wanted, self._tree)
        if kept < len(self._standing):
            self._forget_after(kept)
        todo = wanted[len(self._standing) :]
        try:
            for done, (kind, node) in enumerate(todo):
                yield SessionProgress("bringing back what was drawn", done, len(todo))
                self._restore(kind, node)
        except GeneratorExit:
            self._settle()
            raise

    def _settle(self) -> None:
        """The head is what the memory stands on."""
        stands = [node for kind, node in self._standing if kind == "view"]
        if stands and stands[-1] != self.head:
            self._recorder.go_to(stands[-1])
            self._tree.go_to(stands[-1])

    def _restore(self, kind: Literal["view", "depth"], node: int) -> None:
        if kind == "view":
            self._walk.restore(self._tree.as_drawn(node))
        else:
            self._walk.restore_depth(self.read(node))
        self._standing.append((kind, node))

    def _forget_after(self, kept: int) -> None:
        views = [node for kind, node in self._standing[:kept] if kind == "view"]
        if views:
            self._walk.rewind(self._tree.nodes[views[-1]].view_id)
        else:
            memory = self._walk.memory
            memory.clear_after(-1)
            self._walk = self._new_walk(memory)
        for _, node in self._standing[kept:]:
            self._cloud.took_back(self._tree.nodes[node].view_id)
        self._standing = self._standing[:kept]
