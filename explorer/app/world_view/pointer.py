"""The mouse on the canvas: clicks and drags, told apart."""

from __future__ import annotations

from typing import Any

import numpy as np
from PyQt6.QtCore import QObject, pyqtSignal
from vispy import scene

#: A button that moves less than this many pixels while it is down has clicked.
STILL = 4


class Pointer(QObject):
    """See the module.

    Signals:
        pressed: a button went down.
        dragged: (across, down) pixels since the last time.
        clicked: ((2,) array) the place, canvas pixels.
    """

    pressed = pyqtSignal()
    dragged = pyqtSignal(float, float)
    clicked = pyqtSignal(object)

    def __init__(self, canvas: scene.SceneCanvas, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._at: np.ndarray | None = None
        self._down: np.ndarray | None = None
        canvas.events.mouse_press.connect(self._press)
        canvas.events.mouse_move.connect(self._move)
        canvas.events.mouse_release.connect(self._release)

    def _press(self, event: Any) -> None:
        self._at = self._down = _place(event)
        self.pressed.emit()

    def _move(self, event: Any) -> None:
        if self._at is None:
            return
        place = _place(event)
        across, down = place - self._at
        self._at = place
        self.dragged.emit(float(across), float(down))

    def _release(self, event: Any) -> None:
        place = _place(event)
        still = self._down is not None and np.abs(place - self._down).max() < STILL
        self._at = self._down = None
        if still:
            self.clicked.emit(place)


def _place(event: Any) -> np.ndarray:
    return np.asarray(event.pos, dtype=np.float64)
