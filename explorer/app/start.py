"""Starts the desktop app."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import torch  # noqa: F401  (before Qt: their libraries clash in the other order)
from PyQt6.QtCore import QTimer
from PyQt6.QtWidgets import QApplication

from explorer.app.style import apply_style
from explorer.app.window import MainWindow
from explorer.walk.ready import EngineOptions
from explorer.walk.sizes import Sizes

#: Seconds after which a thread that holds the interpreter hands it on: the window waits no longer
#: than this for the model's Python.
SWITCH_INTERVAL = 0.001


def run_app(
    photo: Path | None = None, engine: EngineOptions | None = None, sizes: Sizes | None = None
) -> int:
    """Opens the window, with a photo or a walk where one is named; returns the exit code.

    Args:
        sizes: of the walks that are begun there; None for the usual ones.

    Raises:
        DeviceError: nothing can be computed on the engine's device.
    """
    engine = (engine or EngineOptions()).resolved()
    sys.setswitchinterval(SWITCH_INTERVAL)
    application = QApplication(sys.argv[:1])
    application.setApplicationName("Photowalk")
    application.setDesktopFileName("photowalk")
    apply_style(application)
    window = MainWindow(engine=engine)
    if sizes is not None:
        values = window.controls.values()
        window.controls.set_values(replace(values, size=sizes.model, picture=sizes.picture))
        window.conductor.values = window.controls.values()
    sys.excepthook = window.show_exception
    window.show()
    if photo is not None:
        QTimer.singleShot(0, lambda: window.open_file(photo))
    return application.exec()
