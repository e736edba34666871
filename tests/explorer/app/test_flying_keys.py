"""Keys that fly never start a shortcut: real keys, pressed in the real window."""

from __future__ import annotations

from functools import partial

import pytest
from PyQt6.QtCore import Qt
from PyQt6.QtTest import QTest
from PyQt6.QtWidgets import QLineEdit

from explorer.app.keys import MOVES, Action
from explorer.app.window import MainWindow
from explorer.walk.motion.mover import MoveCommand

Key = Qt.Key
NONE, CTRL = Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.ControlModifier
LETTERS = {"W": Key.Key_W, "S": Key.Key_S, "E": Key.Key_E, "Q": Key.Key_Q}


@pytest.fixture
def started(opened: MainWindow) -> list[Action]:
    """The shortcuts that were started; nothing else comes of them."""
    found: list[Action] = []
    for action in Action:
        made = opened.actions_by_key[action]
        made.triggered.disconnect()
        made.triggered.connect(lambda _on, a=action: found.append(a))
    return found


def pressed(opened: MainWindow, started: list[Action], action: Action, letter: str) -> bool:
    """Ctrl and a letter, in the active window, have started an action.

    Shortcuts are those of the active window. Without a window manager a request to be active may
    be lost, and other programs' windows take the keyboard: it is asked for, and pressed, again.
    """
    if not (opened.isActiveWindow() and opened.world.hasFocus()):
        opened.activateWindow()
        opened.world.setFocus()
        return False
    if not opened.actions_by_key[action].isEnabled():
        return False
    QTest.keyPress(opened.world, Key.Key_Control, CTRL)
    QTest.keyClick(opened.world, LETTERS[letter], CTRL)
    QTest.keyRelease(opened.world, Key.Key_Control)
    return started != []


@pytest.mark.parametrize("letter", ["S", "E", "Q"])
@pytest.mark.parametrize("held", [Key.Key_C, Key.Key_W, Key.Key_Shift])
def test_flying_starts_no_shortcut(opened, started, letter: str, held: Key) -> None:
    """Down and slow was Ctrl+Q, and the window was gone."""
    world, key = opened.world, LETTERS[letter]
    QTest.keyPress(world, held)
    QTest.keyPress(world, key)
    assert started == []
    QTest.keyRelease(world, key)
    # Ctrl comes to it, meant or not.
    QTest.keyPress(world, Key.Key_Control, CTRL)
    QTest.keyPress(world, key, CTRL)
    assert started == []
    assert opened.flight.flying
    for each in (key, Key.Key_Control, held):
        QTest.keyRelease(world, each)
    assert opened.isVisible()


def test_a_shortcut_is_one_where_nothing_flies(opened, started, qtbot) -> None:
    for letter, action in (("S", Action.SAVE), ("E", Action.EXPORT), ("Q", Action.QUIT)):
        qtbot.waitUntil(partial(pressed, opened, started, action, letter), timeout=60_000)
        assert started == [action]
        started.clear()
    assert not opened.flight.flying


def test_a_key_with_shift_flies_even_where_a_shortcut_has_it(opened, started) -> None:
    opened.bindings.bind(Action.PLAY, "Shift+W")
    opened.actions_by_key.apply_keys()
    QTest.keyPress(opened.world, Key.Key_Shift, Qt.KeyboardModifier.ShiftModifier)
    QTest.keyPress(opened.world, Key.Key_W, Qt.KeyboardModifier.ShiftModifier)
    assert started == []
    assert opened.flight.flying


def test_slow_is_slow(opened) -> None:
    assert MOVES[MoveCommand.SLOW][1] == "C"
    mover = opened.flight._mover
    QTest.keyPress(opened.world, Key.Key_C)
    assert MoveCommand.SLOW in mover._held
    QTest.keyRelease(opened.world, Key.Key_C)
    assert MoveCommand.SLOW not in mover._held


def test_a_key_that_is_let_go_of_elsewhere_flies_no_more(opened, started, qtbot) -> None:
    """Else it would fly on, and keep shortcuts from whoever wants them."""
    QTest.keyPress(opened.world, Key.Key_W)
    assert opened.flight.flying
    line = QLineEdit(opened)
    line.show()
    line.setFocus()
    QTest.keyRelease(line, Key.Key_W)
    assert MoveCommand.FORWARD not in opened.flight._mover._held
    qtbot.waitUntil(partial(pressed, opened, started, Action.SAVE, "S"), timeout=60_000)
    assert started == [Action.SAVE]
