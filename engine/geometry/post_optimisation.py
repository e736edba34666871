"""Post-optimisation: one lens, cameras and depths from the pointmaps of several views.

Seed 001, §3.4: points are parameterised as X = c + D · R K⁻¹ (u, v, 1) (eq. 11) and brought onto
the drawn pointmaps, with consecutive cameras kept near each other (eq. 12). For given cameras the
best depth of a pixel is known in closed form, so that only cameras and lenses are descended; what
remains of the alignment loss is the reprojection error of seed 002, eq. 3. Where keypoint matches
between views are given, they are reprojected through the depth as well, which corrects pointmaps
that are right within a view but not between views.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from torch import Tensor

from engine.geometry.arrays import float64_array
from engine.geometry.bundle.adjustment import BundleConfig, adjust
from engine.geometry.bundle.least_squares import DescentConfig
from engine.geometry.bundle.matches import MatchSight, MatchTable, match_errors
from engine.geometry.bundle.terms import BundleState, PointSight, TermConfig
from engine.geometry.cameras import Array, Camera, Intrinsics
from engine.geometry.keypoints import depth_at
from engine.geometry.lenses import LensModel, intrinsics_of, lens_array
from engine.geometry.matching import Matches
from engine.geometry.pointmaps import (
    PointmapConfig,
    PointSample,
    find_pose,
    reprojection_errors,
    sample_points,
)
from engine.geometry.rays import camera_directions
from engine.geometry.tracks import tracked


@dataclass(frozen=True)
class PostOptimisationConfig:
    """Attributes:
    lens: what is sought of the lens.
    shared_lens: one lens for all views.
    pointmaps: sampling of the pointmaps, and the reach of the reprojection loss.
    weight: of a view's whole pointmap, in matches: errors of a drawn pointmap are those of
        patches, so that a thousand pixels say little more than a hundred.
    smoothness: weight of |turn| + |motion| between consecutive views, in matches per σ.
    match_reach: pixels at a width of 256 beyond which a match counts as wrong.
    depth_spread: of log depth at a match.
    depth_weight: of the depth at a match, beside the weight 1 of the match.
    """

    lens: LensModel = LensModel.ZOOM
    shared_lens: bool = True
    pointmaps: PointmapConfig = field(default_factory=lambda: PointmapConfig(samples=1200))
    weight: float = 100.0
    smoothness: float = 0.3
    match_reach: float = 1.0
    depth_spread: float = 0.1
    depth_weight: float = 0.3


@dataclass(frozen=True, eq=False)
class ViewMatches:
    """Keypoint matches between views `a` and `b`, numbered as their pointmaps are."""

    a: int
    b: int
    matches: Matches


@dataclass(frozen=True, eq=False)
class PostOptimised:
    """Attributes:
    cameras: in the frame and units of the pointmaps.
    depths: per view (H, W) float64 z-depth; nan where unknown, inf where infinite.
    reprojection_errors: per view, median pixels between its points and where they project.
    """

    cameras: tuple[Camera, ...]
    depths: tuple[Array, ...]
    reprojection_errors: tuple[float, ...]


def post_optimise(
    pointmaps: Sequence[Tensor | Array],
    intrinsics: Intrinsics | None = None,
    weights: Sequence[Tensor | Array] | None = None,
    matches: Sequence[ViewMatches] = (),
    config: PostOptimisationConfig = PostOptimisationConfig(),
) -> PostOptimised:
    """Cameras and depths that explain pointmaps (H, W, 3) in one world frame.

    Args:
        pointmaps: of consecutive views; nan = unknown, inf = sky.
        intrinsics: the lens to start from (the lens itself with `LensModel.KNOWN`).
        weights: per view (H, W), confidence in [0, 1].

    Raises:
        ValueError: no views, shapes that differ, a view without enough known points or whose
            points no camera explains, matches of views that are not there, or no known lens
            where one is needed.
    """
    maps = [float64_array(p) for p in pointmaps]
    if not maps or len({m.shape for m in maps}) > 1:
        raise ValueError("post-optimisation needs pointmaps of one shape, at least one")
    if weights is not None and len(weights) != len(maps):
        raise ValueError(f"{len(weights)} weights do not fit {len(maps)} pointmaps")
    if any(not 0 <= v < len(maps) for m in matches for v in (m.a, m.b)):
        raise ValueError(f"matches name views beyond the {len(maps)} pointmaps")
    if config.lens is LensModel.KNOWN and intrinsics is None:
        raise ValueError("a known lens must be given as intrinsics")
    size = (maps[0].shape[0], maps[0].shape[1])
    trust = [None] * len(maps) if weights is None else [float64_array(w) for w in weights]
    samples = [
        sample_points(m, w, config.pointmaps.samples) for m, w in zip(maps, trust, strict=True)
    ]
    reach = config.pointmaps.reach * size[1] / 256
    cameras = _start(samples, intrinsics, size, reach, config)
    refiner = _Refiner(maps, samples, size, reach, config)
    cameras = refiner.refined(cameras, ())
    if matches:
        cameras = refiner.refined(cameras, matches)
    return PostOptimised(
        cameras,
        tuple(closest_depth(m, c) for m, c in zip(maps, cameras, strict=True)),
        tuple(
            float(np.median(reprojection_errors(c, s, size)))
            for c, s in zip(cameras, samples, strict=True)
        ),
    )


def closest_depth(points: Array, camera: Camera) -> Array:
    """The depth (H, W) at which each pixel's ray passes its point (H, W, 3) most closely.

    The minimum of |c + D r − X|² over D, seed 001, eq. 11: D = r·(X − c) / r·r. nan where the
    point is unknown or behind the camera, inf where it is infinite.
    """
    height, width, _ = points.shape
    rays = camera_directions(camera, height, width).double().numpy()
    known = np.all(np.isfinite(points), axis=-1)
    local = np.where(known[..., None], points, 0.0) - camera.position
    local = local @ camera.T_world_camera[:3, :3]
    depth = (rays * local).sum(-1) / (rays**2).sum(-1)
    infinite = np.any(np.isinf(points), axis=-1) & ~np.any(np.isnan(points), axis=-1)
    out: Array = np.where(infinite, np.inf, np.where(known & (depth > 0), depth, np.nan))
    return out


def _start(
    samples: Sequence[PointSample],
    intrinsics: Intrinsics | None,
    size: tuple[int, int],
    reach: float,
    config: PostOptimisationConfig,
) -> tuple[Camera, ...]:
    """PnP view by view; a shared unknown lens is the middle one of those that views ask for."""
    lens = intrinsics
    if lens is None and config.shared_lens:
        asked = samples[:: max(1, len(samples) // 5)]
        poses = [find_pose(s, None, size, reach, config.pointmaps) for s in asked]
        lenses = [lens_array(p.camera.intrinsics) for p in poses if p is not None]
        if lenses:
            lens = intrinsics_of(np.median(lenses, axis=0))
    cameras = []
    for view, sample in enumerate(samples):
        pose = find_pose(sample, lens, size, reach, config.pointmaps)
        if pose is None:
            raise ValueError(f"no pinhole camera explains the points of view {view}")
        cameras.append(pose.camera)
    return tuple(cameras)


@dataclass(frozen=True, eq=False)
class _Refiner:
    """The descent, in units in which the scene is of order one."""

    maps: Sequence[Array]
    samples: Sequence[PointSample]
    size: tuple[int, int]
    reach: float
    config: PostOptimisationConfig

    def refined(
        self, cameras: Sequence[Camera], matches: Sequence[ViewMatches]
    ) -> tuple[Camera, ...]:
        height, width = self.size
        every = np.concatenate([s.points for s in self.samples])
        origin = np.median(every, axis=0)
        unit = float(np.median(np.linalg.norm(every - origin, axis=1))) or 1.0
        state = BundleState(
            np.stack([c.T_world_camera[:3, :3] for c in cameras]),
            np.stack([(c.position - origin) / unit for c in cameras]),
            np.stack([lens_array(c.intrinsics, width, height) for c in cameras]),
            np.zeros(len(cameras)),
            np.zeros(0),
        )
        sights = tracked([self._match_sight(m, cameras, unit) for m in matches])
        apart = float(np.median(match_errors(MatchTable.of(sights), state))) if sights else 0.0
        points = self._point_sights(cameras, origin, unit, apart)
        terms = TermConfig(
            reach=self.config.match_reach * width / 256,
            depth_spread=self.config.depth_spread,
            depth_weight=self.config.depth_weight,
            smoothness=self.config.smoothness,
        )
        bundle = BundleConfig(
            self.config.lens,
            self.config.shared_lens,
            free_scales=False,
            fixed=frozenset(),
            terms=terms,
            descent=DescentConfig(least_gain=1e-6),
        )
        found = adjust(state, points, sights, bundle).state
        return tuple(
            _camera(R, c * unit + origin, intrinsics_of(k, width, height))
            for R, c, k in zip(found.rotations, found.centres, found.lenses, strict=True)
        )

    def _point_sights(
        self, cameras: Sequence[Camera], origin: Array, unit: float, apart: float
    ) -> list[PointSight]:
        """`apart`: pixels by which views disagree: no view's points are held more firmly."""
        sights = []
        for view, (camera, sample) in enumerate(zip(cameras, self.samples, strict=True)):
            error = float(np.median(reprojection_errors(camera, sample, self.size)))
            share = self.config.weight / sample.weights.sum()
            sights.append(
                PointSight(
                    view,
                    (sample.points - origin) / unit,
                    sample.pixels,
                    sample.weights * share,
                    max(self.reach, error, apart),
                )
            )
        return sights

    def _match_sight(
        self, match: ViewMatches, cameras: Sequence[Camera], unit: float
    ) -> MatchSight:
        pixels = (match.matches.pixels_a, match.matches.pixels_b)
        depths = [
            depth_at(closest_depth(self.maps[v], cameras[v]), p) / unit
            for v, p in zip((match.a, match.b), pixels, strict=True)
        ]
        known = np.isfinite(depths[0])
        return MatchSight(
            match.a,
            match.b,
            pixels[0][known],
            pixels[1][known],
            depths[0][known],
            depths[1][known],
        )


def _camera(R: Array, centre: Array, intrinsics: Intrinsics) -> Camera:
    T = np.eye(4)
    T[:3, :3], T[:3, 3] = R, centre
    return Camera(T, intrinsics)
