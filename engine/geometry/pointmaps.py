"""From a pointmap, a world point for each pixel, back to the camera and the depth.

Seed 002, §3.2: perspective-n-point with RANSAC, then the reprojection error (eq. 3) is descended
over pose and lens. The focal length is first sought among many fields of view.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from torch import Tensor

from engine.geometry.arrays import float64_array
from engine.geometry.bundle.adjustment import BundleConfig, adjust
from engine.geometry.bundle.terms import BundleState, PointSight
from engine.geometry.cameras import Array, Camera, Intrinsics
from engine.geometry.keypoints import projected
from engine.geometry.lenses import FIELDS_OF_VIEW, LensModel, intrinsics_of, lens_array
from engine.geometry.pose import PoseConfig, PoseEstimate, estimate_camera


@dataclass(frozen=True)
class PointmapConfig:
    """Attributes:
    samples: pixels that the camera is fitted to, on an even grid.
    scan_samples: of them, for the search for a focal length.
    reach: pixels at a width of 256 beyond which a point counts as wrong; grows with the width.
    """

    samples: int = 3000
    scan_samples: int = 250
    reach: float = 2.0


@dataclass(frozen=True, eq=False)
class PointmapCamera:
    """Attributes:
    camera: in the frame and units of the points.
    depth: (H, W) float64 z-depth in that camera; nan where a point is unknown or behind it,
        inf where it is infinite.
    agreeing: share of the known points that project near their pixel, in [0, 1].
    reprojection_error: root mean square over those, pixels.
    """

    camera: Camera
    depth: Array
    agreeing: float
    reprojection_error: float


@dataclass(frozen=True, eq=False)
class PointSample:
    """Known points (N, 3) of a pointmap, their pixels (N, 2) and weights (N,)."""

    points: Array
    pixels: Array
    weights: Array

    def thinned(self, count: int) -> PointSample:
        """At most about `count` of them, evenly spread."""
        chosen = slice(None, None, max(1, len(self.points) // count))
        return PointSample(self.points[chosen], self.pixels[chosen], self.weights[chosen])


def sample_points(points: Array, weights: Array | None, count: int) -> PointSample:
    """Finite points of a pointmap (H, W, 3) on an even grid, about `count` of them.

    Raises:
        ValueError: the shapes are wrong or fewer than 12 points are known.
    """
    if points.ndim != 3 or points.shape[2] != 3:
        raise ValueError(f"a pointmap must be (H, W, 3), not {points.shape}")
    height, width, _ = points.shape
    if weights is not None and weights.shape != (height, width):
        raise ValueError(f"weights must be {(height, width)}, not {weights.shape}")
    step = max(1, int(np.sqrt(height * width / count)))
    rows, columns = np.mgrid[step // 2 : height : step, step // 2 : width : step]
    chosen = points[rows, columns].reshape(-1, 3)
    pixels = np.stack([columns.ravel() + 0.5, rows.ravel() + 0.5], axis=1)
    trust = np.ones(len(chosen)) if weights is None else weights[rows, columns].ravel()
    known = np.isfinite(chosen).all(axis=1) & (trust > 0)
    if known.sum() < PoseConfig().least_inliers:
        raise ValueError(
            f"a camera needs at least {PoseConfig().least_inliers} known points, "
            f"but the pointmap has {int(known.sum())} among {len(known)} looked at"
        )
    return PointSample(chosen[known], pixels[known], trust[known])


def camera_from_pointmap(
    points: Tensor | Array,
    lens: LensModel = LensModel.ZOOM,
    intrinsics: Intrinsics | None = None,
    weights: Tensor | Array | None = None,
    config: PointmapConfig = PointmapConfig(),
) -> PointmapCamera:
    """Pose, lens and depth of the camera that a pointmap (H, W, 3) was seen by.

    Args:
        points: world points; nan = unknown, inf = sky.
        lens: what is sought of the lens. A flat scene seen squarely fixes no focal length: then
            any answer explains the points.
        intrinsics: the lens to start from, or the lens itself where `lens` is `KNOWN`; None
            tries square pixels of many fields of view.
        weights: (H, W) confidence in [0, 1].

    Raises:
        ValueError: wrong shapes, too few known points, no known lens where one is needed, or
            points that no pinhole camera explains.
    """
    pointmap = float64_array(points)
    size = (pointmap.shape[0], pointmap.shape[1])
    trust = None if weights is None else float64_array(weights)
    if lens is LensModel.KNOWN and intrinsics is None:
        raise ValueError("a known lens must be given as intrinsics")
    sample = sample_points(pointmap, trust, config.samples)
    reach = config.reach * size[1] / 256
    pose = find_pose(sample, intrinsics, size, reach, config)
    if pose is None:
        raise ValueError("no pinhole camera explains the points of this pointmap")
    # Points noisier than expected widen what counts as agreeing, or few would hold the camera.
    reach = max(reach, float(np.median(reprojection_errors(pose.camera, sample, size))))
    camera = refined(pose.camera, sample, lens, size, reach)
    error = reprojection_errors(camera, sample, size)
    near = error <= 3 * reach
    return PointmapCamera(
        camera=camera,
        depth=depth_in(pointmap, camera),
        agreeing=float(near.mean()),
        reprojection_error=float(np.sqrt(np.mean(error[near] ** 2))) if near.any() else np.nan,
    )


def find_pose(
    sample: PointSample,
    intrinsics: Intrinsics | None,
    size: tuple[int, int],
    reach: float,
    config: PointmapConfig = PointmapConfig(),
) -> PoseEstimate | None:
    """PnP with the lens given, or with the one of many that explains the points best."""
    ransac = PoseConfig(threshold=3 * reach, iterations=200)
    if intrinsics is not None:
        some = sample.thinned(2 * config.scan_samples)
        return estimate_camera(some.points, some.pixels, intrinsics, size, ransac)
    few = sample.thinned(config.scan_samples)
    wide = PoseConfig(threshold=6 * reach, iterations=60)
    best: tuple[float, PoseEstimate] | None = None
    for fov in FIELDS_OF_VIEW:
        tried = Intrinsics.from_fov(fov, size[1] / size[0])
        pose = estimate_camera(few.points, few.pixels, tried, size, wide)
        if pose is None:
            continue
        error = np.minimum(reprojection_errors(pose.camera, few, size), 6 * reach)
        score = float(few.weights @ error**2)
        if best is None or score < best[0]:
            best = (score, pose)
    return None if best is None else best[1]


def refined(
    camera: Camera, sample: PointSample, lens: LensModel, size: tuple[int, int], reach: float
) -> Camera:
    """Pose and lens descended over the robust reprojection error of all sampled points."""
    centre = np.median(sample.points, axis=0)
    unit = float(np.median(np.linalg.norm(sample.points - centre, axis=1))) or 1.0
    height, width = size
    state = BundleState(
        camera.T_world_camera[None, :3, :3],
        (camera.position - centre)[None] / unit,
        lens_array(camera.intrinsics, width, height)[None],
        np.zeros(1),
        np.zeros(0),
    )
    sight = PointSight(0, (sample.points - centre) / unit, sample.pixels, sample.weights, reach)
    config = BundleConfig(lens, free_scales=False, fixed=frozenset())
    found = adjust(state, [sight], [], config).state
    T = np.eye(4)
    T[:3, :3], T[:3, 3] = found.rotations[0], found.centres[0] * unit + centre
    return Camera(T, intrinsics_of(found.lenses[0], width, height))


def depth_in(points: Array, camera: Camera) -> Array:
    """z-depth (H, W) of a pointmap (H, W, 3); nan unknown or behind the camera, inf sky."""
    T = camera.T_camera_world
    known = np.all(np.isfinite(points), axis=-1)
    z = np.where(known[..., None], points, 0.0) @ T[2, :3] + T[2, 3]
    depth = np.where(known & (z > 0), z, np.nan)
    infinite = np.any(np.isinf(points), axis=-1) & ~np.any(np.isnan(points), axis=-1)
    out: Array = np.where(infinite, np.inf, depth)
    return out


def reprojection_errors(camera: Camera, sample: PointSample, size: tuple[int, int]) -> Array:
    """Pixels (N,) between points and where they were seen; inf behind the camera."""
    error = np.linalg.norm(projected(sample.points, camera, size) - sample.pixels, axis=1)
    out: Array = np.where(np.isfinite(error), error, np.inf)
    return out
