"""Between the user, the flight, the worker and the stage: who is told what."""

from __future__ import annotations

from functools import singledispatchmethod
from pathlib import Path

from PyQt6.QtCore import QObject, pyqtSignal, pyqtSlot

from engine.geometry.cameras import Camera
from explorer.app.flight import Flight
from explorer.app.panels.controls import ControlValues
from explorer.app.playback import Playback
from explorer.app.stage import Stage
from explorer.app.work import events, requests
from explorer.app.work.worker import Worker
from explorer.clips.into_walk import is_video
from explorer.walk.ready import EngineOptions
from explorer.walk.session.presets import PRESETS, SecondsModel
from explorer.walk.session.records import Node
from explorer.walk.session.walk_file import SUFFIX


class Conductor(QObject):
    """Holds what a window does, without its widgets.

    Signals:
        state_changed: (str) what is going on, for the status line.
        job_changed: (Busy or None) a job's progress; None when there is none.
        file_opened: (Path or None, title) a walk is on the stage.
        failed: (Failed).
        told: (str) one sentence that may be read and forgotten.
        found_left: (tuple of LeftWalk).
        exported: (Exported).
        export_progressed: (Busy) while exporting.
        estimates_changed: ({preset name: seconds}).
        engine_ready: (EngineReady).
    """

    state_changed = pyqtSignal(str)
    job_changed = pyqtSignal(object)
    file_opened = pyqtSignal(object, str)
    failed = pyqtSignal(object)
    told = pyqtSignal(str)
    found_left = pyqtSignal(object)
    exported = pyqtSignal(object)
    estimates_changed = pyqtSignal(object)
    engine_ready = pyqtSignal(object)

    def __init__(
        self, worker: Worker, flight: Flight, stage: Stage, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self.worker, self.flight, self.stage = worker, flight, stage
        self.playback = Playback(self)
        self.values = ControlValues(settings=PRESETS[1].applied(ControlValues().settings))
        self.wishes = requests.Wishes()
        self.engine = EngineOptions()
        self.nodes: dict[int, Node] = {}
        self.walk_folder: Path | None = None
        self._source: Path | None = None
        self._ticket = 0
        self._job = False
        self._seconds = SecondsModel()
        worker.told.connect(self._hear)
        flight.moved.connect(stage.camera_moved)
        flight.view_wanted.connect(self._want_view)
        flight.known_reached.connect(self._reach_known)
        stage.explanation_wanted.connect(lambda node: worker.ask(requests.Explain(node)))
        self.playback.moved.connect(flight.jump)
        self.playback.shown.connect(lambda node: stage.inspect(node.id))

    @property
    def is_open(self) -> bool:
        """A walk is on the stage."""
        return self.walk_folder is not None

    @property
    def busy_with_job(self) -> bool:
        """A path, a replay, a test or an export is under way; keys do not fly then."""
        return self._job

    def estimates(self) -> dict[str, float]:
        """Seconds per view by preset name, before one is chosen."""
        settings = self.values.settings
        return {p.name: self._seconds.estimate(p.applied(settings), p.size) for p in PRESETS}

    # What the user asks for

    def load_engine(self) -> None:
        self.worker.ask(self.wishes.loading(self.engine, self.values.device))

    def open_file(self, path: Path) -> None:
        """A photo, a video, a `.photowalk` file, or the folder of an earlier walk."""
        self.playback.stop()
        self.worker.stop_current()
        if path.is_dir() or path.suffix == SUFFIX:
            self.worker.ask(requests.OpenWalk(path))
        elif is_video(path):
            video = requests.OpenVideo(path, self.values.settings, self.values.size)
            self.worker.ask(video)
        else:
            values, prior = self.values, self.wishes.prior
            photo = (path, values.settings, values.size, None, values.picture, prior)
            self.worker.ask(requests.OpenPhoto(*photo))

    def set_values(self, values: ControlValues) -> None:
        """The controls were changed."""
        before, self.values = self.values, values
        self.flight.set_speed(values.speed)
        if values.raw != before.raw:
            self.stage.set_raw(values.raw)
        if values.device != before.device:
            self.load_engine()
        if values.settings != before.settings:
            self.worker.ask(requests.Change(values.settings))
        if values.size != before.size and self.is_open:
            source = self._source
            if source is not None and source.is_file() and source.suffix != SUFFIX:
                self.open_file(source)
            else:
                self.told.emit("The new size holds for photos that you open from now on.")

    def fly_path(self, path: str, views: int) -> None:
        self.begin(requests.FlyPath(path, views or None))

    def test(self) -> None:
        self.begin(requests.TestRevisit())

    def replay(self) -> None:
        """The present line again, with the settings of now."""
        if len(self.stage.line) > 1:
            self.begin(requests.Replay(self.values.settings))

    def undo(self) -> None:
        self.ask_open(requests.Undo())

    def redo(self) -> None:
        self.ask_open(requests.Redo())

    def go_to(self, node_id: int) -> None:
        """Goes on from a node, on whatever branch it is."""
        self.ask_open(requests.GoTo(node_id))

    def name_branch(self, node_id: int, name: str) -> None:
        self.ask_open(requests.GoTo(node_id))
        self.ask_open(requests.NameBranch(node_id, name))

    def draw_geometry(self) -> None:
        """Of the view that is inspected."""
        node = self.stage.inspected
        if node is None:
            return
        if self.stage.line.drawn(node.id).view.depth is not None:
            self.told.emit("This view has its geometry already.")
        else:
            self.ask_open(requests.DrawDepth(node.id))

    def go_home(self) -> None:
        self.playback.stop()
        if len(self.stage.line):
            self.flight.fly_to(self.stage.line.nodes[0].camera)

    def fly_back(self) -> None:
        self.playback.stop()
        self.flight.fly_back()

    def fly_to_view(self, view_id: int) -> None:
        node = self.stage.line.node_of_view(view_id)
        if node is not None:
            self.flight.fly_to(node.camera)

    def play(self) -> None:
        """Plays, or stops playing."""
        if self.playback.playing:
            self.playback.stop()
        else:
            self.flight.stop()
            self.playback.play(self.stage.line.nodes)

    def stop(self) -> None:
        """Gives up what is being done, and hovers."""
        self.playback.stop()
        self.flight.stop()
        self.worker.stop_current()

    def export(self, request: requests.Export) -> None:
        self.begin(request)

    def save(self, target: Path) -> None:
        self.ask_open(requests.SaveAs(target))

    # What the worker tells

    @pyqtSlot(object)
    def _hear(self, event: events.Event) -> None:
        self._on(event)

    @singledispatchmethod
    def _on(self, event: object) -> None:
        raise TypeError(f"nobody listens to a {type(event).__name__}")

    @_on.register
    def _(self, event: events.Busy) -> None:
        self.state_changed.emit(event.message)
        if event.job:
            self._job = True
            self.job_changed.emit(event)

    @_on.register
    def _(self, event: events.Idle) -> None:
        self._end_job()
        self.state_changed.emit("")

    @_on.register
    def _(self, event: events.EngineReady) -> None:
        self.engine_ready.emit(event)
        self.estimates_changed.emit(self.estimates())

    @_on.register
    def _(self, event: events.Opened) -> None:
        self._end_job()
        self.nodes.clear()
        self.walk_folder, self._source = event.folder, event.source
        self.stage.opened(event)
        self.flight.set_speed(self.values.speed)
        self.file_opened.emit(event.source, event.photo.source_name)
        for note in event.photo.notes:
            self.told.emit(note)

    @_on.register
    def _(self, event: events.Restored) -> None:
        self.nodes = {node.id: node for node in event.nodes}
        self.stage.restored(event)
        self._end_job()

    @_on.register
    def _(self, event: events.Drawn) -> None:
        node, drawn = event.added.node, event.added.drawn
        self.nodes[node.id] = node
        self.stage.drawn(event)
        sampler = self.values.settings.sampler
        if node.view_id:
            steps = sampler.rgb_steps + (sampler.depth_steps if drawn.view.depth is not None else 0)
            self._seconds.learn(drawn.seconds, steps, (drawn.view.width, drawn.view.height))
            self.estimates_changed.emit(self.estimates())

    @_on.register
    def _(self, event: events.HeadMoved) -> None:
        self.stage.moved(event)
        self.nodes.update({node.id: node for node in event.moved.line})

    @_on.register
    def _(self, event: events.Explained) -> None:
        self.stage.explained(event)

    @_on.register
    def _(self, event: events.RevisitScored) -> None:
        self.stage.scored(event)

    @_on.register
    def _(self, event: events.Exported) -> None:
        self.exported.emit(event)

    @_on.register
    def _(self, event: events.Saved | events.Noted) -> None:
        self.told.emit(event.sentence)

    @_on.register
    def _(self, event: events.FoundLeft) -> None:
        if event.walks:
            self.found_left.emit(event.walks)

    @_on.register
    def _(self, event: events.JobDone) -> None:
        self._end_job()
        self.told.emit(event.sentence)

    @_on.register
    def _(self, event: events.Stopped) -> None:
        self._end_job()
        if self.is_open:  # else nothing was drawn: a file was opened while the model loaded
            self.told.emit("Stopped; what was drawn is kept.")

    @_on.register
    def _(self, event: events.Failed) -> None:
        self._end_job()
        self.failed.emit(event)

    # Inside

    def _want_view(self, camera: Camera) -> None:
        if not self._job:
            self._ticket += 1
            self.worker.ask(requests.DrawView(camera, self._ticket))

    def _reach_known(self, view_id: int) -> None:
        """What was asked for on the way there is not wanted any more."""
        self.worker.forget_view()
        self.stage.show_known(view_id)

    def begin(self, request: requests.Request) -> None:
        """A job, where a walk is open: what is flown by hand ends."""
        if self.is_open:
            self.playback.stop()
            self.flight.stop()
            self.worker.forget_view()
            self._job = True
            self.worker.ask(request)

    def ask_open(self, request: requests.Request) -> None:
        if self.is_open:
            self.playback.stop()
            self.flight.stop()
            self.worker.ask(request)

    def _end_job(self) -> None:
        if self._job:
            self._job = False
            self.job_changed.emit(None)
