"""Plays the drawn views as a film, in the window."""

from __future__ import annotations

from collections.abc import Sequence

from PyQt6.QtCore import QObject, QTimer, pyqtSignal

from explorer.walk.session.records import Node

FRAMES_PER_SECOND = 8


class Playback(QObject):
    """Shows one node after another.

    Signals:
        shown: (Node) its turn has come.
        ended: after the last one, or when stopped.
    """

    shown = pyqtSignal(object)
    ended = pyqtSignal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._nodes: list[Node] = []
        self._timer = QTimer(self)
        self._timer.setInterval(1000 // FRAMES_PER_SECOND)
        self._timer.timeout.connect(self._next)

    @property
    def playing(self) -> bool:
        return self._timer.isActive()

    def play(self, nodes: Sequence[Node]) -> None:
        """From the first of `nodes` to the last."""
        self._nodes = list(reversed(nodes))
        if self._nodes:
            self._timer.start()
            self._next()

    def stop(self) -> None:
        if self._timer.isActive():
            self._timer.stop()
            self.ended.emit()

    def _next(self) -> None:
        if not self._nodes:
            self.stop()
            return
        self.shown.emit(self._nodes.pop())
