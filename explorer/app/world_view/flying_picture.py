"""The picture that is seen while flying: stored ones, carried to where the camera is."""

from __future__ import annotations

from PyQt6.QtCore import QObject, pyqtSignal
from vispy import scene

from engine.geometry.cameras import Camera
from explorer.app.world_view.carrier import Carrier
from explorer.app.world_view.screen import ByProcessor, Frame, PicturePlane
from explorer.app.world_view.shelf import Shelf

#: Seconds from one frame to the next where the processor that carries has the model to run too.
PAUSE = 0.025


class FlyingPicture(QObject):
    """Fills a view box with what the camera sees.

    Args:
        box: what it fills.

    Signals:
        changed: another frame is to be drawn.
        failed: (sentence, details) a picture cannot be read.
    """

    changed = pyqtSignal()
    failed = pyqtSignal(str, str)

    def __init__(self, box: scene.widgets.ViewBox, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._box = box
        self.shelf = Shelf()
        self._carrier = Carrier(self.shelf, self)
        self._carrier.carried.connect(self._show)
        self._carrier.failed.connect(self.failed)
        self._plane: scene.Node | None = None
        self._flying = True
        self._frame: Frame | None = None
        self._size = (16.0, 9.0)
        self.frames = 0

    @property
    def opacity(self) -> float:
        """1 where it is seen, 0 where the points are."""
        return 1.0 if self._flying and self._frame is not None else 0.0

    @property
    def frame(self) -> Frame | None:
        """What is on the screen."""
        return self._frame

    def start(self) -> None:
        """The OpenGL context is there."""
        if self._plane is None:
            self._plane = PicturePlane(parent=self._box)
            self._plane.order = 10
            self._plane.place(self._size)
            self._plane.visible = False
            self._carrier.set_way(ByProcessor(), PAUSE)
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
        if self._plane is not None:
            self._plane.place(size)
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

    def _show(self, frame: Frame) -> None:
        if self._plane is None:
            return
        self._frame = frame
        self.frames += 1
        self._plane.set_data(frame.rgba)
        self._set_visible()
        self.changed.emit()

    def _set_visible(self) -> None:
        if self._plane is not None:
            self._plane.visible = self.opacity > 0
