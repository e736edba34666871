"""Placing views one after the other by PnP on matches that depth lifts to points."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from engine.geometry.bundle.adjustment import BundleConfig, adjust
from engine.geometry.bundle.least_squares import DescentConfig
from engine.geometry.bundle.matches import MatchSight
from engine.geometry.bundle.terms import BundleState, TermConfig
from engine.geometry.cameras import Array, Camera, Intrinsics
from engine.geometry.keypoints import depth_at, lifted
from engine.geometry.match_graph import Link
from engine.geometry.pose import PoseConfig, estimate_camera

#: Fields of view that photographs and videos have; a focal length is first sought among them.
_USUAL_FIELDS = (35.0, 42.0, 50.0, 58.0, 66.0, 74.0, 82.0, 92.0)
#: Pairs of views that the focal length is sought with.
_LENS_PAIRS = 8
#: PnP is tried with its threshold times these: where a path is wide, errors of depth move points
#: further than keypoints err.
_WIDENINGS = (1.0, 3.0)
#: Matches by which candidates are judged, at most.
_JUDGES = 400


def sights_of(
    links: Sequence[Link], depths: Sequence[NDArray[np.floating]]
) -> tuple[MatchSight, ...]:
    """Both directions of each link, each with the matches whose first view has a depth."""
    sights = []
    for link in links:
        for a, b, m in ((link.a, link.b, link.matches), (link.b, link.a, link.matches.swapped())):
            depth_a, depth_b = depth_at(depths[a], m.pixels_a), depth_at(depths[b], m.pixels_b)
            known = np.isfinite(depth_a)
            sights.append(
                MatchSight(
                    a, b, m.pixels_a[known], m.pixels_b[known], depth_a[known], depth_b[known]
                )
            )
    return tuple(sights)


@dataclass
class Placed:
    """Views placed so far, of `count`: cameras and log scales of depth, by view."""

    count: int
    cameras: dict[int, Camera]
    log_scales: dict[int, float]


@dataclass(frozen=True, eq=False)
class Placer:
    """Attributes:
    sights: matches between views, in both directions.
    size: height and width of the pictures.
    count: of the views.
    threshold: pixels to which PnP counts a match as agreeing.
    terms: spreads of matches and depths, by which candidates are judged.
    """

    sights: tuple[MatchSight, ...]
    size: tuple[int, int]
    count: int
    threshold: float
    terms: TermConfig

    @property
    def _pose_config(self) -> PoseConfig:
        return PoseConfig(threshold=self.threshold, iterations=300)

    def usual_lens(self) -> Intrinsics:
        """The field of view with which depth explains the best-matched pairs best."""
        height, width = self.size
        moving = sorted(self.sights, key=lambda s: -len(s.pixels_a) * _motion(s))[:_LENS_PAIRS]
        threshold = self.threshold
        best, best_score = Intrinsics.from_fov(60.0, width / height), np.inf
        for fov in _USUAL_FIELDS:
            lens, score = Intrinsics.from_fov(fov, width / height), 0.0
            for sight in moving:
                points = lifted(sight.pixels_a, sight.depth_a, Camera(np.eye(4), lens), self.size)
                pose = estimate_camera(points, sight.pixels_b, lens, self.size, self._pose_config)
                agree = 0 if pose is None else int(pose.inliers.sum())
                score += (len(points) - agree) * threshold**2
                score += agree * pose.reprojection_error**2 if pose is not None else 0.0
            if score < best_score:
                best, best_score = lens, score
        return best

    def placed(self, lens: Intrinsics) -> Placed:
        """Each view by PnP against all views placed before it; the best connected one first."""
        count = self.count
        bonds = np.zeros((count, count), dtype=np.int64)
        for sight in self.sights:
            bonds[sight.view_b, sight.view_a] += len(sight.pixels_a)
        first = int(np.argmax(np.sort(bonds, axis=1)[:, -4:].sum(axis=1)))
        chain = Placed(count, {first: Camera(np.eye(4), lens)}, {first: 0.0})
        failed: dict[int, int] = {}
        while len(chain.cameras) < count:
            bonds_now = bonds[:, sorted(chain.cameras)].sum(axis=1)
            open_views = [
                v for v in range(count) if v not in chain.cameras and failed.get(v) != bonds_now[v]
            ]
            if not open_views:
                break
            view = max(open_views, key=lambda v: int(bonds_now[v]))
            if not self._place(view, chain, lens):
                # Tried again once more of its neighbours have a place.
                failed[view] = int(bonds_now[view])
        return chain

    def _place(self, view: int, chain: Placed, lens: Intrinsics) -> bool:
        known = [s for s in self.sights if s.view_b == view and s.view_a in chain.cameras]
        if not known:
            return False
        every = max(1, sum(len(s) for s in known) // _JUDGES)
        judges = [s.thinned(every) for s in known]
        points = np.concatenate([self._points(s, chain) for s in known])
        pixels = np.concatenate([s.pixels_b for s in known])
        own = np.concatenate([s.depth_b for s in known])
        tried = []
        for widening in _WIDENINGS:
            config = replace(self._pose_config, threshold=widening * self.threshold)
            pose = estimate_camera(points, pixels, lens, self.size, config)
            if pose is None:
                continue
            T = pose.camera.T_camera_world
            ratio = (points[pose.inliers] @ T[2, :3] + T[2, 3]) / own[pose.inliers]
            ratio = ratio[np.isfinite(ratio)]
            log_scale = float(np.median(np.log(ratio))) if len(ratio) else 0.0
            tried.append(self._settled(view, pose.camera, log_scale, judges, chain))
        if not tried:
            return False
        # A path does not jump: where repeated texture misleads PnP, a neighbour starts better.
        for neighbour in (view - 1, view + 1):
            if neighbour in chain.cameras:
                camera, log_scale = chain.cameras[neighbour], chain.log_scales[neighbour]
                tried.append(self._settled(view, camera, log_scale, judges, chain))
        best = min(tried, key=lambda t: t.cost)
        chain.cameras[view], chain.log_scales[view] = best.camera, best.log_scale
        return True

    def _points(self, sight: MatchSight, chain: Placed) -> Array:
        """World points behind a placed view's matches."""
        depth = sight.depth_a * np.exp(chain.log_scales[sight.view_a])
        return lifted(sight.pixels_a, depth, chain.cameras[sight.view_a], self.size)

    def _settled(
        self, view: int, camera: Camera, log_scale: float, known: list[MatchSight], chain: Placed
    ) -> _Candidate:
        """A camera after a descent in which depth may err, all other views held."""
        height, width = self.size
        others = sorted({s.view_a for s in known})
        number = {v: i for i, v in enumerate([*others, view])}
        cameras = [*(chain.cameras[v] for v in others), camera]
        unit = float(np.median(np.concatenate([s.depth_a for s in known])))
        sights = [s.renumbered(number, unit) for s in known]
        state = BundleState.of(
            cameras, [*(chain.log_scales[v] for v in others), log_scale], unit, (height, width)
        )
        config = BundleConfig(
            fixed=frozenset(range(len(others))),
            terms=replace(self.terms, smoothness=0.0),
            descent=DescentConfig(iterations=10, least_gain=1e-3),
        )
        found = adjust(state, [], sights, config)
        last = len(others)
        placed = found.state.camera(last, unit, (height, width))
        return _Candidate(placed, float(found.state.log_scales[last]), found.cost)


@dataclass(frozen=True)
class _Candidate:
    """A camera for a view, with its depth's scale and how badly the matches fit."""

    camera: Camera
    log_scale: float
    cost: float


def _motion(sight: MatchSight) -> float:
    """Median pixels that matches move."""
    if not len(sight.pixels_a):
        return 0.0
    return float(np.median(np.linalg.norm(sight.pixels_b - sight.pixels_a, axis=1)))
