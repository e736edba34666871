"""The model's picture over the points: it fades in where it was drawn, and out as one leaves."""

from __future__ import annotations

import time

import numpy as np
from vispy import scene
from vispy.visuals.transforms import STTransform

from engine.geometry.cameras import Camera
from explorer.walk.motion.nearness import Nearness, nearness

#: The picture is gone when the camera has left its place by this much.
FADED = Nearness(0.10, 5.0)
FADE_SECONDS = 0.18


class PictureOverlay:
    """A picture that fills a view box.

    Args:
        box: what it lies on.
    """

    def __init__(self, box: scene.widgets.ViewBox) -> None:
        self._image = scene.Image(np.zeros((2, 2, 3), np.uint8), parent=box, interpolation="linear")
        self._image.set_gl_state(depth_test=False, blend=True)
        self._image.order = 10
        self._camera: Camera | None = None
        self._fade = 0.0
        self._shown_at = 0.0
        self.clear()

    @property
    def opacity(self) -> float:
        """How much of it is seen, in [0, 1]."""
        return float(self._image.opacity) if self._image.visible else 0.0

    @property
    def fading(self) -> bool:
        """It is still coming."""
        return self._fade < 1.0

    def show(self, rgb: np.ndarray, camera: Camera, size: tuple[float, float]) -> None:
        """(H, W, 3) uint8 from `camera`, in a box of that size."""
        self._image.set_data(rgb)
        self._camera, self._fade = camera, 0.0
        self._shown_at = time.perf_counter()
        self.place(size)

    def clear(self) -> None:
        self._camera, self._image.visible = None, False

    def place(self, size: tuple[float, float]) -> None:
        """The box has another size (width, height), pixels."""
        rows, columns = self._image.size[1], self._image.size[0]
        self._image.transform = STTransform(scale=(size[0] / columns, size[1] / rows))

    def advance(self) -> None:
        """Fades by the clock: a software OpenGL takes many ticks of a timer for one frame."""
        self._fade = min(1.0, (time.perf_counter() - self._shown_at) / FADE_SECONDS)

    def look_from(self, camera: Camera | None, scene_scale: float) -> None:
        """The camera is there now; None hides the picture."""
        opacity = 0.0
        if camera is not None and self._camera is not None:
            gap = nearness(camera, self._camera, scene_scale)
            away = max(gap.shift / FADED.shift, gap.degrees / FADED.degrees)
            opacity = self._fade * max(0.0, 1.0 - away)
        self._image.visible = opacity > 0.01
        self._image.opacity = opacity
