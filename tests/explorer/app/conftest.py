"""Windows for tests: real ones, with real OpenGL where the machine has it."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator

os.environ.setdefault("OMP_WAIT_POLICY", "passive")  # as the app starts
if sys.platform.startswith("linux") and not (
    os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
):
    # Without a display Qt would end the process; plain widgets can still be tested.
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import numpy as np
import pytest
import torch  # noqa: F401  (before Qt: their libraries clash in the other order)
from PyQt6.QtWidgets import QApplication

from engine.geometry.cameras import Camera, Intrinsics


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
