from __future__ import annotations

from pathlib import Path

import pytest
from PyQt6.QtCore import Qt
from PyQt6.QtGui import QGuiApplication
from PyQt6.QtTest import QTest

from explorer.app.dialogs.export_dialog import WORDS, ExportDialog
from explorer.app.dialogs.keys_dialog import SettingsDialog, grouped
from explorer.app.dialogs.messages import ErrorDialog, RecoveryDialog
from explorer.app.keys import Action, KeyBindings
from explorer.app.preferences import Preferences
from explorer.walk.export.selection import Checked, ExportKind
from explorer.walk.motion.mover import MoveCommand
from explorer.walk.session.autosave import LeftWalk


@pytest.fixture
def preferences(tmp_path) -> Preferences:
    return Preferences(tmp_path / "p.ini")


def test_every_kind_of_export_can_be_chosen_and_is_told_how_it_went(qtbot, tmp_path) -> None:
    dialog = ExportDialog(tmp_path)
    qtbot.addWidget(dialog)
    assert set(dialog.boxes) == set(ExportKind) == set(WORDS)
    for kind, box in dialog.boxes.items():
        box.setChecked(kind in (ExportKind.PLY, ExportKind.COLMAP))
    dialog.dense.setChecked(True)
    with qtbot.waitSignal(dialog.export_requested) as asked:
        dialog.go.click()
    assert asked.args[0].kinds == (ExportKind.PLY, ExportKind.COLMAP)
    assert (asked.args[0].dense, asked.args[0].raw) == (True, False)
    assert asked.args[0].folder == tmp_path
    assert dialog.running
    with qtbot.waitSignal(dialog.cancel_requested):
        dialog.stop.click()
    bad = Checked(ExportKind.PLY, tmp_path / "points.ply", False, "its points are cut short")
    dialog.show_results([bad], complete=True)
    assert not dialog.running
    assert dialog.state == "1 of 1 are not right."


def test_nothing_chosen_writes_nothing(qtbot, tmp_path) -> None:
    dialog = ExportDialog(tmp_path)
    qtbot.addWidget(dialog)
    for box in dialog.boxes.values():
        box.setChecked(False)
    with qtbot.assertNotEmitted(dialog.export_requested):
        dialog.go.click()


def test_an_error_can_be_copied_whole(qtbot) -> None:
    dialog = ErrorDialog()
    qtbot.addWidget(dialog)
    dialog.tell("It did not work.", "Traceback: line 1")
    dialog.copy.click()
    clipboard = QGuiApplication.clipboard()
    assert clipboard is not None
    assert clipboard.text() == "It did not work.\n\nTraceback: line 1"


def test_left_walks_are_offered_one_by_one(qtbot) -> None:
    walks = [LeftWalk(Path(f"/w/{k}"), f"{k}.jpg", k, 1e9) for k in (3, 4)]
    dialog = RecoveryDialog(walks)
    qtbot.addWidget(dialog)
    with qtbot.waitSignal(dialog.resumed) as resumed:
        dialog.go_on[1].click()
    assert resumed.args == [Path("/w/4")]


def test_a_key_is_bound_by_pressing_it(qtbot, preferences) -> None:
    bindings = KeyBindings(preferences.settings)
    dialog = SettingsDialog(bindings, preferences)
    qtbot.addWidget(dialog)
    dialog.show()
    button = dialog.buttons[MoveCommand.FORWARD]
    button.click()
    QTest.keyClick(button, Qt.Key.Key_I)
    assert bindings.key(MoveCommand.FORWARD) == "I"
    play = dialog.buttons[Action.PLAY]
    play.click()
    QTest.keyClick(play, Qt.Key.Key_I)
    assert bindings.key(Action.PLAY) == "P"
    assert "taken by" in dialog.words.text()
    dialog.close()


def test_keys_that_are_held_beside_others_wait_for_those(qtbot, preferences) -> None:
    bindings = KeyBindings(preferences.settings)
    dialog = SettingsDialog(bindings, preferences)
    qtbot.addWidget(dialog)
    dialog.show()
    play, slow = dialog.buttons[Action.PLAY], dialog.buttons[MoveCommand.SLOW]
    play.click()
    QTest.keyPress(play, Qt.Key.Key_Control)
    QTest.keyClick(play, Qt.Key.Key_I, Qt.KeyboardModifier.ControlModifier)
    assert bindings.key(Action.PLAY) == "Ctrl+I"
    slow.click()
    QTest.keyClick(slow, Qt.Key.Key_Alt)
    assert bindings.key(MoveCommand.SLOW) == "C"
    assert "Alt begins shortcuts" in dialog.words.text()
    dialog.close()


def test_all_keys_are_in_some_group(preferences) -> None:
    bindings = KeyBindings(preferences.settings)
    listed = [b for bounds in grouped(bindings).values() for b in bounds]
    assert set(listed) == {*Action, *MoveCommand}
