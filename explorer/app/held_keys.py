"""Held keys fly, wherever the focus is, except where someone types.

While one of them is held, no other of them starts a shortcut, whatever else is pressed with it.
"""

from __future__ import annotations

from PyQt6.QtCore import QEvent, QObject, Qt
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
from explorer.walk.motion.mover import MoveCommand

#: Widgets that take letters for themselves.
_TYPING = (QLineEdit, QAbstractSpinBox, QComboBox, QKeySequenceEdit, QPlainTextEdit, KeyButton)


#: Pressed first, they make a shortcut of a key that flies.
_SHORTCUT = (
    Qt.KeyboardModifier.ControlModifier
    | Qt.KeyboardModifier.AltModifier
    | Qt.KeyboardModifier.MetaModifier
)


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
        self._held: set[MoveCommand] = set()

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
                self._held.clear()
                self._flight.release_all()
        elif isinstance(event, QKeyEvent):
            if event.type() == QEvent.Type.ShortcutOverride:
                return self._is_no_shortcut(watched, event)
            return self._key(watched, event)
        return False

    def _is_no_shortcut(self, watched: QObject | None, event: QKeyEvent) -> bool:
        """Claims a key of the flight for the flight; Qt then asks no shortcut, and sends it on."""
        flies = self._bindings.movement(event) is not None and self._is_ours(watched, event)
        if not (flies and self._held):
            return False
        event.accept()
        return True

    def _key(self, watched: QObject | None, event: QKeyEvent) -> bool:
        command = self._bindings.movement(event)
        if command is None:
            return False
        if event.type() == QEvent.Type.KeyRelease and not event.isAutoRepeat():
            # Wherever the focus went since it was pressed.
            self._held.discard(command)
            self._flight.release(command)
            return False
        if not self._is_ours(watched, event):
            return False
        if event.isAutoRepeat():
            return True
        if self._conductor.busy_with_job or (event.modifiers() & _SHORTCUT and not self._held):
            return False
        self._conductor.playback.stop()
        self._held.add(command)
        self._flight.press(command)
        # Shift goes on: it is part of shortcuts too.
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
