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
from explorer.evaluation.scenes import TrueView

#: Matches must be this much better than the second best (Lowe 2004 uses 0.8).
LOWE_RATIO = 0.85

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
class _Matches:
    drawn: Array  # (N, 2) pixels in the drawn picture
    true: Array  # (N, 2) pixels in the true picture


def _features(rgb: NDArray[np.uint8]) -> tuple[Array, NDArray[np.float32] | None]:
    grey = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY)
    size = (grey.shape[1] * _ENLARGEMENT, grey.shape[0] * _ENLARGEMENT)
    large = cv2.resize(grey, size, interpolation=cv2.INTER_CUBIC)
    sift = cv2.SIFT.create(nfeatures=2000, contrastThreshold=0.015)
    keypoints, descriptors = sift.detectAndCompute(large, None)
    # SIFT counts integer pixel centres.
    places = np.array([k.pt for k in keypoints], dtype=np.float64).reshape(-1, 2)
    if descriptors is None:
        return places, None
    return (places + 0.5) / _ENLARGEMENT, descriptors.astype(np.float32)


def _match(drawn: NDArray[np.uint8], true: NDArray[np.uint8]) -> _Matches:
    places, descriptors = _features(drawn)
    true_places, true_descriptors = _features(true)
    nothing = _Matches(np.empty((0, 2)), np.empty((0, 2)))
    if descriptors is None or true_descriptors is None or len(true_places) < 2:
        return nothing
    pairs = cv2.BFMatcher(cv2.NORM_L2).knnMatch(descriptors, true_descriptors, k=2)
    good = [p[0] for p in pairs if len(p) == 2 and p[0].distance < LOWE_RATIO * p[1].distance]
    if not good:
        return nothing
    return _Matches(
        drawn=places[[match.queryIdx for match in good]],
        true=true_places[[match.trainIdx for match in good]],
    )


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


def drawn_pose_error(drawn: NDArray[np.uint8], truth: TrueView) -> PoseError | None:
    """How far the camera that explains a drawn picture is from the camera that was asked for.

    Args:
        drawn: (H, W, 3) uint8, drawn for `truth.camera`.
        truth: the true view of that camera; its depth must be known.

    Returns:
        None where too few matches agree on any camera: a failure, to be counted.

    Raises:
        ValueError: if the truth has no depth.
    """
    if truth.depth is None:
        raise ValueError("a camera can only be recovered where the true view has a depth")
    matches = _match(drawn, truth.rgb)
    points = _world_points(matches.true, truth)
    known = np.isfinite(points).all(axis=1)
    height, width = truth.depth.shape
    estimate = estimate_camera(
        points[known], matches.drawn[known], truth.camera.intrinsics, (height, width)
    )
    if estimate is None:
        return None
    return PoseError(
        rotation_degrees=rotation_error_degrees(estimate.camera, truth.camera),
        translation=translation_error(estimate.camera, truth.camera),
        inliers=int(estimate.inliers.sum()),
    )
