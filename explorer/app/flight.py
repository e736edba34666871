"""Flies the camera by time, and decides which of the places that it passes are drawn."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from PyQt6.QtCore import QObject, Qt, QTimer, pyqtSignal

from engine.geometry.cameras import Camera
from explorer.walk.motion.autopilot import Autopilot, fly_to, return_path
from explorer.walk.motion.leash import held
from explorer.walk.motion.mover import MotionConfig, MoveCommand, Mover
from explorer.walk.motion.nearness import Nearness, nearest, nearness


@dataclass(frozen=True)
class FlightConfig:
    """Attributes:
    tick_ms: how often the camera moves.
    spacing: while flying, views are asked for at least this far apart.
    same: cameras as near as this see the same, so that nothing new is drawn.
    longest_tick: seconds; after a longer pause the camera does not leap.
    looks_back: so many views of the line hold the camera's leash.
    """

    tick_ms: int = 16
    spacing: Nearness = field(default_factory=lambda: Nearness(0.02, 1.0))
    same: Nearness = field(default_factory=lambda: Nearness(0.003, 0.2))
    longest_tick: float = 0.1
    looks_back: int = 64


class Flight(QObject):
    """The camera that is flown.

    Signals:
        moved: (Camera) at every tick at which it moves.
        view_wanted: (Camera) draw what is seen from there; the newest is what counts.
        known_reached: (int) it rests where this view of the line was drawn.
        landed: an autopilot has arrived.
    """

    moved = pyqtSignal(object)
    view_wanted = pyqtSignal(object)
    known_reached = pyqtSignal(int)
    landed = pyqtSignal()

    def __init__(self, config: FlightConfig | None = None, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.config = config or FlightConfig()
        self._mover: Mover | None = None
        self._scale = 1.0
        self._autopilot: Autopilot | None = None
        self._line: list[Camera] = []
        self._asked: Camera | None = None
        self._paused = False
        self._settled = True
        self._then = 0.0
        self._timer = QTimer(self)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.setInterval(self.config.tick_ms)
        self._timer.timeout.connect(self._tick)

    def begin(self, camera: Camera, scene_scale: float) -> None:
        """At the photo, with nothing drawn yet."""
        speed = 1.0 if self._mover is None else self._mover.speed
        self._mover = Mover(camera, scene_scale, MotionConfig())
        self._mover.speed = speed
        self._scale = scene_scale
        self._line, self._asked, self._autopilot = [], camera, None
        self._settled = True
        self._then = time.perf_counter()
        self._timer.start()

    def end(self) -> None:
        """No walk is open."""
        self._timer.stop()
        self._mover = None

    @property
    def camera(self) -> Camera | None:
        return None if self._mover is None else self._mover.camera

    @property
    def flying(self) -> bool:
        """Keys or an autopilot move the camera."""
        return self._autopilot is not None or (self._mover is not None and self._mover.is_moving)

    @property
    def paused(self) -> bool:
        return self._paused

    def set_paused(self, paused: bool) -> None:
        """A paused flight moves, but has nothing drawn."""
        self._paused = paused
        self._settled = False

    def set_scale(self, scene_scale: float) -> None:
        """σ is known."""
        if self._mover is not None:
            self._mover.scene_scale = scene_scale
        self._scale = scene_scale

    def set_speed(self, factor: float) -> None:
        if self._mover is not None:
            self._mover.speed = factor

    def set_line(self, cameras: Sequence[Camera]) -> None:
        """What has been drawn, the photo first."""
        self._line = list(cameras)

    def press(self, command: MoveCommand) -> None:
        """A movement key went down; it ends what an autopilot does."""
        if self._mover is not None:
            self._take_over()
            self._mover.press(command)

    def release(self, command: MoveCommand) -> None:
        if self._mover is not None:
            self._mover.release(command)

    def release_all(self) -> None:
        """The window lost the keyboard."""
        if self._mover is not None:
            self._mover.release_all()

    def look(self, yaw: float, pitch: float) -> None:
        """Turns by radians."""
        if self._mover is not None:
            self._take_over()
            self._mover.look(yaw, pitch)
            self._move_to(self._mover.camera)

    def jump(self, camera: Camera) -> None:
        """Stands where `camera` is, and asks for nothing there."""
        if self._mover is None:
            return
        self._autopilot = None
        self._mover.jump(camera)
        self._asked, self._settled = camera, True
        self.moved.emit(camera)

    def fly_to(self, camera: Camera) -> None:
        """Flies there by autopilot."""
        if self._mover is not None:
            self._autopilot = fly_to(self._mover.camera, camera, self._scale)
            self._settled = False

    def fly_back(self) -> None:
        """Returns along what was flown, between its cameras."""
        if self._mover is not None and len(self._line) > 1:
            self._autopilot = Autopilot(return_path(self._line))
            self._settled = False

    def stop(self) -> None:
        """Hovers."""
        self._autopilot = None
        self.release_all()

    def _take_over(self) -> None:
        if self._autopilot is not None and self._mover is not None:
            self._autopilot = None

    def _tick(self) -> None:
        if self._mover is None:
            return
        now = time.perf_counter()
        seconds, self._then = min(now - self._then, self.config.longest_tick), now
        before = self._mover.camera
        if self._autopilot is not None:
            camera = self._autopilot.advance(seconds)
            if camera is None:
                self._autopilot = None
                self.landed.emit()
            else:
                self._mover.jump(camera)
        else:
            after = self._mover.advance(seconds)
            if after is not before and not self._paused:
                # The last views of the line are those that lie near.
                nearby = self._line[-self.config.looks_back :]
                self._mover.hold(held(before, after, nearby, self._scale))
        if self._mover.camera is not before:
            self._move_to(self._mover.camera)
        self._consider()

    def _move_to(self, camera: Camera) -> None:
        self._settled = False
        self.moved.emit(camera)

    def _consider(self) -> None:
        """Asks for a view on the way at some spacing, and for the one where the flight rests."""
        assert self._mover is not None
        camera = self._mover.camera
        if self._settled or not self._line:
            return
        if self.flying:
            if self._asked is None or not self._near(camera, self._asked, self.config.spacing):
                self._ask(camera)
            return
        self._settled = True
        known = nearest(camera, self._line, self._scale, self.config.same)
        if known is not None:
            self._asked = camera
            self.known_reached.emit(known)
        elif self._asked is None or not self._near(camera, self._asked, self.config.same):
            self._ask(camera)

    def _ask(self, camera: Camera) -> None:
        if not self._paused:
            self._asked = camera
            self.view_wanted.emit(camera)

    def _near(self, a: Camera, b: Camera, limit: Nearness) -> bool:
        return nearness(a, b, self._scale).within(limit)
