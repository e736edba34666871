"""A picture that fills its place, keeps its aspect, and tells which pixel the pointer is on."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PyQt6.QtCore import QPointF, QRectF, QSize, Qt, pyqtSignal
from PyQt6.QtGui import QColor, QImage, QMouseEvent, QPainter, QPaintEvent, QPen
from PyQt6.QtWidgets import QSizePolicy, QWidget

from explorer.app.style import ACCENT, GROUND, QUIET, image_of


class PictureLabel(QWidget):
    """See the module.

    Signals:
        pointed: (column, row) under the pointer; (−1, −1) when it leaves.
    """

    pointed = pyqtSignal(int, int)

    def __init__(self, empty: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._image: QImage | None = None
        self._empty = empty
        self._cursor: tuple[int, int] | None = None
        self.setMouseTracking(True)
        self.setMinimumSize(96, 54)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setAccessibleName(empty)

    def sizeHint(self) -> QSize:
        return QSize(256, 144)

    def show_rgb(self, rgb: NDArray[np.uint8] | None) -> None:
        """(H, W, 3) uint8, or nothing."""
        self._image = None if rgb is None else image_of(rgb)
        self.update()

    def set_empty(self, words: str) -> None:
        """What is said where there is no picture."""
        self._empty = words
        self.update()

    def set_cursor(self, place: tuple[int, int] | None) -> None:
        """Column and row of the cross-hair."""
        self._cursor = place
        self.update()

    def place_of(self, column: int, row: int) -> QPointF:
        """Where in the widget a pixel's centre is."""
        assert self._image is not None
        area = self._area()
        across = (column + 0.5) / self._image.width()
        down = (row + 0.5) / self._image.height()
        return QPointF(area.x() + across * area.width(), area.y() + down * area.height())

    def paintEvent(self, event: QPaintEvent | None) -> None:
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor(GROUND))
        if self._image is None:
            painter.setPen(QColor(QUIET))
            flags = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap
            painter.drawText(self.rect().adjusted(8, 8, -8, -8), int(flags), self._empty)
            return
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        painter.drawImage(self._area(), self._image)
        if self._cursor is not None:
            at, area = self.place_of(*self._cursor), self._area()
            painter.setPen(QPen(QColor(ACCENT), 1))
            painter.drawLine(QPointF(area.left(), at.y()), QPointF(area.right(), at.y()))
            painter.drawLine(QPointF(at.x(), area.top()), QPointF(at.x(), area.bottom()))

    def mouseMoveEvent(self, event: QMouseEvent | None) -> None:
        if event is None or self._image is None:
            return
        area, at = self._area(), event.position()
        column = int((at.x() - area.x()) / area.width() * self._image.width())
        row = int((at.y() - area.y()) / area.height() * self._image.height())
        if 0 <= column < self._image.width() and 0 <= row < self._image.height():
            self.pointed.emit(column, row)
        else:
            self.pointed.emit(-1, -1)

    def leaveEvent(self, event: object) -> None:
        self.pointed.emit(-1, -1)

    def _area(self) -> QRectF:
        assert self._image is not None
        w, h = self._image.width(), self._image.height()
        scale = min(self.width() / w, self.height() / h)
        size = w * scale, h * scale
        return QRectF((self.width() - size[0]) / 2, (self.height() - size[1]) / 2, *size)
