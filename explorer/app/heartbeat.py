"""How long the window was deaf: gaps between the ticks of a timer in the GUI thread."""

from __future__ import annotations

import time

import numpy as np
from PyQt6.QtCore import QObject, Qt, QTimer

INTERVAL_MS = 5


class Heartbeat(QObject):
    """Measures while it runs; for benchmarks and tests."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._gaps: list[float] = []
        self._then = 0.0
        self._timer = QTimer(self)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.setInterval(INTERVAL_MS)
        self._timer.timeout.connect(self._tick)

    def start(self) -> None:
        self._gaps.clear()
        self._then = time.perf_counter()
        self._timer.start()

    def stop(self) -> None:
        self._timer.stop()

    def pause(self, percentile: float) -> float:
        """Milliseconds by which ticks came late, at a percentile of all ticks; 100 is the worst."""
        late = np.maximum(np.array(self._gaps) * 1000.0 - INTERVAL_MS, 0.0)
        return float(np.percentile(late, percentile)) if len(late) else 0.0

    def _tick(self) -> None:
        now = time.perf_counter()
        self._gaps.append(now - self._then)
        self._then = now
