"""Where a drawn view was really taken from: matched to the true view by SIFT, solved by PnP.

Features of the drawn picture are matched to those of the true picture of the same camera; the
true depth turns each match into a world point; the camera that explains where those points appear
in the drawn picture is recovered by PnP with RANSAC. A model that obeys the asked camera gets an
error near zero. Blurred or invented pictures leave too few matches: these failures are counted,
never averaged away.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.geometry.cameras import Array
from engine.geometry.metrics import rotation_error_degrees, translation_error
from engine.geometry.pose import estimate_camera
from explorer.evaluation.scenes import Scene, TrueView

#: Matches must be this much better than the second best (Lowe 2004 uses 0.8).
LOWE_RATIO = 0.85

#: The strongest ones are plenty at this size.
MOST_FEATURES = 600

#: Pictures are small: features are sought at twice their size.
_ENLARGEMENT = 2


@dataclass(frozen=True)
class PoseError:
    """Of a drawn view's recovered camera against the asked one.

    Attributes:
        rotation_degrees: angle between the two orientations.
        translation: distance between the two positions, in the scene's units.
        inliers: matches that agree with the recovered camera.
    """

    rotation_degrees: float
    translation: float
    inliers: int


@dataclass(frozen=True, eq=False)
class _Features:
    """SIFT: places (N, 2) in pixels and descriptors (N, 128)."""

    places: Array
    descriptors: NDArray[np.float32]


def _features(rgb: NDArray[np.uint8]) -> _Features:
    grey = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY)
    size = (grey.shape[1] * _ENLARGEMENT, grey.shape[0] * _ENLARGEMENT)
    large = cv2.resize(grey, size, interpolation=cv2.INTER_CUBIC)
    sift = cv2.SIFT.create(nfeatures=MOST_FEATURES, contrastThreshold=0.015)
    keypoints, descriptors = sift.detectAndCompute(large, None)
    if descriptors is None:
        return _Features(np.empty((0, 2)), np.empty((0, 128), np.float32))
    # SIFT counts integer pixel centres.
    places = np.array([k.pt for k in keypoints], dtype=np.float64).reshape(-1, 2)
    return _Features((places + 0.5) / _ENLARGEMENT, descriptors.astype(np.float32))


def _nearest(
    wanted: NDArray[np.float32], among: NDArray[np.float32]
) -> tuple[NDArray[np.intp], NDArray[np.float32]]:
    """For each row (N, 128) the nearest one among others, and how much nearer than the second."""
    squared = (
        (wanted**2).sum(axis=1)[:, None] - 2.0 * wanted @ among.T + (among**2).sum(axis=1)[None]
    )
    best = squared.argmin(axis=1)
    rows = np.arange(len(wanted))
    nearest = np.sqrt(np.maximum(squared[rows, best], 0.0))
    squared[rows, best] = np.inf
    second = np.sqrt(np.maximum(squared.min(axis=1), 1e-6))
    return best, nearest / second


def _world_points(pixels: Array, truth: TrueView) -> Array:
    """True world points (N, 3) behind pixels (N, 2) of the true view; nan on sky and unknown."""
    assert truth.depth is not None
    height, width = truth.depth.shape
    column = pixels[:, 0].astype(np.intp).clip(0, width - 1)
    row = pixels[:, 1].astype(np.intp).clip(0, height - 1)
    depth = truth.depth[row, column].astype(np.float64)
    depth[~np.isfinite(depth)] = np.nan
    lens = truth.camera.intrinsics
    x = (pixels[:, 0] / width - lens.cx) / lens.fx
    y = (pixels[:, 1] / height - lens.cy) / lens.fy
    local = np.stack([x * depth, y * depth, depth], axis=-1)
    T = truth.camera.T_world_camera
    return local @ T[:3, :3].T + T[:3, 3]


class CameraMatcher:
    """Recovers the cameras of pictures drawn for one scene.

    Features of the scene's own pictures are found once: every method is matched to them.
    """

    def __init__(self, scene: Scene) -> None:
        own = [scene.photo, *scene.views]
        self._found: dict[int, _Features | None] = {id(view.rgb): None for view in own}
        self._scene = scene

    def error(self, drawn: NDArray[np.uint8], truth: TrueView) -> PoseError | None:
        """How far the camera that explains a drawn picture is from the one it was asked for.

        Args:
            drawn: (H, W, 3) uint8, drawn for `truth.camera`.
            truth: the scene's true view of that camera; its depth must be known.

        Returns:
            None where too few matches agree on any camera: a failure, to be counted.

        Raises:
            ValueError: if the truth has no depth.
        """
        if truth.depth is None:
            raise ValueError("a camera can only be recovered where the true view has a depth")
        there, here = self._features(truth.rgb), self._features(drawn)
        if len(there.places) < 2 or not len(here.places):
            return None
        best, ratio = _nearest(here.descriptors, there.descriptors)
        good = ratio < LOWE_RATIO
        pixels, points = here.places[good], _world_points(there.places[best[good]], truth)
        known = np.isfinite(points).all(axis=1)
        height, width = truth.depth.shape
        estimate = estimate_camera(
            points[known], pixels[known], truth.camera.intrinsics, (height, width)
        )
        if estimate is None:
            return None
        return PoseError(
            rotation_degrees=rotation_error_degrees(estimate.camera, truth.camera),
            translation=translation_error(estimate.camera, truth.camera),
            inliers=int(estimate.inliers.sum()),
        )

    def _features(self, rgb: NDArray[np.uint8]) -> _Features:
        found = self._found.get(id(rgb))
        if found is None:
            found = _features(rgb)
            if id(rgb) in self._found:
                self._found[id(rgb)] = found
        return found
