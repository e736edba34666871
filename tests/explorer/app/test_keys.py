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


@pytest.mark.parametrize("key", ["Ctrl", "Alt", "AltGr", "Meta", "Ctrl+I", "Shift+I", "Num+8"])
@pytest.mark.parametrize("move", [MoveCommand.SLOW, MoveCommand.FAST, MoveCommand.DOWN])
def test_what_begins_shortcuts_is_not_held_to_fly(settings, key: str, move: MoveCommand) -> None:
    bindings = KeyBindings(settings)
    with pytest.raises(ValueError, match=r"choose another"):
        bindings.bind(move, key)
    assert bindings.key(move) == default_of(move)


@pytest.mark.parametrize("key", ["Ctrl", "Shift", "Alt"])
def test_no_action_waits_for_a_key_that_starts_nothing(settings, key: str) -> None:
    with pytest.raises(ValueError, match="starts nothing"):
        KeyBindings(settings).bind(Action.PLAY, key)
    KeyBindings(settings).bind(Action.PLAY, f"{key}+I")


def test_no_key_of_the_flight_begins_a_shortcut() -> None:
    begins = {key.partition("+")[0] for key in map(default_of, Action) if "+" in key}
    assert begins == {"Ctrl"}
    assert begins.isdisjoint(map(default_of, MOVES))


def test_a_stored_key_that_would_meet_shortcuts_gives_way(settings) -> None:
    """Ctrl was the first key for "slower"."""
    settings.setValue("keys/SLOW", "Ctrl")
    settings.setValue("keys/FORWARD", "I")
    bindings = KeyBindings(settings)
    assert bindings.key(MoveCommand.SLOW) == "C"
    assert bindings.movement(press(Qt.Key.Key_Control)) is None
    assert bindings.key(MoveCommand.FORWARD) == "I"
    assert not settings.contains("keys/SLOW")


def test_a_first_key_that_the_user_gave_away_is_not_taken_back(settings) -> None:
    settings.setValue("keys/SLOW", "Ctrl")
    settings.setValue("keys/PLAY", "C")
    bindings = KeyBindings(settings)
    assert bindings.key(Action.PLAY) == "C"
    assert bindings.key(MoveCommand.SLOW) == ""
