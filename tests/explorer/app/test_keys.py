from __future__ import annotations

import pytest
from PyQt6.QtCore import QEvent, QSettings, Qt
from PyQt6.QtGui import QKeyEvent

from explorer.app.keys import MOVES, Action, KeyBindings, default_of
from explorer.walk.motion.mover import MoveCommand

NONE = Qt.KeyboardModifier.NoModifier


@pytest.fixture
def settings(tmp_path) -> QSettings:
    return QSettings(str(tmp_path / "keys.ini"), QSettings.Format.IniFormat)


def press(key: Qt.Key, modifiers: Qt.KeyboardModifier = NONE) -> QKeyEvent:
    return QKeyEvent(QEvent.Type.KeyPress, key, modifiers)


def test_no_two_things_have_the_same_key() -> None:
    keys = [default_of(bound) for bound in (*Action, *MOVES)]
    assert len(set(keys)) == len(keys)


def test_held_keys_move_also_with_shift(settings) -> None:
    bindings = KeyBindings(settings)
    assert bindings.movement(press(Qt.Key.Key_W)) is MoveCommand.FORWARD
    shifted = press(Qt.Key.Key_A, Qt.KeyboardModifier.ShiftModifier)
    assert bindings.movement(shifted) is MoveCommand.LEFT
    assert bindings.movement(press(Qt.Key.Key_Shift)) is MoveCommand.FAST
    assert bindings.movement(press(Qt.Key.Key_Left)) is MoveCommand.TURN_LEFT
    assert bindings.movement(press(Qt.Key.Key_J)) is None


def test_a_new_key_is_kept_and_a_taken_one_refused(settings) -> None:
    bindings = KeyBindings(settings)
    bindings.bind(MoveCommand.FORWARD, "I")
    with pytest.raises(ValueError, match="taken by: Forward"):
        bindings.bind(Action.PLAY, "I")
    again = KeyBindings(settings)
    assert again.movement(press(Qt.Key.Key_I)) is MoveCommand.FORWARD
    again.reset()
    assert KeyBindings(settings).key(MoveCommand.FORWARD) == "W"
