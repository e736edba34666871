"""A photo opened in a real window with a depth model of transformers, tiny and random."""

from __future__ import annotations

import shutil
import threading
from pathlib import Path

import pytest
from PyQt6.QtCore import Qt
from PyQt6.QtGui import QGuiApplication
from PyQt6.QtTest import QTest

from explorer.app.work.requests import PriorWish, Wishes
from explorer.priors import prior as prior_module
from explorer.priors.kinds import PriorError
from explorer.priors.prior import DepthPrior
from explorer.walk.journal import read_journal

LONG = 60_000
SAMPLE = Path(__file__).parents[3] / "assets" / "samples" / "room.png"


@pytest.fixture(autouse=True)
def _own_store(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The user's own models stay out of this."""
    monkeypatch.setenv("PHOTOWALK_MODELS", str(tmp_path / "models"))


def open_sample(window, qtbot) -> dict:
    """The header of the walk that follows."""
    window.open_file(SAMPLE)
    qtbot.waitUntil(lambda: len(window.stage.line) == 1, timeout=LONG)
    return read_journal(window.conductor.walk_folder).header


def test_a_folder_chosen_in_the_settings_gives_the_next_photos_depth(
    new_window, tiny_dpt, preferences, qtbot, monkeypatch
) -> None:
    looked = []
    depth = DepthPrior.depth

    def watched(self, photo):
        looked.append(threading.current_thread())
        return depth(self, photo)

    monkeypatch.setattr(DepthPrior, "depth", watched)
    window = new_window()
    window._settings()
    dialog = window.desk.settings
    dialog.tabs.setCurrentIndex(1)
    last = dialog.depth_prior.list.item(dialog.depth_prior.list.count() - 1)
    place = dialog.depth_prior.list.visualItemRect(last).center()
    QTest.mouseClick(dialog.depth_prior.list.viewport(), Qt.MouseButton.LeftButton, pos=place)
    dialog.depth_prior.use_folder(tiny_dpt)
    assert "next photo" in dialog.depth_prior.state.text()
    dialog.close()
    header = open_sample(window, qtbot)
    assert header["depth prior"]["model"] == "tiny-dpt"
    assert header["depth prior"]["kind"] == "inverse"
    assert len(looked) == 1
    assert looked[0] is not threading.main_thread()
    assert preferences.wishes == Wishes(PriorWish(str(tiny_dpt)))
    window.close()
    again = new_window()
    assert again.conductor.wishes.prior == PriorWish(str(tiny_dpt))


def test_every_view_may_ask_it(new_window, tiny_dpt, preferences, qtbot, monkeypatch) -> None:
    looked = []
    depth = DepthPrior.depth

    def counted(self, photo):
        looked.append(photo.source_name)
        return depth(self, photo)

    monkeypatch.setattr(DepthPrior, "depth", counted)
    preferences.set_wishes(Wishes(PriorWish(str(tiny_dpt), None, every_view=True)))
    window = new_window()
    header = open_sample(window, qtbot)
    assert header["depth prior"]["views"] == "all"
    window.conductor.fly_path("forward", 2)
    qtbot.waitUntil(lambda: len(window.stage.line) == 3, timeout=LONG)
    assert len(looked) == 3

    # Opened again, the walk goes on as it was begun, whatever the settings say by now.
    folder = window.conductor.walk_folder
    window.close()
    preferences.set_wishes(Wishes())
    again = new_window()
    again.open_file(folder)
    qtbot.waitUntil(lambda: len(again.stage.line) == 3, timeout=LONG)
    again.conductor.fly_path("forward", 1)
    qtbot.waitUntil(lambda: len(again.stage.line) == 4, timeout=LONG)
    assert len(looked) == 4


def test_a_walk_whose_depth_model_is_gone_says_so(
    new_window, tiny_dpt, preferences, qtbot, tmp_path
) -> None:
    moved = Path(shutil.copytree(tiny_dpt, tmp_path / "mine"))
    preferences.set_wishes(Wishes(PriorWish(str(moved), None, every_view=True)))
    window = new_window()
    assert open_sample(window, qtbot)["depth prior"]["folder"] == str(moved)
    folder = window.conductor.walk_folder
    window.close()
    shutil.rmtree(moved)
    again = new_window()
    again.open_file(folder)
    qtbot.waitUntil(lambda: len(again.stage.line) == 1, timeout=LONG)
    assert "Depth is drawn by our own model." in again.desk.error.label.text()
    again.desk.error.close()


def test_what_is_not_here_is_told_and_our_own_depth_goes_on(new_window, preferences, qtbot) -> None:
    preferences.set_wishes(Wishes(PriorWish("dpt-large")))
    window = new_window()
    header = open_sample(window, qtbot)
    assert header["depth prior"] is None
    error = window.desk.error
    assert error.isVisible()
    assert "dpt-large is not on this machine" in error.label.text().lower()
    assert "drawn by our own model" in error.label.text()
    QTest.mouseClick(error.copy, Qt.MouseButton.LeftButton)
    assert "NotFetchedError" in QGuiApplication.clipboard().text()
    error.close()


def test_a_photo_without_depth_is_told_and_our_own_depth_goes_on(
    new_window, tiny_dpt, preferences, qtbot, monkeypatch
) -> None:
    def nothing(*_args: object) -> None:
        raise PriorError("the depth prior finds no depth in this photo")

    monkeypatch.setattr(prior_module, "to_depth", nothing)
    preferences.set_wishes(Wishes(PriorWish(str(tiny_dpt))))
    window = new_window()
    header = open_sample(window, qtbot)
    assert header["depth prior"] is None
    assert "finds no depth in this photo. Depth is drawn by our own model." in (
        window.desk.error.label.text()
    )
    window.conductor.fly_path("forward", 1)
    qtbot.waitUntil(lambda: len(window.stage.line) == 2, timeout=LONG)
    window.desk.error.close()
