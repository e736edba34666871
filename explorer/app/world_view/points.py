"""A lean visual for coloured points of a size in the world.

vispy's Markers draw outlines, symbols and soft edges; on a software OpenGL that makes them several
times slower than plain squares.
"""

from __future__ import annotations

import numpy as np
from vispy import gloo, scene
from vispy.visuals import Visual

_VERTEX = """
attribute vec3 a_position;
attribute float a_radius;
attribute vec3 a_colour;
uniform float u_focal;
uniform float u_enlarged;
varying vec3 v_colour;
void main() {
    vec4 seen = $visual_to_render(vec4(a_position, 1.0));
    gl_Position = seen;
    gl_PointSize = clamp(2.0 * u_enlarged * a_radius * u_focal / max(seen.w, 1e-6), 1.0, 64.0);
    v_colour = a_colour;
}
"""
_FRAGMENT = """
varying vec3 v_colour;
void main() {
    gl_FragColor = vec4(v_colour, 1.0);
}
"""
_VERTICES = np.dtype([("a_position", "f4", 3), ("a_radius", "f4"), ("a_colour", "f4", 3)])


class PointsVisual(Visual):  # type: ignore[misc]
    """Squares that face the viewer; sizes follow from the depth, by the lens of the view."""

    def __init__(self) -> None:
        Visual.__init__(self, vcode=_VERTEX, fcode=_FRAGMENT)
        self._draw_mode = "points"
        self._buffer = gloo.VertexBuffer()
        self._count = 0
        self.shared_program["u_focal"] = 100.0
        self.shared_program["u_enlarged"] = 1.0
        self.set_gl_state(depth_test=True, blend=False, cull_face=False)

    def set_data(
        self, positions: np.ndarray, radii: np.ndarray, colours: np.ndarray, enlarged: float
    ) -> None:
        """positions (N, 3) float32, radii (N,) float32, colours (N, 3) uint8."""
        vertices = np.empty(len(positions), _VERTICES)
        vertices["a_position"], vertices["a_radius"] = positions, radii
        vertices["a_colour"] = colours * np.float32(1 / 255)
        self._count = len(vertices)
        self._buffer.set_data(vertices)
        self._index_buffer = None
        self.shared_program.bind(self._buffer)
        self.shared_program["u_enlarged"] = enlarged
        self.update()

    def set_focal(self, pixels: float) -> None:
        """Framebuffer pixels that one world unit covers at depth one."""
        self.shared_program["u_focal"] = pixels

    def set_thinned(self, count: int, enlarged: float) -> None:
        """Draws only the first `count` points, enlarged; costs no upload of the points."""
        count = min(count, self._count)
        whole = count == self._count
        self._index_buffer = None if whole else gloo.IndexBuffer(np.arange(count, dtype=np.uint32))
        self.shared_program["u_enlarged"] = enlarged
        self.update()

    @staticmethod
    def _prepare_transforms(view: PointsVisual) -> None:
        view.view_program.vert["visual_to_render"] = view.get_transform()

    def _prepare_draw(self, view: PointsVisual) -> bool | None:
        return None if self._count else False

    def _compute_bounds(self, axis: int, view: PointsVisual) -> None:
        return None


Points = scene.visuals.create_visual_node(PointsVisual)
