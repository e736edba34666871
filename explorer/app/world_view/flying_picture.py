"""The picture that is seen while flying: stored ones, carried to where the camera is."""

from __future__ import annotations

import os
from collections.abc import Mapping

from PyQt6.QtCore import QObject, pyqtSignal
from vispy import scene

from engine.geometry.cameras import Camera
from explorer.app.world_view.carrier import Carrier
from explorer.app.world_view.screen import FlatScreen, Frame
from explorer.app.world_view.shader import ShaderFrame, ShaderScreen
from explorer.app.world_view.shelf import Shelf

#: Seconds from one frame to the next where the processor that carries has the model to run too.
PAUSE = 0.025
PROCESSOR, GPU = "processor", "gpu"
#: Says who carries the pictures, where the window's own choice is wrong.
VARIABLE = "PHOTOWALK_PICTURES"


def who_carries(software: bool, environment: Mapping[str, str] | None = None) -> str:
    """ "processor" where OpenGL is software, else "gpu"; or what the variable says.

    Raises:
        ValueError: it says something else.
    """
    asked = (os.environ if environment is None else environment).get(VARIABLE, "")
    if asked not in ("", PROCESSOR, GPU):
        raise ValueError(f"{VARIABLE} is {asked!r}; it may be {PROCESSOR!r} or {GPU!r}")
    return asked or (PROCESSOR if software else GPU)


class FlyingPicture(QObject):
    """Fills a view box with what the camera sees.

    Args:
        box: what it fills.

    Raises:
        ValueError: as `who_carries`.

    Signals:
        changed: another frame is to be drawn.
        failed: (sentence, details) a picture cannot be read.
    """

    changed = pyqtSignal()
    failed = pyqtSignal(str, str)

    def __init__(self, box: scene.widgets.ViewBox, parent: QObject | None = None) -> None:
        super().__init__(parent)
        who_carries(software=True)  # a wrong word is said before a window opens
        self._box = box
        self.shelf = Shelf()
        self._carrier = Carrier(self.shelf, self)
        self._carrier.carried.connect(self._show)
        self._carrier.failed.connect(self.failed)
        self._screen: FlatScreen | ShaderScreen | None = None
        self._flying = True
        self._frame: Frame | ShaderFrame | None = None
        self._size = (16.0, 9.0)
        self.frames = 0

    @property
    def opacity(self) -> float:
        """1 where it is seen, 0 where the points are."""
        return 1.0 if self._flying and self._frame is not None else 0.0

    @property
    def frame(self) -> Frame | ShaderFrame | None:
        """What is on the screen."""
        return self._frame

    def start(self, software: bool) -> None:
        """The OpenGL context is there, and current; the processor plays it or a GPU does."""
        if self._screen is not None:
            return
        on_gpu = who_carries(software) == GPU
        self._screen = ShaderScreen(self._box) if on_gpu else FlatScreen(self._box)
        self._screen.place(self._size)
        self._carrier.set_way(self._screen.way, PAUSE if software else 0.0)
        self._carrier.start()

    def look_from(self, camera: Camera | None = None) -> None:
        """The camera is there now; None where it stays, and the pictures are others."""
        if self._flying:
            self._carrier.look_from(camera)

    def set_flying(self, flying: bool) -> None:
        """It is seen, or the map is."""
        self._flying = flying
        self._set_visible()

    def place(self, size: tuple[float, float], pixel_scale: float) -> None:
        """The box has another size (width, height), and so many pixels a unit."""
        self._size = size
        self.shelf.set_most((round(size[0] * pixel_scale), round(size[1] * pixel_scale)))
        if self._screen is not None:
            self._screen.place(size)
        self.look_from()

    def clear(self) -> None:
        """Nothing is seen."""
        self._carrier.forget()
        self._frame = None
        self._set_visible()

    def drawn(self) -> None:
        """A frame of the window is done."""
        self._carrier.taken()

    def close(self) -> None:
        """Ends the thread."""
        self._carrier.quit_and_wait()

    def _show(self, frame: Frame | ShaderFrame) -> None:
        if self._screen is None:
            return
        self._frame = frame
        self.frames += 1
        self._screen.show(frame)  # type: ignore[arg-type]
        self._set_visible()
        self.changed.emit()

    def _set_visible(self) -> None:
        if self._screen is not None:
            self._screen.set_visible(self.opacity > 0)
