"""Shows on the panels what the worker tells: one way, from the walk to the window."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from PyQt6.QtCore import QObject, QTimer, pyqtSignal

from engine.geometry.cameras import Camera
from explorer.app.flight import Flight
from explorer.app.line import Line
from explorer.app.panels.meter import ConsistencyMeter
from explorer.app.panels.pictures import PicturePanes
from explorer.app.panels.strip import InterleaveStrip
from explorer.app.panels.why import WhyPanel
from explorer.app.work.events import Drawn, Explained, HeadMoved, Opened, Restored, RevisitScored
from explorer.app.world_view.world_view import WorldView
from explorer.walk.records import DrawnView
from explorer.walk.session.records import Moved, Node

#: Restored views are shown in slices of this many seconds, so that the window stays alive.
SLICE = 0.008
#: A share of the picture that is less than this is no sky to be under.
LEAST_SKY = 0.02


@dataclass(frozen=True)
class Panels:
    """The widgets that show a walk."""

    world: WorldView
    pictures: PicturePanes
    strip: InterleaveStrip
    why: WhyPanel
    meter: ConsistencyMeter


class Stage(QObject):
    """What is on show of the open walk.

    Signals:
        explanation_wanted: (int) the node whose context views the panel wants to show.
    """

    explanation_wanted = pyqtSignal(int)

    def __init__(self, panels: Panels, flight: Flight, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._panels = panels
        self._flight = flight
        self.line = Line(_nothing)
        self.raw = False
        self.scene_scale = 1.0
        self._inspected: int | None = None
        self._rests_at_known = False
        self._to_show: deque[Node] = deque()
        self._filler = QTimer(self)
        self._filler.setInterval(0)
        self._filler.timeout.connect(self._fill)

    @property
    def inspected(self) -> Node | None:
        """The node that the picture panes show."""
        return next((n for n in self.line.nodes if n.id == self._inspected), None)

    def opened(self, event: Opened) -> None:
        """A walk was opened: nothing of the last one stays."""
        self.clear(event.read)
        photo, panels = event.photo, self._panels
        panels.world.set_lens(photo.camera, photo.width, photo.height, 1.0)
        shown = photo.rgb if photo.picture is None else photo.picture
        panels.world.picture.shelf.begin(shown, photo.camera)
        panels.world.set_camera(photo.camera)
        panels.pictures.set_busy("looking at the photo")
        self._flight.begin(photo.camera, 1.0)

    def clear(self, read: Callable[[int], DrawnView] | None = None) -> None:
        """An empty stage."""
        self._filler.stop()
        self._to_show.clear()
        self.line, self._inspected = Line(read or _nothing), None
        self._panels.world.picture.shelf.clear(read)
        for panel in (
            self._panels.world,
            self._panels.pictures,
            self._panels.strip,
            self._panels.meter,
            self._panels.why,
        ):
            panel.clear()

    def restored(self, event: Restored) -> None:
        """An earlier walk stands again, at its head."""
        self._set_scale(event.scene_scale)
        self.moved(HeadMoved(event.moved))

    def drawn(self, event: Drawn) -> None:
        """A view, or the depth of one, was drawn."""
        self._set_scale(event.scene_scale)
        node, view = event.added.node, event.added.drawn
        is_new = self.line.add(node, view)
        picture = self._panels.world.picture
        picture.shelf.set_line(self.line.nodes)
        picture.shelf.give(node.id, view)
        picture.look_from()
        self._panels.world.apply_cloud(event.added.cloud)
        if is_new and self._to_show:
            self._to_show.append(node)  # after the restored ones that are still to come
        elif is_new:
            self._show_new(node, view)
        else:
            self._panels.strip.add(node, view)
        self._flight.set_line(self.line.cameras)
        if event.ticket < 0:  # a job flies by itself
            self._flight.jump(node.camera)
        self._panels.strip.set_head(node.id)
        if event.ticket >= 0 and self._rests_at_known:
            return  # it was asked for on the way; where the flight rests, something else is seen
        self.inspect(node.id)

    def moved(self, event: HeadMoved) -> None:
        """Another node is the head."""
        moved: Moved = event.moved
        same = self.line.replace(moved.line)
        self._panels.world.picture.shelf.set_line(moved.line)
        self._to_show.clear()
        panels = self._panels
        panels.world.keep_views(set(range(same)))
        panels.strip.keep({node.id for node in moved.line[:same]})
        panels.meter.keep_until(same - 1)
        panels.world.apply_cloud(moved.cloud)
        self._to_show.extend(moved.line[same:])
        self._flight.set_line(self.line.cameras)
        if not moved.line:
            return
        self._fill()
        head = moved.line[-1]
        self.inspect(head.id)
        self._flight.jump(head.camera)
        panels.strip.set_head(head.id)

    def explained(self, event: Explained) -> None:
        """The context views of the inspected node."""
        if event.node_id == self._inspected:
            self._panels.why.show_why(self.line.drawn(event.node_id), event.parts)

    def scored(self, event: RevisitScored) -> None:
        self._panels.meter.show_test(event.score.psnr_db)

    def inspect(self, node_id: int) -> None:
        """Shows a node's pictures in the panes; the camera stays."""
        self._inspected = node_id
        node = self.inspected
        if node is None:
            return
        title = "photo" if node.view_id == 0 else f"view {node.view_id}"
        self._panels.pictures.show_view(self.line.drawn(node_id), title)
        if self._panels.why.isVisible():
            self.explanation_wanted.emit(node_id)

    def show_known(self, view_id: int) -> None:
        """The flight rests where a view was drawn: that is what the panes show."""
        node = self.line.node_of_view(view_id)
        if node is not None:
            self.inspect(node.id)
            self._rests_at_known = True

    def set_raw(self, raw: bool) -> None:
        """Shows the model's pictures instead of the final ones."""
        self.raw = raw
        self._panels.world.picture.shelf.set_raw(raw)
        self._panels.world.picture.look_from()

    def camera_moved(self, camera: Camera) -> None:
        self._rests_at_known = False
        self._panels.world.set_camera(camera)

    def _show_new(self, node: Node, view: DrawnView) -> None:
        self._panels.world.add_view(node.view_id, node.camera, view.shown_rgb(self.raw))
        self._panels.strip.add(node, view)
        if node.view_id == 0:
            self._panels.world.set_sky(sky_colour(view))
        else:
            self._panels.meter.add(node.view_id, view.agreement_db, view.depth_scale, view.coverage)

    def _set_scale(self, scene_scale: float) -> None:
        if scene_scale != self.scene_scale or len(self.line) == 0:
            self.scene_scale = scene_scale
            self._panels.world.picture.shelf.scene_scale = scene_scale
            self._flight.set_scale(scene_scale)

    def _fill(self) -> None:
        """Shows as many of the restored views as fit into a slice, and comes back for more."""
        until = time.perf_counter() + SLICE
        while self._to_show and time.perf_counter() < until:
            node = self._to_show.popleft()
            self._show_new(node, self.line.drawn(node.id))
        if self._to_show:
            self._filler.start()
        else:
            self._filler.stop()


def _nothing(node_id: int) -> DrawnView:
    raise ValueError(f"no walk is open that has a node {node_id}")


def sky_colour(drawn: DrawnView) -> tuple[float, float, float] | None:
    """The mean colour of a view's sky, each in [0, 1]; None where it shows (almost) none."""
    depth = drawn.view.depth
    if depth is None:
        return None
    sky = np.isposinf(depth)
    if sky.mean() < LEAST_SKY:
        return None
    red, green, blue = drawn.view.rgb[sky].mean(axis=0) / 255.0
    return float(red), float(green), float(blue)
