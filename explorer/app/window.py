"""The main window: the world in the middle, and what is known of it around."""

from __future__ import annotations

import traceback
from pathlib import Path
from types import TracebackType

import numpy as np
from PyQt6.QtCore import Qt
from PyQt6.QtGui import QCloseEvent, QDragEnterEvent, QDropEvent
from PyQt6.QtWidgets import QDockWidget, QMainWindow, QStackedWidget, QVBoxLayout, QWidget

from engine.model.devices import CPU, devices
from explorer.app import layout
from explorer.app.actions import Actions, add_clip_actions
from explorer.app.conductor import Conductor
from explorer.app.desk import Desk
from explorer.app.dialogs.keys_dialog import HelpOverlay
from explorer.app.flight import Flight
from explorer.app.held_keys import HeldKeys
from explorer.app.keys import Action, KeyBindings
from explorer.app.panels.controls import ControlsPanel
from explorer.app.panels.empty_state import EmptyState, dropped_file
from explorer.app.panels.meter import ConsistencyMeter
from explorer.app.panels.path_job import PathPanel
from explorer.app.panels.pictures import PicturePanes
from explorer.app.panels.strip import InterleaveStrip
from explorer.app.panels.why import WhyPanel
from explorer.app.preferences import Preferences
from explorer.app.stage import Panels, Stage
from explorer.app.status import StatusLine
from explorer.app.work import requests
from explorer.app.work.events import Busy, Failed
from explorer.app.work.studio import Studio
from explorer.app.work.worker import Worker, sentence_of
from explorer.app.world_view.world_view import FLY, MAP, WorldView
from explorer.store.store import ModelStore
from explorer.walk.motion.autopilot import near_point
from explorer.walk.ready import EngineOptions
from explorer.walk.session.autosave import AutosaveFolders, LeftWalk

ON_CPU = EngineOptions(device=CPU)


class MainWindow(QMainWindow):
    """See the module.

    Args:
        preferences: where the layout, the keys and the recent files are kept.
        engine: what is drawn with; its device is the first in the list of devices.
        store: models of others; None for the user's.
    """

    def __init__(
        self,
        preferences: Preferences | None = None,
        engine: EngineOptions = ON_CPU,
        store: ModelStore | None = None,
    ) -> None:
        super().__init__()
        self.preferences = preferences or Preferences()
        self.bindings = KeyBindings(self.preferences.settings)
        self.autosave = AutosaveFolders(self.preferences.walks_folder)
        self.setWindowTitle("Photowalk")
        self.setAcceptDrops(True)
        self.resize(1280, 800)
        self._make_panels(devices(engine.device))
        self.worker = Worker(Studio(self.autosave, store), self)
        self.flight = Flight(parent=self)
        panels = Panels(self.world, self.pictures, self.strip, self.why, self.meter)
        self.stage = Stage(panels, self.flight, self)
        self.conductor = Conductor(self.worker, self.flight, self.stage, self)
        self.conductor.engine = engine
        self.desk = Desk(self, self.conductor, self.preferences, self.bindings, store)
        self._make_actions()
        self.status = StatusLine(self, self.conductor, self.world)
        self._connect()
        self._restore_layout()
        self.help: HelpOverlay | None = None
        self.held_keys = HeldKeys(self, self.bindings, self.conductor, self.flight)
        self.held_keys.install()
        self.worker.start()
        self.conductor.values = self.controls.values()
        self.conductor.load_engine()
        self.worker.ask(requests.LookForLeft())

    # Making

    def _make_panels(self, places: tuple[str, ...]) -> None:
        self.world, self.empty = WorldView(), EmptyState()
        self.empty.set_recent(self.preferences.recent)
        self.middle = QStackedWidget()
        self.middle.addWidget(self.empty)
        self.middle.addWidget(self.world)
        self.setCentralWidget(self.middle)
        self.controls, self.paths = ControlsPanel(places), PathPanel()
        self.pictures, self.strip = PicturePanes(), InterleaveStrip()
        self.why, self.meter = WhyPanel(), ConsistencyMeter()
        left = QWidget()
        column = QVBoxLayout(left)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.paths)
        column.addWidget(self.controls, 1)
        self.docks: dict[layout.Dock, QDockWidget] = {
            dock: layout.add_dock(self, dock, panel)
            for dock, panel in (
                (layout.CONTROLS, left),
                (layout.PICTURES, self.pictures),
                (layout.WHY, self.why),
                (layout.METER, self.meter),
                (layout.STRIP, self.strip),
            )
        }
        layout.arrange(self, self.docks)

    def _make_actions(self) -> None:
        does = {
            Action.OPEN: self.choose_file,
            Action.SAVE: self.desk.save_as,
            Action.EXPORT: self.desk.open_export,
            Action.QUIT: self.close,
            Action.RETURN: self.conductor.fly_back,
            Action.HOME: self.conductor.go_home,
            Action.PAUSE: self._pause,
            Action.STOP: self.conductor.stop,
            Action.UNDO: self.conductor.undo,
            Action.REDO: self.conductor.redo,
            Action.BRANCH: self._branch,
            Action.PLAY: self.conductor.play,
            Action.GEOMETRY: self.conductor.draw_geometry,
            Action.TEST: self.conductor.test,
            Action.MAP: self._map,
            Action.RAW: self.controls.raw.toggle,
            Action.HELP: self._help,
            Action.FULL_SCREEN: self._full_screen,
        }
        self.actions_by_key = Actions(self, self.bindings, does)
        add = self.actions_by_key.add
        add("File", "Settings…", "Keys, mouse, folders, models", self._settings)
        add_clip_actions(self.actions_by_key, self.desk, self.stage)
        add(
            "Walk",
            "Go on from the inspected view",
            "A new branch begins there",
            self._go_on_from_inspected,
        )
        add(
            "Walk",
            "Replay with the present settings",
            "Draws the same path again, in a walk of its own",
            self.conductor.replay,
        )
        self.branches = self.actions_by_key.menus["Walk"].addMenu("Branches")
        assert self.branches is not None
        self.branches.aboutToShow.connect(self._list_branches)
        for dock in self.docks.values():
            self.actions_by_key.menus["Look"].addAction(dock.toggleViewAction())

    def _connect(self) -> None:
        conductor, world = self.conductor, self.world
        self.empty.open_requested.connect(self.choose_file)
        self.empty.file_chosen.connect(self.open_file)
        self.controls.changed.connect(self._controls_changed)
        self.paths.path_requested.connect(conductor.fly_path)
        self.paths.cancel_requested.connect(conductor.stop)
        self.meter.test_requested.connect(conductor.test)
        self.why.strategy_chosen.connect(self._choose_strategy)
        self.why.view_picked.connect(conductor.fly_to_view)
        self.strip.inspected.connect(lambda node, _kind: self.stage.inspect(node))
        self.strip.scrubbed.connect(self.stage.inspect)
        world.camera_picked.connect(conductor.fly_to_view)
        world.point_picked.connect(self._fly_near)
        world.looked.connect(self._looked)
        world.failed.connect(lambda sentence, _details: self.status.tell(sentence))
        conductor.state_changed.connect(self.empty.set_state)
        conductor.job_changed.connect(self._show_job)
        conductor.file_opened.connect(self._opened)
        conductor.failed.connect(lambda _failure: self.empty.set_state(""))
        conductor.told.connect(self.status.tell)
        conductor.found_left.connect(self._left)
        conductor.estimates_changed.connect(self.controls.set_estimates)
        conductor.engine_ready.connect(
            lambda ready: self.empty.set_state(f"The model is ready on {ready.device}")
        )

    # What the user does

    def open_file(self, path: Path) -> None:
        """Opens a photo, a video, a walk file, or the folder of an earlier walk."""
        self.empty.set_state(f"Opening {path.name} …")
        self.conductor.open_file(path)

    def choose_file(self) -> None:
        path = self.desk.choose_file()
        if path is not None:
            self.open_file(path)

    def _settings(self) -> None:
        dialog = self.desk.open_settings()
        dialog.changed.connect(self.actions_by_key.apply_keys)

    def _help(self) -> None:
        self.help = HelpOverlay(self.bindings, self)
        self.help.appear()

    def _branch(self) -> None:
        node = self.stage.inspected
        if node is not None:
            self.desk.name_branch(node.id)

    def _pause(self) -> None:
        self.flight.set_paused(not self.flight.paused)
        self.actions_by_key[Action.PAUSE].setChecked(self.flight.paused)
        self.status.tell(
            "Paused: you fly, nothing is drawn." if self.flight.paused else "Drawing again."
        )

    def _map(self) -> None:
        self.world.set_mode(MAP if self.world.mode == FLY else FLY)
        self.actions_by_key[Action.MAP].setChecked(self.world.mode == MAP)

    def _full_screen(self) -> None:
        self.setWindowState(self.windowState() ^ Qt.WindowState.WindowFullScreen)

    def _go_on_from_inspected(self) -> None:
        node = self.stage.inspected
        if node is not None:
            self.conductor.go_to(node.id)

    def _list_branches(self) -> None:
        assert self.branches is not None
        self.branches.clear()
        parents = {node.parent for node in self.conductor.nodes.values()}
        for node in self.conductor.nodes.values():
            if node.id not in parents or node.branch:
                name = node.branch or f"ends at view {node.view_id}"
                entry = self.branches.addAction(name)
                assert entry is not None
                entry.triggered.connect(lambda _on, n=node.id: self.conductor.go_to(n))

    def _choose_strategy(self, name: str) -> None:
        self.controls.set_strategy(name)
        self._controls_changed(self.controls.values())

    def _controls_changed(self, values: object) -> None:
        self.conductor.set_values(values)  # type: ignore[arg-type]
        self.world.set_point_size(self.conductor.values.point_size)

    def _looked(self, yaw: float, pitch: float) -> None:
        if not self.conductor.busy_with_job:
            factor = self.preferences.mouse_speed
            self.flight.look(yaw * factor, pitch * factor)

    def _fly_near(self, point: np.ndarray) -> None:
        if self.flight.camera is not None:
            self.flight.fly_to(near_point(self.flight.camera, point))

    # What is shown

    def _show_job(self, busy: Busy | None) -> None:
        if busy is None:
            self.paths.hide_progress()
        elif not self.desk.takes_progress(busy):
            self.paths.show_progress(busy.message, busy.done, busy.total)

    def _opened(self, source: Path | None, name: str) -> None:
        self.middle.setCurrentWidget(self.world)
        self.world.setFocus()
        self.setWindowTitle(f"{name} – Photowalk")
        if source is not None:
            self.preferences.opened(source)

    def show_exception(
        self, kind: type[BaseException], error: BaseException, trace: TracebackType | None
    ) -> None:
        """An error that nobody caught: said, and survived."""
        if isinstance(error, KeyboardInterrupt):
            self.close()
            return
        details = "".join(traceback.format_exception(kind, error, trace))
        self.desk.show_failure(Failed(sentence_of(error), details))

    def _left(self, walks: tuple[LeftWalk, ...]) -> None:
        self.desk.offer_left(walks, self.autosave).resumed.connect(self.open_file)

    # The window itself

    def _restore_layout(self) -> None:
        kept = self.preferences.layout
        if kept is not None:
            self.restoreGeometry(kept[0])
            self.restoreState(kept[1])

    def dragEnterEvent(self, event: QDragEnterEvent | None) -> None:
        if event is not None and dropped_file(event) is not None:
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent | None) -> None:
        path = None if event is None else dropped_file(event)
        if path is not None:
            self.open_file(path)

    def closeEvent(self, event: QCloseEvent | None) -> None:
        """Gives up the step in flight; what was drawn is on the disk already."""
        self.preferences.keep_layout(self.saveGeometry(), self.saveState())
        folder = self.conductor.walk_folder
        if folder is not None and len(self.stage.line) > 1:
            self.preferences.opened(folder)
        self.status.end()
        self.conductor.playback.stop()
        self.flight.end()
        self.held_keys.remove()
        self.worker.quit_and_wait()
        self.world.close_canvas()
        super().closeEvent(event)
