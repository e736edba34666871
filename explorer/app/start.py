"""Starts the desktop app."""

from __future__ import annotations

import sys
from pathlib import Path

import torch  # noqa: F401  (before Qt: their libraries clash in the other order)
from PyQt6.QtCore import QTimer
from PyQt6.QtWidgets import QApplication

from explorer.app.style import apply_style
from explorer.app.window import MainWindow
from explorer.walk.ready import EngineOptions

#: Seconds after which a thread that holds the interpreter hands it on: the window waits no longer
#: than this for the model's Python.
SWITCH_INTERVAL = 0.001


def run_app(photo: Path | None = None, engine: EngineOptions | None = None) -> int:
    """Opens the window, with a photo or a walk where one is named; returns the exit code.

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
    sys.excepthook = window.show_exception
    window.show()
    if photo is not None:
        QTimer.singleShot(0, lambda: window.open_file(photo))
    return application.exec()
