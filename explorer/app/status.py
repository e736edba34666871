"""The line at the bottom: what is going on, and a few figures."""

from __future__ import annotations

from PyQt6.QtCore import QObject, QTimer, pyqtSlot
from PyQt6.QtWidgets import QLabel, QMainWindow

from explorer.app.conductor import Conductor
from explorer.app.world_view.world_view import WorldView

MESSAGE_MS, FIGURES_MS = 6000, 500


class StatusLine(QObject):
    """Writes into the status bar of a window."""

    def __init__(self, window: QMainWindow, conductor: Conductor, world: WorldView) -> None:
        super().__init__(window)
        self._conductor, self._world = conductor, world
        bar = window.statusBar()
        assert bar is not None
        self._bar = bar
        self._state, self._figures = QLabel(""), QLabel("")
        self._figures.setProperty("quiet", True)
        bar.addWidget(self._state, 1)
        bar.addPermanentWidget(self._figures)
        conductor.state_changed.connect(self._state.setText)
        self._timer = QTimer(self)
        self._timer.setInterval(FIGURES_MS)
        self._timer.timeout.connect(self._count)
        self._timer.start()

    @property
    def state(self) -> str:
        """What is going on; empty while nothing is."""
        return self._state.text()

    @pyqtSlot(str)
    def tell(self, sentence: str) -> None:
        """Something that may be read and forgotten."""
        self._bar.showMessage(sentence, MESSAGE_MS)

    def end(self) -> None:
        """No more figures."""
        self._timer.stop()

    def _count(self) -> None:
        if not self._conductor.is_open:
            return
        line = self._conductor.stage.line
        parts = [f"{len(line)} views", f"{self._world.point_count:,} points"]
        if line.head is not None and line.head.view_id:
            seconds = sum(line.head.description["seconds"].values())
            parts.append(f"{seconds:.2f} s a view")
        if self._world.frames_per_second:
            parts.append(f"{self._world.frames_per_second:.0f} frames/s")
        self._figures.setText("   ".join(parts))
