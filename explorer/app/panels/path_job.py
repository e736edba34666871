"""Paths that are flown by themselves, and the bar of whatever takes a while."""

from __future__ import annotations

import time

from PyQt6.QtCore import pyqtSignal
from PyQt6.QtWidgets import (
    QComboBox,
    QFileDialog,
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QPushButton,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from engine.geometry.paths import FORTH_AND_BACK, PATH_NAMES


class PathPanel(QWidget):
    """Chooses a path and flies it.

    Signals:
        path_requested: (name or file, views; 0 for as many as the file has).
        cancel_requested: give up the job.
    """

    path_requested = pyqtSignal(str, int)
    cancel_requested = pyqtSignal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._began = 0.0
        self.path = QComboBox()
        inner = [name for name in PATH_NAMES if name not in (FORTH_AND_BACK, "forward")]
        self.path.addItems([*PATH_NAMES, *(f"{FORTH_AND_BACK}:{name}" for name in inner)])
        self.path.setToolTip("A named path, sized by the scene, from where you are")
        self.path.setAccessibleName("Path")
        self.views = QSpinBox()
        self.views.setRange(1, 10_000)
        self.views.setValue(16)
        self.views.setSuffix(" views")
        self.views.setToolTip("How many views are drawn along it")
        self.fly = QPushButton("Fly")
        self.fly.setToolTip("Draws the views of this path")
        self.file = QPushButton("File…")
        self.file.setToolTip("RealEstate10K text, transforms.json or camera_path.json")
        self._bar, self._words = QProgressBar(), QLabel("")
        self._bar.setTextVisible(False)
        self._words.setProperty("quiet", True)
        self._words.setWordWrap(True)
        self.cancel = QPushButton("Cancel")
        self.cancel.setToolTip("Keeps the views that were drawn (Esc)")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(10, 4, 10, 8)
        layout.addWidget(self.path)
        row = QHBoxLayout()
        for widget in (self.views, self.fly, self.file):
            row.addWidget(widget)
        layout.addLayout(row)
        for shown in (self._words, self._bar, self.cancel):
            layout.addWidget(shown)
        self.hide_progress()
        self.fly.clicked.connect(
            lambda: self.path_requested.emit(self.path.currentText(), self.views.value())
        )
        self.file.clicked.connect(self._choose_file)
        self.cancel.clicked.connect(self.cancel_requested)

    def show_progress(self, message: str, done: int, total: int) -> None:
        """A job's state; the time left follows from how long it took so far."""
        if not self._bar.isVisible() or done == 0:
            self._began = time.monotonic()
        for widget in (self._words, self._bar, self.cancel):
            widget.show()
        self._bar.setRange(0, total)
        self._bar.setValue(done)
        left = ""
        if done:
            seconds = (time.monotonic() - self._began) / done * (total - done)
            left = f", {seconds:.0f} s left" if seconds < 100 else f", {seconds / 60:.0f} min left"
        self._words.setText(f"{message}: {done} of {total}{left}")

    def hide_progress(self) -> None:
        for widget in (self._words, self._bar, self.cancel):
            widget.hide()

    def _choose_file(self) -> None:
        name, _ = QFileDialog.getOpenFileName(
            self, "Fly along a camera file", "", "Camera files (*.txt *.json);;All files (*)"
        )
        if name:
            self.path_requested.emit(name, 0)
