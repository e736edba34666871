"""Plays the drawn views as a film, in the window: the camera flies from one to the next."""

from __future__ import annotations

import time
from collections.abc import Sequence

from PyQt6.QtCore import QObject, Qt, QTimer, pyqtSignal

from explorer.walk.motion.autopilot import between
from explorer.walk.session.records import Node

VIEWS_PER_SECOND = 8
TICK_MS = 16


class Playback(QObject):
    """Flies through the nodes by the clock, so that a slow window shows fewer frames of it.

    Signals:
        moved: (Camera) it is there now.
        shown: (Node) its turn has come.
        ended: after the last one, or when stopped.
    """

    moved = pyqtSignal(object)
    shown = pyqtSignal(object)
    ended = pyqtSignal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._nodes: list[Node] = []
        self._began = 0.0
        self._passed = -1
        self._timer = QTimer(self)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.setInterval(TICK_MS)
        self._timer.timeout.connect(self._next)

    @property
    def playing(self) -> bool:
        return self._timer.isActive()

    def play(self, nodes: Sequence[Node]) -> None:
        """From the first of `nodes` to the last."""
        self._nodes, self._passed = list(nodes), -1
        if self._nodes:
            self._began = time.perf_counter()
            self._timer.start()
            self._next()

    def stop(self) -> None:
        if self._timer.isActive():
            self._timer.stop()
            self.ended.emit()

    def _next(self) -> None:
        last = len(self._nodes) - 1
        at = min((time.perf_counter() - self._began) * VIEWS_PER_SECOND, float(last))
        index = int(at)
        a, b = self._nodes[index], self._nodes[min(index + 1, last)]
        self.moved.emit(a.camera if at == index else between(a.camera, b.camera, at - index))
        if index != self._passed:
            self._passed = index
            self.shown.emit(a)
        if index == last:
            self.stop()
