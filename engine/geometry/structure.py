"""Structure from motion with depth: the cameras of pictures of one scene.

Keypoint matches, lifted by a depth picture of each view, give each view's camera by PnP with
RANSAC; the cameras, depth scales and (where it is unknown) the lens are then refined together.
Depth pictures replace what classical structure from motion must triangulate, so that turns without
motion, short paths and views with few matches have an answer as well.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from engine.geometry.bundle.matches import match_errors
from engine.geometry.bundle.terms import TermConfig
from engine.geometry.cameras import Camera, Intrinsics
from engine.geometry.lenses import LensModel
from engine.geometry.match_graph import GraphConfig, match_graph
from engine.geometry.placing import Placer, sights_of
from engine.geometry.refinement import Refiner, Solution, better, flattened
from engine.geometry.rotations import slerp


@dataclass(frozen=True)
class StructureConfig:
    """Attributes:
    graph: which views are matched, and how.
    pose_reach: pixels at a width of 256 to which PnP counts a match as agreeing.
    reach: the same for the refinement.
    firm_spread: of log depth while views are placed one by one, where depth has the full say.
    depth_spread: of log depth in the refinement, unless views show how far they agree.
    depth_weight: of a drawn depth in the refinement, beside the weight 1 of a match.
    scale_spread: of log scale, per view.
    smoothness: weight of |turn| + |motion| between consecutive views, in matches per σ.
    """

    graph: GraphConfig = field(default_factory=GraphConfig)
    pose_reach: float = 3.0
    reach: float = 0.7
    firm_spread: float = 0.1
    depth_spread: float = 0.2
    depth_weight: float = 0.03
    scale_spread: float = 0.5
    smoothness: float = 0.1

    def firm(self, size: tuple[int, int]) -> TermConfig:
        """For placing views, in pictures of (height, width)."""
        return replace(self.terms(size), depth_spread=self.firm_spread, depth_weight=1.0)

    def terms(self, size: tuple[int, int]) -> TermConfig:
        """For the refinement, in pictures of (height, width)."""
        return TermConfig(
            reach=self.reach * size[1] / 256,
            depth_spread=self.depth_spread,
            depth_weight=self.depth_weight,
            scale_spread=self.scale_spread,
            smoothness=self.smoothness,
        )


@dataclass(frozen=True)
class RecoveredView:
    """Attributes:
    camera: in the first view's frame, in units of its depth.
    inliers: keypoint matches that agree with the camera; 0 where too few did, and the camera is
        filled in between its neighbours.
    depth_scale: factor that brings the view's depth to the first one's units.
    """

    camera: Camera
    inliers: int
    depth_scale: float


@dataclass(frozen=True)
class Recovered:
    """Attributes:
    views: one for each picture.
    reprojection_error: median pixels over the matches that agree; nan where there are none.
    """

    views: tuple[RecoveredView, ...]
    reprojection_error: float

    @property
    def cameras(self) -> tuple[Camera, ...]:
        return tuple(view.camera for view in self.views)


def recover_cameras(
    rgbs: Sequence[NDArray[np.uint8]],
    depths: Sequence[NDArray[np.floating]],
    intrinsics: Intrinsics | None = None,
    config: StructureConfig = StructureConfig(),
) -> Recovered:
    """The cameras of pictures of one scene that stands still.

    Args:
        rgbs: (H, W, 3) uint8, in the order of the path.
        depths: (H, W) z-depth of each, in units of its own up to a common order of magnitude;
            inf = sky, nan = unknown.
        intrinsics: the lens that all were taken with; None seeks square pixels' focal length.

    Raises:
        ValueError: no pictures, or shapes that do not agree.
    """
    sizes = {rgb.shape[:2] for rgb in rgbs} | {depth.shape for depth in depths}
    if not len(rgbs) or len(rgbs) != len(depths) or len(sizes) > 1:
        raise ValueError(
            f"cameras need pictures and depths of one size, one for one, not {len(rgbs)} "
            f"pictures and {len(depths)} depths of sizes {sorted(sizes)}"
        )
    links = match_graph(rgbs, config.graph)
    sights = sights_of(links, depths)
    size = (depths[0].shape[0], depths[0].shape[1])
    placer = Placer(sights, size, len(rgbs), config.pose_reach * size[1] / 256, config.firm(size))
    lens = intrinsics if intrinsics is not None else placer.usual_lens()
    model = LensModel.KNOWN if intrinsics is not None else LensModel.ZOOM
    refiner = Refiner(size, model, config.terms(size))
    placed = placer.placed(lens)
    careful = refiner.trusting(placed, sights)
    flat = replace(placer, sights=flattened(sights), terms=config.terms(size))
    solution = better(
        careful.refined(placed, sights),
        careful.with_depth(refiner.refined(flat.placed(lens), flat.sights), sights),
    )
    return _recovered(solution, len(rgbs), size, config.pose_reach * size[1] / 256)


def _recovered(
    solution: Solution, count: int, size: tuple[int, int], threshold: float
) -> Recovered:
    state, table = solution.state, solution.table
    errors = match_errors(table, state)
    near = errors <= threshold
    ends = np.concatenate([table.view_a[near], table.view_b[near]])
    inliers = np.bincount(ends, minlength=len(solution.order))
    views = {
        view: RecoveredView(
            state.camera(i, solution.unit, size),
            int(inliers[i]),
            float(np.exp(state.log_scales[i])),
        )
        for i, view in enumerate(solution.order)
    }
    return Recovered(
        _in_first_frame(_filled(views, count)),
        float(np.median(errors[near])) if near.any() else float("nan"),
    )


def _filled(known: dict[int, RecoveredView], count: int) -> list[RecoveredView]:
    """A view without a camera lies evenly between the nearest ones that have one."""
    views = []
    for i in range(count):
        before = max((v for v in known if v <= i), default=None)
        after = min((v for v in known if v >= i), default=None)
        if before is None or after is None:
            nearest = known[after if before is None else before]  # type: ignore[index]
            views.append(replace(nearest, inliers=0) if i not in known else nearest)
        elif i in known:
            views.append(known[i])
        else:
            share = (i - before) / (after - before)
            views.append(_between(known[before], known[after], share))
    return views


def _between(a: RecoveredView, b: RecoveredView, share: float) -> RecoveredView:
    T = np.eye(4)
    T[:3, :3] = slerp(a.camera.T_world_camera[:3, :3], b.camera.T_world_camera[:3, :3], share)
    T[:3, 3] = (1 - share) * a.camera.position + share * b.camera.position
    scale = a.depth_scale ** (1 - share) * b.depth_scale**share
    return RecoveredView(Camera(T, a.camera.intrinsics), 0, scale)


def _in_first_frame(views: Sequence[RecoveredView]) -> tuple[RecoveredView, ...]:
    """Relative to the first camera, in units of its depth."""
    first = views[0]
    return tuple(
        RecoveredView(
            v.camera.relative_to(first.camera, first.depth_scale),
            v.inliers,
            v.depth_scale / first.depth_scale,
        )
        for v in views
    )
