"""A vispy camera that is exactly our pinhole: what it shows lies on the model's picture.

vispy's FlyCamera has bugs in its pose, and knows no principal point.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from vispy.scene.cameras import BaseCamera
from vispy.visuals.transforms import MatrixTransform

from engine.geometry.cameras import Camera

#: Nearest and farthest visible depth, in units of the scene's scale.
NEAR, FAR = 0.02, 2000.0


class PinholeCamera(BaseCamera):  # type: ignore[misc]
    """Looks through a `Camera`; the view box has the picture's aspect."""

    def __init__(self) -> None:
        super().__init__(interactive=False)
        self._pinhole: Camera | None = None
        self._scene_scale = 1.0
        # One object for good: a new transform would have every node's shader compiled again.
        self._pixels_world = MatrixTransform()

    def look_through(self, camera: Camera, scene_scale: float) -> None:
        """Shows what `camera` sees; `scene_scale` is σ in scene units."""
        self._pinhole, self._scene_scale = camera, scene_scale
        self.view_changed()

    def _update_transform(self, event: object = None) -> None:
        if self._viewbox is None or self._pinhole is None:
            return
        width, height = self._viewbox.size
        matrix = picture_matrix(self._pinhole, width, height, self._scene_scale)
        self._pixels_world.matrix = matrix.T
        if self._viewbox.scene.transform is not self._pixels_world:
            self._set_scene_transform(self._pixels_world)


def picture_matrix(
    camera: Camera, width: float, height: float, scene_scale: float
) -> NDArray[np.float64]:
    """(4, 4), maps homogeneous world points to pixels of a picture (width, height), with OpenGL's
    depth in the third row."""
    k = camera.intrinsics
    near, far = NEAR * scene_scale, FAR * scene_scale
    depth = (far + near) / (far - near), -2.0 * far * near / (far - near)
    pixels_camera = np.array(
        [
            [k.fx * width, 0.0, k.cx * width, 0.0],
            [0.0, k.fy * height, k.cy * height, 0.0],
            [0.0, 0.0, depth[0], depth[1]],
            [0.0, 0.0, 1.0, 0.0],
        ]
    )
    found: NDArray[np.float64] = pixels_camera @ camera.T_camera_world
    return found
