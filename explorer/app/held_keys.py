"""Held keys fly, wherever the focus is, except where someone types."""

from __future__ import annotations

from PyQt6.QtCore import QEvent, QObject
from PyQt6.QtGui import QKeyEvent
from PyQt6.QtWidgets import (
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QKeySequenceEdit,
    QLineEdit,
    QListView,
    QMainWindow,
    QPlainTextEdit,
)

from explorer.app.conductor import Conductor
from explorer.app.dialogs.keys_dialog import KeyButton
from explorer.app.flight import Flight
from explorer.app.keys import KeyBindings

#: Widgets that take letters for themselves.
_TYPING = (QLineEdit, QAbstractSpinBox, QComboBox, QKeySequenceEdit, QPlainTextEdit, KeyButton)


class HeldKeys(QObject):
    """An event filter for the whole application that moves the flight of one window.

    Args:
        window: only while it, or what is in it, has the keyboard.
    """

    def __init__(
        self, window: QMainWindow, bindings: KeyBindings, conductor: Conductor, flight: Flight
    ) -> None:
        super().__init__(window)
        self._window, self._bindings = window, bindings
        self._conductor, self._flight = conductor, flight

    def install(self) -> None:
        application = QApplication.instance()
        assert application is not None
        application.installEventFilter(self)

    def remove(self) -> None:
        application = QApplication.instance()
        if application is not None:
            application.removeEventFilter(self)

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        if event is None:
            return False
        if event.type() in (QEvent.Type.WindowDeactivate, QEvent.Type.ApplicationDeactivate):
            if watched is self._window:
                self._flight.release_all()
        elif isinstance(event, QKeyEvent) and event.type() in (
            QEvent.Type.KeyPress,
            QEvent.Type.KeyRelease,
        ):
            return self._key(watched, event)
        return False

    def _key(self, watched: QObject | None, event: QKeyEvent) -> bool:
        command = self._bindings.movement(event)
        if command is None or not self._is_ours(watched, event):
            return False
        if event.isAutoRepeat():
            return True
        if event.type() == QEvent.Type.KeyRelease:
            self._flight.release(command)
            return False
        if self._conductor.busy_with_job:
            return False
        self._conductor.playback.stop()
        self._flight.press(command)
        # Shift and Ctrl go on: they are part of shortcuts too.
        return len(event.text()) > 0 or command.name.startswith("TURN")

    def _is_ours(self, watched: QObject | None, event: QKeyEvent) -> bool:
        """The key is for this window, and nobody types it or steps through a list with it."""
        if QApplication.activeModalWidget() is not None or not self._conductor.is_open:
            return False
        focus = QApplication.focusWidget()
        if isinstance(focus, _TYPING):
            return False
        if isinstance(focus, QListView) and not event.text():
            return False
        owner = focus.window() if focus is not None else QApplication.activeWindow()
        return owner is self._window or owner is None
