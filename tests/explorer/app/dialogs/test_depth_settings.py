"""Choosing whose depth a photo gets: with clicks, a hub on the loopback, and folders."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PyQt6.QtCore import Qt
from PyQt6.QtGui import QGuiApplication
from PyQt6.QtTest import QTest
from safetensors.numpy import save_file

from explorer.app.dialogs.depth_settings import FOLDER, OWN, DepthSettings
from explorer.app.dialogs.keys_dialog import SettingsDialog
from explorer.app.keys import KeyBindings
from explorer.app.preferences import Preferences
from explorer.app.style import apply_style
from explorer.app.work.requests import PriorWish, Wishes
from explorer.store.places import Places
from explorer.store.store import FetchProgress, ModelStore

SHORT = 10_000


@pytest.fixture
def settings(qtbot, store):
    shown = []

    def make(wish: PriorWish | None = None, of: ModelStore | None = None) -> DepthSettings:
        widget = DepthSettings(of or store, wish)
        qtbot.addWidget(widget)
        with qtbot.waitExposed(widget):
            widget.show()
        shown.append(widget)
        return widget

    yield make
    for widget in shown:
        widget.download.cancel()
        assert widget.download.wait(10)
        widget.close()


def click_row(widget: DepthSettings, name: str) -> None:
    """As a user does, with the mouse."""
    for row in range(widget.list.count()):
        item = widget.list.item(row)
        if item.data(Qt.ItemDataRole.UserRole) == name:
            place = widget.list.visualItemRect(item).center()
            QTest.mouseClick(widget.list.viewport(), Qt.MouseButton.LeftButton, pos=place)
            return
    raise AssertionError(f"there is no row {name!r}")


def press(button) -> None:
    assert button.isVisible()
    QTest.mouseClick(button, Qt.MouseButton.LeftButton)


def depth_folder(folder: Path, rng, **config: object) -> Path:
    folder.mkdir()
    weights = rng.standard_normal(8).astype("float32")
    save_file({"w": weights}, folder / "model.safetensors")
    content = {"architectures": ["DPTForDepthEstimation"], "model_type": "dpt", **config}
    (folder / "config.json").write_text(json.dumps(content))
    (folder / "preprocessor_config.json").write_text("{}")
    return folder


def test_what_a_model_costs_is_shown_before_anything_is_fetched(settings, hub) -> None:
    widget = settings()
    assert widget.wish is None
    click_row(widget, "small-depth")
    assert widget.fetch.isVisible()
    for words in ("Apache-2.0", "800 kB to download", "1.2 MB of memory", "someone/Small-Depth"):
        assert words in widget.words.text()
    assert "nothing is fetched" in widget.state.text()
    assert widget.wish is None
    assert hub.asked == []


def test_a_download_is_asked_for_shown_and_chosen(settings, hub, store, qtbot) -> None:
    widget = settings()
    click_row(widget, "small-depth")
    seen = []
    widget.download.progressed.connect(lambda p: seen.append(p.done))
    with qtbot.waitSignal(widget.chosen, timeout=SHORT) as chosen:
        press(widget.fetch)
        assert widget.bar.isVisible()
        assert widget.cancel.isVisible()
        assert not widget.fetch.isVisible()
    assert chosen.args == [PriorWish("small-depth")]
    assert seen == sorted(seen)
    assert len(seen) > 5
    assert store.folder("small-depth").is_dir()
    assert widget.state.text() == "It is here, and chosen."
    assert not widget.bar.isVisible()
    assert "on this machine" in widget.words.text()


def test_a_download_that_is_given_up_is_gone_on_with(settings, hub, store, qtbot) -> None:
    widget = settings()
    click_row(widget, "small-depth")

    def click_in_the_middle(progress: FetchProgress) -> None:
        if progress.done > 300_000 and widget.cancel.isEnabled():
            press(widget.cancel)

    # The thread waits for the click, else it may be done before it.
    wait = Qt.ConnectionType.BlockingQueuedConnection
    widget.download.progressed.connect(click_in_the_middle, wait)
    with qtbot.waitSignal(widget.download.stopped, timeout=SHORT):
        press(widget.fetch)
    assert "what arrived is kept" in widget.state.text()
    assert widget.wish is None
    assert widget.fetch.text() == "Go on"
    widget.download.progressed.disconnect(click_in_the_middle)
    with qtbot.waitSignal(widget.chosen, timeout=SHORT):
        press(widget.fetch)
    assert hub.asked[-1][1] is not None, "it began anew"


def test_a_hub_that_refuses_is_told_with_details_to_copy(settings, hub, qtbot) -> None:
    hub.status = 403
    widget = settings()
    click_row(widget, "small-depth")
    with qtbot.waitSignal(widget.download.failed, timeout=SHORT):
        press(widget.fetch)
    qtbot.waitUntil(lambda: widget.copy.isVisible(), timeout=SHORT)
    assert "only for accounts that accepted its terms" in widget.state.text()
    press(widget.copy)
    clipboard = QGuiApplication.clipboard()
    assert "Traceback" in clipboard.text()
    assert widget.state.text() in clipboard.text()
    assert widget.wish is None


def test_offline_fetches_nothing(settings, hub, entry, tmp_path, qtbot) -> None:
    where = Places(tmp_path / "m", hub.endpoint, offline="HF_HUB_OFFLINE")
    widget = settings(of=ModelStore(where, [entry]))
    click_row(widget, "small-depth")
    with qtbot.waitSignal(widget.download.failed, timeout=SHORT):
        press(widget.fetch)
    qtbot.waitUntil(lambda: "HF_HUB_OFFLINE is set" in widget.state.text(), timeout=SHORT)
    assert hub.asked == []


def test_a_folder_of_ones_own(settings, tmp_path, rng, qtbot) -> None:
    widget = settings()
    click_row(widget, FOLDER)
    assert widget.wish is None
    folder = depth_folder(tmp_path / "mine", rng)
    with qtbot.waitSignal(widget.chosen) as chosen:
        widget.use_folder(folder)
    assert chosen.args == [PriorWish(str(folder))]
    assert "DPTForDepthEstimation" in widget.words.text()
    with qtbot.waitSignal(widget.chosen):
        widget.views.setFocus()
        QTest.keyClick(widget.views, Qt.Key.Key_Down)
    assert widget.wish == PriorWish(str(folder), None, every_view=True)


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        ("config.json", "has no config.json"),
        ("preprocessor_config.json", "has no preprocessor_config.json"),
        ("model.safetensors", "holds no weights"),
    ],
)
def test_a_folder_that_is_no_model_is_not_chosen(
    settings, tmp_path, rng, spoil: str, sentence: str
) -> None:
    widget = settings()
    folder = depth_folder(tmp_path / "mine", rng)
    (folder / spoil).unlink()
    click_row(widget, FOLDER)
    widget.use_folder(folder)
    assert sentence in widget.state.text()
    assert widget.copy.isVisible()
    assert widget.wish is None


def test_what_cannot_be_known_must_be_said(settings, tmp_path, rng, qtbot) -> None:
    widget = settings()
    folder = depth_folder(tmp_path / "mine", rng, model_type="other", architectures=[])
    click_row(widget, FOLDER)
    widget.use_folder(folder)
    assert "cannot be known" in widget.state.text()
    assert widget.wish is None
    with qtbot.waitSignal(widget.chosen):
        widget.kind.setFocus()
        QTest.keyClick(widget.kind, Qt.Key.Key_Down)
    assert widget.wish == PriorWish(str(folder), "inverse")


def test_back_to_our_own_model(settings, store, qtbot) -> None:
    store.fetch(store.plan("small-depth"))
    widget = settings(PriorWish("small-depth", None, every_view=True))
    assert widget.views.currentIndex() == 1
    assert widget.wish == PriorWish("small-depth", None, every_view=True)
    with qtbot.waitSignal(widget.chosen) as chosen:
        click_row(widget, OWN)
    assert chosen.args == [None]


def test_the_choice_is_remembered(qtbot, qapp, store, tmp_path) -> None:
    apply_style(qapp)
    store.fetch(store.plan("small-depth"))
    preferences = Preferences(tmp_path / "p.ini")
    dialog = SettingsDialog(KeyBindings(preferences.settings), preferences, None, store)
    qtbot.addWidget(dialog)
    dialog.show()
    dialog.tabs.setCurrentIndex(1)
    with qtbot.waitSignal(dialog.wishes_changed) as changed:
        click_row(dialog.depth_prior, "small-depth")
    assert changed.args == [Wishes(PriorWish("small-depth"))]
    with qtbot.waitSignal(dialog.wishes_changed):
        dialog.compiled.setFocus()
        QTest.keyClick(dialog.compiled, Qt.Key.Key_End)
    dialog.close()
    again = Preferences(tmp_path / "p.ini").wishes
    assert again == Wishes(PriorWish("small-depth"), compiled=False)


def test_no_words_are_cut_off(qtbot, qapp, tmp_path) -> None:
    """With the real catalogue, every label has room for what it says."""
    apply_style(qapp)
    store = ModelStore(Places(tmp_path / "models"))
    preferences = Preferences(tmp_path / "p.ini")
    dialog = SettingsDialog(KeyBindings(preferences.settings), preferences, None, store)
    qtbot.addWidget(dialog)
    with qtbot.waitExposed(dialog):
        dialog.show()
    dialog.tabs.setCurrentIndex(1)
    names = [offer.name for offer in dialog.depth_prior._offers]
    assert len(names) >= 6
    for name in (OWN, *names, FOLDER):
        click_row(dialog.depth_prior, name)
        qapp.processEvents()
        for label in (dialog.depth_prior.words, dialog.depth_prior.state):
            assert label.height() >= label.heightForWidth(label.width()), label.text()
    assert dialog.height() <= 800
    assert dialog.width() <= 1280
    dialog.close()
