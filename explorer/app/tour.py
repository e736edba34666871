"""A tour through the real window: pictures of it for the README, figures for assets/figures.md.

    python -m explorer.app.tour OUT [--size 1280x800]

Opens the sample street, flies it with key presses, and writes `empty.png`, `flying.png`,
`inspecting.png` and `figures.json` into OUT. On a machine without a display, run it under
`xvfb-run -a -s "-screen 0 2560x1440x24"`.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from PyQt6.QtCore import QEvent, Qt
from PyQt6.QtGui import QKeyEvent
from PyQt6.QtWidgets import QApplication

from explorer.app.heartbeat import Heartbeat
from explorer.app.panels.empty_state import sample_photos
from explorer.app.preferences import Preferences
from explorer.app.start import SWITCH_INTERVAL
from explorer.app.style import apply_style
from explorer.app.window import MainWindow
from explorer.app.world_view.world_view import MAP
from explorer.walk.files import atomic_path
from explorer.walk.ready import EngineOptions

PATIENCE = 120.0


class Tour:
    """Drives a window as a person would."""

    def __init__(self, application: QApplication, window: MainWindow, out: Path) -> None:
        self._application, self._window, self._out = application, window, out
        self.figures: dict[str, float] = {}

    def wait(self, seconds: float, until: Callable[[], bool] | None = None) -> None:
        """So long, or until something holds."""
        end = time.perf_counter() + seconds
        while time.perf_counter() < end and not (until is not None and until()):
            self._application.processEvents()
            time.sleep(0.001)

    def key(self, kind: QEvent.Type, key: Qt.Key) -> None:
        """A key goes down or up."""
        event = QKeyEvent(kind, key, Qt.KeyboardModifier.NoModifier)
        QApplication.sendEvent(self._window.world, event)

    def picture(self, name: str) -> None:
        """What the screen shows of the window."""
        screen = self._window.screen()
        assert screen is not None
        with atomic_path(self._out / name) as path:
            screen.grabWindow(self._window.winId()).save(str(path), "PNG")

    def empty(self) -> None:
        self.wait(1.5)
        self.picture("empty.png")

    def fly(self, photo: Path) -> None:
        """Opens a photo and holds keys."""
        window = self._window
        begin = time.perf_counter()
        window.open_file(photo)
        self.wait(PATIENCE, lambda: len(window.stage.line) > 0)
        self.figures["seconds to the photo's depth"] = time.perf_counter() - begin
        self.wait(1.0)
        beat = Heartbeat()
        beat.start()
        drawn_at, begin = window.world.last_drawn_at, time.perf_counter()
        self.key(QEvent.Type.KeyPress, Qt.Key.Key_W)
        self.wait(PATIENCE, lambda: window.world.last_drawn_at > drawn_at)
        self.figures["ms from key to preview"] = (time.perf_counter() - begin) * 1e3
        self.wait(PATIENCE, lambda: len(window.stage.line) > 1)
        self.figures["ms from key to the model's picture"] = (time.perf_counter() - begin) * 1e3
        self.wait(2.0)
        self.key(QEvent.Type.KeyRelease, Qt.Key.Key_W)
        self.key(QEvent.Type.KeyPress, Qt.Key.Key_Left)
        self.wait(0.8)
        self.key(QEvent.Type.KeyRelease, Qt.Key.Key_Left)
        self.wait(4.0)
        beat.stop()
        self.figures["window pause while the model draws, ms, median"] = beat.pause(50)
        self.figures["window pause while the model draws, ms, p95"] = beat.pause(95)
        self.figures["window pause while the model draws, ms, worst"] = beat.pause(100)
        self.picture("flying.png")

    def inspect(self) -> None:
        """Flies a path, looks at it from outside, and at one pixel."""
        window = self._window
        window.conductor.fly_path("orbit", 6)
        self.wait(PATIENCE, lambda: window.conductor.busy_with_job)
        self.wait(PATIENCE, lambda: not window.conductor.busy_with_job)
        window.world.set_mode(MAP)
        head = window.stage.line.head
        assert head is not None
        window.stage.inspect(window.stage.line.nodes[-3].id)
        self.wait(1.0)
        window.pictures.depth_pane.pointed.emit(150, 90)
        self.wait(1.0)
        self.picture("inspecting.png")


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m explorer.app.tour", description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--size", default="1280x800")
    parser.add_argument("--photo", type=Path, default=None)
    given = parser.parse_args(arguments)
    given.out.mkdir(parents=True, exist_ok=True)
    sys.setswitchinterval(SWITCH_INTERVAL)
    begin = time.perf_counter()
    application = QApplication(sys.argv[:1])
    apply_style(application)
    with tempfile.TemporaryDirectory() as folder:
        preferences = Preferences(Path(folder) / "preferences.ini")
        preferences.set_walks_folder(Path(folder) / "walks")
        window = MainWindow(preferences, EngineOptions().resolved())
        width, height = (int(side) for side in given.size.split("x"))
        window.resize(width, height)
        window.show()
        tour = Tour(application, window, given.out)
        tour.wait(PATIENCE, window.isVisible)
        tour.figures["seconds to the window, after the imports"] = time.perf_counter() - begin
        tour.empty()
        tour.fly(given.photo or sample_photos()[0])
        tour.inspect()
        window.close()
    with atomic_path(given.out / "figures.json") as path:
        path.write_text(json.dumps(tour.figures, indent=1) + "\n", encoding="utf-8")
    for name, value in tour.figures.items():
        print(f"{name}: {value:.3g}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
