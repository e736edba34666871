"""What a first look sees: drop a photo, or take a sample."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

from PyQt6.QtCore import QSize, Qt, pyqtSignal
from PyQt6.QtGui import QDragEnterEvent, QDropEvent, QIcon
from PyQt6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QToolButton, QVBoxLayout, QWidget

SAMPLE_WIDTH = 192
#: Recent files that are shown.
MOST_SHOWN = 5


def sample_photos() -> list[Path]:
    """The pictures that come with the program, rendered by it."""
    folder = Path(str(resources.files("assets") / "samples"))
    return sorted(folder.glob("*.png"))


def dropped_file(event: QDragEnterEvent | QDropEvent) -> Path | None:
    """The one file that is dragged; None for anything else."""
    data = event.mimeData()
    if data is None or len(data.urls()) != 1 or not data.urls()[0].isLocalFile():
        return None
    return Path(data.urls()[0].toLocalFile())


class EmptyState(QWidget):
    """See the module.

    Signals:
        file_chosen: (Path) a photo or a walk.
        open_requested: choose a file in a dialog.
    """

    file_chosen = pyqtSignal(object)
    open_requested = pyqtSignal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Nothing is open")
        title, words = (
            QLabel("Open one photo and walk into it"),
            QLabel("Drop a photo or a .photowalk file here"),
        )
        title.setProperty("large", True)
        words.setProperty("quiet", True)
        self.button = QPushButton("Open a photo…")
        self.button.setToolTip("JPEG, PNG, WebP, HEIC, or a walk that you saved")
        self.button.clicked.connect(self.open_requested)
        samples = QHBoxLayout()
        samples.addStretch(1)
        self.samples: list[QToolButton] = []
        for path in sample_photos():
            samples.addWidget(self._sample(path))
        samples.addStretch(1)
        self._recent = QVBoxLayout()
        self._state = QLabel("")
        self._state.setProperty("quiet", True)
        layout = QVBoxLayout(self)
        layout.addStretch(2)
        for label in (title, words):
            layout.addWidget(label, 0, Qt.AlignmentFlag.AlignHCenter)
        layout.addSpacing(14)
        layout.addWidget(self.button, 0, Qt.AlignmentFlag.AlignHCenter)
        layout.addSpacing(22)
        layout.addLayout(samples)
        layout.addSpacing(14)
        layout.addLayout(self._recent)
        layout.addStretch(3)
        layout.addWidget(self._state, 0, Qt.AlignmentFlag.AlignHCenter)

    def set_recent(self, files: list[Path]) -> None:
        """Files that were opened before, the latest first."""
        while (item := self._recent.takeAt(0)) is not None:
            widget = item.widget()
            if widget is not None:
                widget.deleteLater()
        for path in files[:MOST_SHOWN]:
            button = QToolButton()
            button.setText(path.name)
            button.setToolTip(str(path))
            button.clicked.connect(lambda _on, p=path: self.file_chosen.emit(p))
            self._recent.addWidget(button, 0, Qt.AlignmentFlag.AlignHCenter)

    def set_state(self, words: str) -> None:
        """What is going on meanwhile, such as loading the model."""
        self._state.setText(words)

    def _sample(self, path: Path) -> QToolButton:
        button = QToolButton()
        button.setIcon(QIcon(str(path)))
        button.setIconSize(QSize(SAMPLE_WIDTH, SAMPLE_WIDTH * 9 // 16))
        button.setText(path.stem.capitalize())
        button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextUnderIcon)
        button.setToolTip(f"Walk into the sample picture {path.name}")
        button.clicked.connect(lambda _on: self.file_chosen.emit(path))
        self.samples.append(button)
        return button
