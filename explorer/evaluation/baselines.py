"""What needs no model: the photo again, and the photo warped with its holes inpainted.

Both use the depth that the model drew for the photo and the same memory and renderer as the
walk, so they cost no model time and differ from the walk only in who fills the holes.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.geometry.cameras import Camera
from explorer.evaluation.drive import walk_camera
from explorer.evaluation.scenes import Scene
from memory.config import MemoryConfig
from memory.memory import Memory
from memory.views import View

#: Below this coverage a pixel counts as unknown and is inpainted.
KNOWN_COVERAGE = 0.5

#: Neighbourhood of OpenCV's Telea inpainting, in pixels.
TELEA_RADIUS = 3.0

WARP_AND_TELEA = "warp + Telea"
REPEAT_PHOTO = "repeat photo"


@dataclass(frozen=True, eq=False)
class WarpedView:
    """The photo seen from elsewhere.

    Attributes:
        rgb: (H, W, 3) uint8, its holes inpainted (Telea 2004).
        coverage: (H, W) float32 in [0, 1], what the warp covered before that.
    """

    rgb: NDArray[np.uint8]
    coverage: NDArray[np.float32]


def warp_photo(scene: Scene, photo: View, scale: float) -> list[WarpedView]:
    """The photo warped to each of the scene's views.

    Args:
        photo: as a walk remembers it, with drawn depth in walk units.
        scale: scene units per walk unit.
    """
    memory = Memory(MemoryConfig())
    memory.add(photo)
    height, width = scene.photo.rgb.shape[:2]
    return [
        warp_and_inpaint(memory, walk_camera(scene, view.camera, scale), height, width)
        for view in scene.views
    ]


def warp_and_inpaint(memory: Memory, camera: Camera, height: int, width: int) -> WarpedView:
    """Renders `memory`'s points from `camera` (in the memory's units) and inpaints the rest."""
    rendering = memory.render_points(camera, height, width)
    coverage = rendering.coverage.cpu().numpy()
    colours = rendering.rgb.cpu().numpy().clip(0.0, 1.0)
    rgb = np.ascontiguousarray((colours * 255.0).round().astype(np.uint8))
    holes = (coverage < KNOWN_COVERAGE).astype(np.uint8)
    if holes.all():
        return WarpedView(np.full_like(rgb, 128), coverage)
    painted = cv2.inpaint(rgb, holes, TELEA_RADIUS, cv2.INPAINT_TELEA)
    return WarpedView(painted.astype(np.uint8), coverage)
