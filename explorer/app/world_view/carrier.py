"""The thread that carries pictures to where the camera is: the newest camera, one frame at a time.

Carrying takes as long as two or three ticks of the flight, so it never waits in line: cameras that
come meanwhile replace each other, and a frame is made only when the last one was taken.
"""

from __future__ import annotations

import time
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from threading import Condition
from typing import Protocol

from PyQt6.QtCore import QObject, QThread, pyqtSignal

from engine.geometry.cameras import Camera
from explorer.app.world_view.choosing import Fade
from explorer.app.world_view.shelf import Shelf
from memory.pictures.carriable import Carriable

#: A frame that is not taken by then is not seen: the window is hidden.
PATIENCE = 0.25


@dataclass(frozen=True)
class Seen:
    """Some pictures, and how much of what they make is seen, in [0, 1]."""

    sources: Sequence[Carriable]
    share: float


class Way(Protocol):
    """How layers become a frame; called in the carrier's thread."""

    def frame(self, layers: Sequence[Seen], camera: Camera) -> object:
        """What the screen of this way shows."""


class Carrier(QThread):
    """See the module.

    Args:
        shelf: the pictures.

    Signals:
        carried: what the way made; `taken` is called when it is on the screen.
        failed: (sentence, details) a picture cannot be read.
    """

    carried = pyqtSignal(object)
    failed = pyqtSignal(str, str)

    def __init__(self, shelf: Shelf, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._shelf = shelf
        self._way: Way | None = None
        self._changed = Condition()
        self._camera: Camera | None = None
        self._wanted = self._closed = False
        self._taken = True
        self._pause = 0.0
        self._fade = Fade()

    def set_way(self, way: Way, pause: float = 0.0) -> None:
        """How frames are made, and seconds from one to the next at least."""
        with self._changed:
            self._way, self._pause = way, pause
            self._wanted = self._camera is not None
            self._changed.notify()

    def look_from(self, camera: Camera | None = None) -> None:
        """A frame is wanted from there; None for the same place, where the pictures changed."""
        with self._changed:
            self._camera = camera or self._camera
            self._wanted = self._camera is not None
            self._changed.notify()

    def forget(self) -> None:
        """Nothing is open."""
        with self._changed:
            self._camera, self._wanted = None, False
            self._fade.clear()

    def taken(self) -> None:
        """The last frame is on the screen."""
        with self._changed:
            self._taken = True
            self._changed.notify()

    def quit_and_wait(self) -> None:
        with self._changed:
            self._closed = True
            self._changed.notify()
        self.wait()

    def run(self) -> None:
        while (camera := self._next()) is not None:
            began = time.perf_counter()
            try:
                frame = self._frame(camera, began)
            except ValueError as error:
                self.failed.emit(str(error), traceback.format_exc())
                continue
            if frame is not None and self._may_show():
                self.carried.emit(frame)
            left = self._pause - (time.perf_counter() - began)
            if left > 0:
                time.sleep(left)

    def _next(self) -> Camera | None:
        """Waits for the next camera; None when it is over."""
        with self._changed:
            while not self._closed and (not self._wanted or self._way is None):
                self._changed.wait()
            self._wanted = False
            return None if self._closed else self._camera

    def _may_show(self) -> bool:
        """Waits until the last frame was taken, or nobody takes any."""
        with self._changed:
            self._changed.wait_for(lambda: self._taken or self._closed, PATIENCE)
            self._taken = False
            return not self._closed

    def _frame(self, camera: Camera, now: float) -> object | None:
        assert self._way is not None
        with self._changed:
            wanted = self._shelf.wanted(camera, self._fade.now)
            if not wanted:
                return None
        # Made ready first: else what takes long would fall into the fade.
        for key in wanted:
            self._shelf.source(key)
        with self._changed:
            layers = self._fade.layers(wanted, time.perf_counter())
            if self._fade.running(time.perf_counter()):
                self._wanted = self._camera is not None
        found = [
            Seen(
                [source for key in layer.keys if (source := self._shelf.source(key)) is not None],
                layer.share,
            )
            for layer in layers
        ]
        seen = [layer for layer in found if layer.sources]
        return self._way.frame(seen, camera) if seen else None
