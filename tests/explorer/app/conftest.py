"""Windows for tests: real ones, with real OpenGL where the machine has it."""

from __future__ import annotations

import os
import sys
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path

if sys.platform.startswith("linux") and not (
    os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
):
    # Without a display Qt would end the process; plain widgets can still be tested.
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import numpy as np
import pytest
import torch  # before Qt: their libraries clash in the other order
from PyQt6 import sip
from PyQt6.QtWidgets import QApplication

from engine.geometry.cameras import Camera, Intrinsics
from explorer.app.panels.controls import SIZES
from explorer.app.preferences import Preferences
from explorer.app.style import apply_style
from explorer.app.window import MainWindow


def why_no_opengl() -> str | None:
    """Why no window with OpenGL can be made here; None where it can."""
    if os.environ.get("QT_QPA_PLATFORM") in ("offscreen", "minimal"):
        return "there is no display (xvfb-run gives one)"
    return None


@pytest.fixture
def opengl(qapp: QApplication) -> None:
    """Skips where no OpenGL window can be made."""
    why = why_no_opengl()
    if why is not None:
        pytest.skip(why)


@pytest.fixture(autouse=True)
def _no_widget_left(qapp: QApplication) -> Iterator[None]:
    """A test closes what it opens."""
    before = {id(w) for w in qapp.topLevelWidgets()}
    yield
    qapp.processEvents()
    left = [w for w in qapp.topLevelWidgets() if id(w) not in before and w.isVisible()]
    assert not left, f"left open: {left}"


@pytest.fixture
def start() -> Camera:
    return Camera(np.eye(4), Intrinsics.from_fov(60, 16 / 9))


SAMPLE = Path(__file__).parents[3] / "assets" / "samples" / "room.png"
LONG = 60_000


@pytest.fixture
def preferences(tmp_path) -> Preferences:
    kept = Preferences(tmp_path / "preferences.ini")
    kept.set_walks_folder(tmp_path / "walks")
    return kept


def _activated(window: MainWindow) -> bool:
    if not window.isActiveWindow():
        window.activateWindow()
    return window.isActiveWindow()


@pytest.fixture
def new_window(opengl, qapp, qtbot, preferences) -> Callable[[], MainWindow]:
    apply_style(qapp)
    torch.set_num_threads(2)
    windows = []

    def make() -> MainWindow:
        window = MainWindow(preferences)
        windows.append(weakref.ref(window))
        window.controls.size_box.setCurrentIndex(SIZES.index((192, 112)))
        window.conductor.values = window.controls.values()
        with qtbot.waitExposed(window):
            window.show()
        # Held keys are let go of where a window loses the keyboard, so it must have it by now.
        # Without a window manager a request that comes too early is lost: it is made again.
        qtbot.waitUntil(lambda: _activated(window), timeout=LONG)
        return window

    yield make
    for each in windows:
        window = each()
        if window is not None and not sip.isdeleted(window):
            if window.worker.isRunning():
                window.close()
            window.deleteLater()
    qapp.processEvents()


@pytest.fixture
def opened(new_window, qtbot) -> MainWindow:
    window = new_window()
    window.open_file(SAMPLE)
    qtbot.waitUntil(lambda: len(window.stage.line) == 1, timeout=LONG)
    return window
