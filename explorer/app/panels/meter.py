"""How consistent the walk is: what the model draws against what the memory knows."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyqtgraph as pg
from PyQt6.QtCore import QSize, pyqtSignal
from PyQt6.QtWidgets import QLabel, QPushButton, QVBoxLayout, QWidget

from explorer.app.style import ACCENT, GOOD, QUIET

#: Below this the model and the memory show different things; above the other they agree.
POOR_DB, GOOD_DB = 16.0, 22.0
#: So many of the latest views are judged.
LATEST = 8


class ConsistencyMeter(QWidget):
    """See the module.

    Signals:
        test_requested: fly forth and back from here.
    """

    test_requested = pyqtSignal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._rows: list[tuple[int, float, float]] = []
        self._plot = self._make_plot(
            "agreement, dB", "Agreement of the model's picture with the memory, dB"
        )
        self._drift = self._make_plot(
            "depth scale", "What drawn depth was scaled by to fit the memory"
        )
        self._curve = self._plot.plot(pen=pg.mkPen(ACCENT, width=1.5), connect="finite")
        self._scale_curve = self._drift.plot(pen=pg.mkPen(GOOD, width=1.5), connect="finite")
        self._drift.addItem(
            pg.InfiniteLine(1.0, angle=0, pen=pg.mkPen(QUIET, style=pg.QtCore.Qt.PenStyle.DotLine))
        )
        self._drift.setXLink(self._plot)
        self._verdict = QLabel("Fly a little to see how well the views agree")
        self._test = QLabel("")
        for label in (self._verdict, self._test):
            label.setWordWrap(True)
        self._test.setProperty("quiet", True)
        self.button = QPushButton("Forth-and-back test from here")
        self.button.setToolTip("Draws 8 views out and back, and compares what is seen twice (T)")
        self.button.clicked.connect(self.test_requested)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(8, 4, 8, 8)
        layout.addWidget(self._verdict)
        layout.addWidget(self._plot, 3)
        layout.addWidget(self._drift, 2)
        layout.addWidget(self._test)
        layout.addWidget(self.button)

    def sizeHint(self) -> QSize:
        return QSize(360, 300)

    def add(
        self, view_id: int, agreement_db: float | None, depth_scale: float | None, coverage: float
    ) -> None:
        """A view was drawn; None where nothing can be said."""
        self._rows.append((view_id, _number(agreement_db), _number(depth_scale)))
        self._redraw()

    def keep_until(self, view_id: int) -> None:
        """Later views vanish."""
        self._rows = [row for row in self._rows if row[0] <= view_id]
        self._redraw()

    def clear(self) -> None:
        self._rows = []
        self._test.clear()
        self._redraw()

    def show_test(self, psnr_db: Sequence[float | None]) -> None:
        """Each view of the way back against the way out."""
        found = [value for value in psnr_db if value is not None]
        if not found:
            self._test.setText("Test: the way back sees nothing of the way out.")
            return
        self._test.setText(
            f"Test: seen again at {np.median(found):.1f} dB (from {min(found):.1f} to "
            f"{max(found):.1f}) over {len(found)} views."
        )

    @property
    def verdict(self) -> str:
        return self._verdict.text()

    @property
    def test_result(self) -> str:
        return self._test.text()

    def _redraw(self) -> None:
        rows = np.array(self._rows, float).reshape(-1, 3)
        self._curve.setData(rows[:, 0], rows[:, 1])
        self._scale_curve.setData(rows[:, 0], rows[:, 2])
        latest = rows[-LATEST:, 1]
        latest = latest[np.isfinite(latest)]
        if not len(latest):
            self._verdict.setText("Fly a little to see how well the views agree")
            return
        median = float(np.median(latest))
        words = "agrees with" if median >= GOOD_DB else "roughly follows"
        if median < POOR_DB:
            words = "strays from"
        self._verdict.setText(f"The model {words} what was seen before: {median:.1f} dB")

    @staticmethod
    def _make_plot(label: str, words: str) -> pg.PlotWidget:
        plot = pg.PlotWidget()
        plot.setToolTip(words)
        plot.setMenuEnabled(False)
        plot.hideButtons()
        plot.setMouseEnabled(False, False)
        plot.setMinimumHeight(40)
        plot.getAxis("left").setWidth(40)
        plot.setLabel("left", label)
        plot.showGrid(y=True, alpha=0.15)
        return plot


def _number(value: float | None) -> float:
    return float("nan") if value is None else value
