"""What fills the view while flying: a picture that was carried by the processor."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from vispy import gloo, scene
from vispy.visuals import Visual

from engine.geometry.cameras import Camera
from explorer.app.world_view.carrier import Seen
from memory.pictures.carrying import carry

VERTEX = """
attribute vec2 a_position;
uniform vec2 u_size;
varying vec2 v_place;
void main() {
    v_place = a_position;
    gl_Position = $visual_to_render(vec4(a_position * u_size, 0.0, 1.0));
}
"""
_FRAGMENT = """
uniform sampler2D u_picture;
varying vec2 v_place;
void main() {
    gl_FragColor = vec4(texture2D(u_picture, v_place).rgb, 1.0);
}
"""
CORNERS = np.array([[0, 0], [1, 0], [0, 1], [1, 1]], np.float32)


@dataclass(frozen=True, eq=False)
class Frame:
    """Attributes:
    rgba: (H, W, 4) uint8.
    camera: where it is seen from.
    holes: the share of its pixels that no picture shows, in [0, 1].
    """

    rgba: NDArray[np.uint8]
    camera: Camera
    holes: float


class ByProcessor:
    """Carries with OpenCV and numpy; for a software OpenGL."""

    def frame(self, layers: Sequence[Seen], camera: Camera) -> Frame:
        made = [carry(layer.sources, camera, layer.sources[0].size) for layer in layers]
        last = made[-1]
        rgba, holes = last.rgba, len(last.holes) / (last.rgba.size // 4)
        if len(made) == 2 and made[0].rgba.shape == rgba.shape:
            share = layers[-1].share
            rgba = np.asarray(cv2.addWeighted(made[0].rgba, 1.0 - share, rgba, share, 0.0))
        return Frame(rgba, camera, holes)


class PictureVisual(Visual):  # type: ignore[misc]
    """One texture over a rectangle at the origin; vispy's Image copies and checks what it gets."""

    def __init__(self) -> None:
        Visual.__init__(self, vcode=VERTEX, fcode=_FRAGMENT)
        self._draw_mode = "triangle_strip"
        self._texture = gloo.Texture2D(
            np.zeros((2, 2, 4), np.uint8), interpolation="linear", wrapping="clamp_to_edge"
        )
        self.shared_program["a_position"] = gloo.VertexBuffer(CORNERS)
        self.shared_program["u_picture"] = self._texture
        self.shared_program["u_size"] = (1.0, 1.0)
        self.set_gl_state(depth_test=False, blend=False, cull_face=False)

    def set_data(self, rgba: NDArray[np.uint8]) -> None:
        """(H, W, 4) uint8."""
        self._texture.set_data(rgba)
        self.update()

    def place(self, size: tuple[float, float]) -> None:
        """(width, height) pixels of the rectangle."""
        self.shared_program["u_size"] = size
        self.update()

    @staticmethod
    def _prepare_transforms(view: PictureVisual) -> None:
        view.view_program.vert["visual_to_render"] = view.get_transform()

    def _prepare_draw(self, view: PictureVisual) -> bool | None:
        return None

    def _compute_bounds(self, axis: int, view: PictureVisual) -> None:
        return None


PicturePlane = scene.visuals.create_visual_node(PictureVisual)


class FlatScreen:
    """Shows what the processor has carried.

    Args:
        box: what it fills.
    """

    def __init__(self, box: scene.widgets.ViewBox) -> None:
        self.way = ByProcessor()
        self._plane = PicturePlane(parent=box)
        self._plane.order, self._plane.visible = 10, False

    def show(self, frame: Frame) -> None:
        self._plane.set_data(frame.rgba)

    def place(self, size: tuple[float, float]) -> None:
        self._plane.place(size)

    def set_visible(self, visible: bool) -> None:
        self._plane.visible = visible
