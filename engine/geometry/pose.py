"""Where a picture was taken from: a camera from matches between its pixels and known points."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from engine.geometry.cameras import Array, Camera, Intrinsics, orthonormalised


@dataclass(frozen=True)
class PoseConfig:
    """Attributes:
    threshold: pixels between a point's projection and its match up to which they agree.
    iterations: of RANSAC, at most.
    confidence: at which RANSAC stops early.
    least_inliers: fewer make no pose.
    """

    threshold: float = 2.0
    iterations: int = 1000
    confidence: float = 0.9999
    least_inliers: int = 12


@dataclass(frozen=True)
class PoseEstimate:
    """Attributes:
    camera: in the frame of the points.
    inliers: (N,) bool, the matches that agree with it.
    reprojection_error: root mean square over the inliers, pixels.
    """

    camera: Camera
    inliers: np.ndarray[tuple[int], np.dtype[np.bool_]]
    reprojection_error: float


def estimate_camera(
    points: Array,
    pixels: Array,
    intrinsics: Intrinsics,
    size: tuple[int, int],
    config: PoseConfig = PoseConfig(),
) -> PoseEstimate | None:
    """The camera that saw world points (N, 3) at pixels (N, 2), or None where none fits.

    RANSAC (OpenCV, fixed seed: the same matches give the same answer), then Levenberg–Marquardt
    over the inliers. Pixel centres lie at +0.5.

    Args:
        size: height and width of the picture, pixels.
    """
    height, width = size
    if points.ndim != 2 or points.shape[1] != 3 or pixels.shape != (len(points), 2):
        raise ValueError(
            f"need points (N, 3) and pixels (N, 2), not {points.shape}, {pixels.shape}"
        )
    if len(points) < max(4, config.least_inliers):
        return None
    # SQPNP's and EPNP's numerics want points near the origin and of order one.
    centre = np.median(points, axis=0)
    unit = float(np.median(np.linalg.norm(points - centre, axis=1))) or 1.0
    local = np.ascontiguousarray((points - centre) / unit, dtype=np.float64)
    seen = np.ascontiguousarray(pixels, dtype=np.float64)
    K = intrinsics.matrix(width, height)
    try:
        found, turn, shift, chosen = cv2.solvePnPRansac(
            local,
            seen,
            K,
            None,
            iterationsCount=config.iterations,
            reprojectionError=config.threshold,
            confidence=config.confidence,
            flags=cv2.SOLVEPNP_SQPNP,
        )
    except cv2.error:
        # OpenCV's answer to a sample of coinciding points, which fix no camera.
        return None
    if not found or chosen is None or len(chosen) < config.least_inliers:
        return None
    index = chosen[:, 0]
    turn, shift = cv2.solvePnPRefineLM(local[index], seen[index], K, None, turn, shift)
    error = np.linalg.norm(cv2.projectPoints(local, turn, shift, K, None)[0][:, 0] - seen, axis=1)
    R = cv2.Rodrigues(turn)[0]
    in_front = (local @ R[2] + shift[2, 0]) > 0
    inliers = (error <= config.threshold) & in_front
    if inliers.sum() < config.least_inliers:
        return None
    T_camera_world = np.eye(4)
    T_camera_world[:3, :3] = R
    T_camera_world[:3, 3] = shift[:, 0] * unit - R @ centre
    inverse = Camera(orthonormalised(T_camera_world), intrinsics)
    camera = Camera(inverse.T_camera_world, intrinsics)
    return PoseEstimate(camera, inliers, float(np.sqrt(np.mean(error[inliers] ** 2))))
