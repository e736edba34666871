"""Windows that tell one thing: an error, or walks that a crash left."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

from PyQt6.QtCore import Qt, pyqtSignal
from PyQt6.QtGui import QGuiApplication
from PyQt6.QtWidgets import (
    QDialog,
    QHBoxLayout,
    QLabel,
    QPlainTextEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from explorer.walk.session.autosave import LeftWalk


class ErrorDialog(QDialog):
    """One sentence, and the details for whoever mends it. Blocks nothing."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Photowalk")
        self.setModal(False)
        self.label = QLabel("")
        self.label.setWordWrap(True)
        self.label.setMinimumWidth(380)
        self.text = QPlainTextEdit("")
        self.text.setReadOnly(True)
        self.text.setMinimumSize(560, 220)
        self.copy, self.more = QPushButton("Copy details"), QPushButton("Show details")
        close = QPushButton("Close")
        close.setDefault(True)
        self.copy.clicked.connect(self._copy)
        self.more.clicked.connect(self._toggle)
        close.clicked.connect(self.close)
        row = QHBoxLayout()
        for button in (self.more, self.copy):
            row.addWidget(button)
        row.addStretch(1)
        row.addWidget(close)
        layout = QVBoxLayout(self)
        layout.addWidget(self.label)
        layout.addWidget(self.text)
        layout.addLayout(row)

    def tell(self, sentence: str, details: str) -> None:
        """Shows an error; an earlier one gives way."""
        self.label.setText(sentence)
        self.text.setPlainText(details)
        self.text.hide()
        self.copy.setText("Copy details")
        self.more.setText("Show details")
        self.adjustSize()
        self.show()
        self.raise_()

    def _copy(self) -> None:
        clipboard = QGuiApplication.clipboard()
        if clipboard is not None:
            clipboard.setText(f"{self.label.text()}\n\n{self.text.toPlainText()}")
        self.copy.setText("Copied")

    def _toggle(self) -> None:
        self.text.setVisible(not self.text.isVisible())
        self.more.setText("Hide details" if self.text.isVisible() else "Show details")
        self.adjustSize()


class RecoveryDialog(QDialog):
    """Offers walks that were not left in order.

    Signals:
        resumed: (Path) go on with this one.
        discarded: (Path) remove it for good.
    """

    resumed = pyqtSignal(object)
    discarded = pyqtSignal(object)

    def __init__(self, walks: Sequence[LeftWalk], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Go on where you were?")
        self.setModal(False)
        self._layout = QVBoxLayout(self)
        self._layout.addWidget(
            QLabel("These walks were not closed. Every view that was drawn is kept.")
        )
        self.go_on: list[QPushButton] = []
        for walk in walks:
            self._layout.addWidget(self._row(walk))
        later = QPushButton("Later")
        later.setToolTip("Asks again at the next start")
        later.clicked.connect(self.close)
        self._layout.addWidget(later, 0, Qt.AlignmentFlag.AlignRight)

    def _row(self, walk: LeftWalk) -> QWidget:
        row = QWidget()
        layout = QHBoxLayout(row)
        layout.setContentsMargins(0, 0, 0, 0)
        when = time.strftime("%d %B, %H:%M", time.localtime(walk.when))
        layout.addWidget(QLabel(f"{walk.photo_name} · {walk.views} views · {when}"), 1)
        go_on, discard = QPushButton("Go on"), QPushButton("Discard")
        go_on.setDefault(not self.go_on)
        self.go_on.append(go_on)
        go_on.clicked.connect(lambda: self._resume(walk.folder))
        discard.clicked.connect(lambda: self._discard(row, walk.folder))
        layout.addWidget(go_on)
        layout.addWidget(discard)
        return row

    def _resume(self, folder: Path) -> None:
        self.close()
        self.resumed.emit(folder)

    def _discard(self, row: QWidget, folder: Path) -> None:
        row.hide()
        self.discarded.emit(folder)
