"""Why a view looks as it does: what it was drawn from, and what each of that covers."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray
from PyQt6.QtCore import QSize, Qt, pyqtSignal
from PyQt6.QtGui import QColor, QIcon
from PyQt6.QtWidgets import QComboBox, QHBoxLayout, QLabel, QToolButton, QVBoxLayout, QWidget

from explorer.app.panels.picture_label import PictureLabel
from explorer.app.style import SERIES, pixmap_of
from explorer.walk.records import NO_MEMORY, DrawnView
from explorer.walk.session.records import ContextPart
from memory.retrieval import STRATEGIES

THUMBNAIL = 72
_STRATEGIES = {
    "coverage": "coverage: those that together see most",
    "surfel": "surfel: votes of the points that are seen",
    "fov": "fov: overlapping fields of view",
    "pose": "pose: the nearest cameras",
    "recent": "recent: the latest views",
    NO_MEMORY: "none: no memory at all",
}


class WhyPanel(QWidget):
    """See the module.

    Signals:
        strategy_chosen: (str) from the next view on.
        view_picked: (int) the context view that was clicked.
    """

    strategy_chosen = pyqtSignal(str)
    view_picked = pyqtSignal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.strategy = QComboBox()
        for name in (*STRATEGIES, NO_MEMORY):
            self.strategy.addItem(_STRATEGIES.get(name, name), name)
        self.strategy.setSizeAdjustPolicy(
            QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon
        )
        self.strategy.setMinimumContentsLength(12)
        self.set_strategy("coverage")
        self.strategy.setToolTip("How remembered views are chosen for the next view")
        self.strategy.activated.connect(
            lambda _row: self.strategy_chosen.emit(str(self.strategy.currentData()))
        )
        self.picture = PictureLabel("The views that a picture was drawn from are shown here")
        self._words = QLabel("")
        self._words.setProperty("quiet", True)
        self._words.setWordWrap(True)
        self._row = QHBoxLayout()
        self._row.setSpacing(4)
        self._buttons: list[QToolButton] = []
        layout = QVBoxLayout(self)
        layout.setContentsMargins(8, 4, 8, 8)
        layout.addWidget(self.strategy)
        layout.addLayout(self._row)
        layout.addWidget(self.picture, 1)
        layout.addWidget(self._words)

    def show_why(self, drawn: DrawnView, parts: Sequence[ContextPart]) -> None:
        """The context views of a view, best first, each in the colour of what it saw."""
        self._empty_row()
        for part, colour in zip(parts, SERIES, strict=False):
            self._row.addWidget(self._button(part, colour))
        self._row.addStretch(1)
        self.picture.show_rgb(tinted(drawn.view.rgb, [part.mask for part in parts]))
        if not parts:
            self._words.setText("This is the photo: it was drawn from nothing.")
            return
        seen = np.any([part.mask for part in parts], axis=0).mean()
        self._words.setText(
            f"{len(parts)} of the remembered views see {seen:.0%} of this picture; "
            f"memory knows {drawn.coverage:.0%} of it. Grey was drawn new."
        )

    def set_strategy(self, name: str) -> None:
        """Shows which one is in use."""
        self.strategy.setCurrentIndex(self.strategy.findData(name))

    def clear(self) -> None:
        self._empty_row()
        self.picture.show_rgb(None)
        self._words.clear()

    @property
    def shown_views(self) -> list[int]:
        """View ids of the buttons."""
        return [int(b.property("view_id")) for b in self._buttons]

    def _button(self, part: ContextPart, colour: str) -> QToolButton:
        button = QToolButton()
        width = THUMBNAIL
        height = max(1, round(width * part.rgb.shape[0] / part.rgb.shape[1]))
        small = cv2.resize(part.rgb, (width, height), interpolation=cv2.INTER_AREA)
        button.setIcon(QIcon(pixmap_of(np.asarray(small, np.uint8))))
        button.setIconSize(QSize(width, height))
        button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextUnderIcon)
        name = "photo" if part.view_id == 0 else f"view {part.view_id}"
        button.setText(f"{name}  {part.share:.0%}")
        button.setToolTip(
            f"{name} was chosen for {part.share:.0%} of the picture; click to fly there"
        )
        button.setStyleSheet(f"QToolButton {{ border-bottom: 3px solid {colour}; padding: 2px; }}")
        button.setProperty("view_id", part.view_id)
        button.clicked.connect(lambda _on, view_id=part.view_id: self.view_picked.emit(view_id))
        self._buttons.append(button)
        return button

    def _empty_row(self) -> None:
        self._buttons.clear()
        while (item := self._row.takeAt(0)) is not None:
            widget = item.widget()
            if widget is not None:
                widget.deleteLater()


def tinted(rgb: NDArray[np.uint8], masks: Sequence[NDArray[np.bool_]]) -> NDArray[np.uint8]:
    """The picture with each mask's part in its colour, the first that has a pixel; else grey."""
    grey = rgb.mean(axis=2, keepdims=True)
    out = np.repeat(0.6 * grey, 3, axis=2)
    free = np.ones(rgb.shape[:2], bool)
    for mask, name in zip(masks, SERIES, strict=False):
        colour = QColor(name)
        tone = np.array([colour.red(), colour.green(), colour.blue()], np.float32)
        own = mask & free
        out[own] = 0.55 * rgb[own] + 0.45 * tone
        free &= ~mask
    return np.clip(np.round(out), 0, 255).astype(np.uint8)
