"""Views between two pictures (seeds 000 and 004).

Between two views of known geometry, both are warped to the asked camera; patches that they show
are seen, and may be distrusted from a threshold on. Without geometry the two pictures alone are
observed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from engine.geometry.cameras import Camera, Intrinsics
from engine.geometry.rotations import slerp
from engine.model.kinds import Kind
from engine.queries.answers import ask
from engine.queries.engine import Engine
from engine.queries.query import FloatArray, KnownView, Query, check_size
from engine.queries.scenes import SceneView, Warped, warp
from engine.sampling.flow import Drawing
from engine.sampling.joint import JointSampling
from engine.sampling.keys import Noise


@dataclass(frozen=True)
class InterpolationConfig:
    """Attributes:
    sampling: how each view is drawn.
    trusted_until: noise level from which on warps are distrusted (seed 004); 0, the default,
        trusts them to the end, which is better in every table that was measured.
    with_depth: ask for the depth of each view as well.
    """

    sampling: JointSampling = field(default_factory=lambda: JointSampling(steps=4))
    trusted_until: float = KnownView.trusted_until
    with_depth: bool = True
    caption: str = ""


@dataclass(frozen=True, eq=False)
class Between:
    """A view that was drawn between two.

    Attributes:
        camera: where it was asked for; None without geometry.
        rgb: (H, W, 3) in [0, 1], the model's own picture.
        depth: (H, W) in scene units, where it was asked.
        warped: what the two ends show from there; None without geometry.
    """

    camera: Camera | None
    rgb: FloatArray
    depth: FloatArray | None
    warped: Warped | None


def cameras_between(first: Camera, last: Camera, count: int) -> list[Camera]:
    """`count` cameras strictly between two: positions in line, rotations by slerp, lenses too.

    Raises:
        ValueError: `count` below 1.
    """
    if count < 1:
        raise ValueError(f"at least one view must lie between two, not {count}")
    cameras = []
    for index in range(1, count + 1):
        share = index / (count + 1)
        T = np.eye(4)
        T[:3, :3] = slerp(first.T_world_camera[:3, :3], last.T_world_camera[:3, :3], share)
        T[:3, 3] = (1 - share) * first.position + share * last.position
        a, b = first.intrinsics, last.intrinsics
        lens = Intrinsics(
            *((1 - share) * x + share * y for x, y in zip(_lens(a), _lens(b), strict=True))
        )
        cameras.append(Camera(T, lens))
    return cameras


def _lens(k: Intrinsics) -> tuple[float, float, float, float]:
    return k.fx, k.fy, k.cx, k.cy


def halving_order(count: int) -> list[tuple[int, int, int]]:
    """(left, index, right) in the order of drawing: each view halves the widest gap.

    Indices run from 0 (the first picture) to count + 1 (the last one).
    """
    order, gaps = [], [(0, count + 1)]
    while gaps:
        left, right = gaps.pop(0)
        middle = (left + right) // 2
        if middle > left:
            order.append((left, middle, right))
            gaps += [(left, middle), (middle, right)]
    return order


def warp_between(ends: tuple[SceneView, SceneView], camera: Camera, share: float) -> Warped:
    """Both ends seen from `camera`; the nearer one counts for more where both are seen.

    Each end is warped for itself: joined surfaces would show one end alone up to the other, where
    the picture would jump by as much as their depths disagree.
    """
    first, last = warp(ends[:1], camera), warp(ends[1:], camera)
    a = (1.0 - share) ** 2 * np.where(first.seen, first.coverage, 0.0)
    b = share**2 * np.where(last.seen, last.coverage, 0.0)
    part = (b / np.maximum(a + b, 1e-6)).astype(np.float32)
    return Warped(
        rgb=(1 - part[..., None]) * first.rgb + part[..., None] * last.rgb,
        depth=np.where(part > 0.5, last.depth, first.depth),
        coverage=np.maximum(first.coverage, last.coverage),
        seen=first.seen | last.seen,
    )


def interpolate(
    engine: Engine,
    ends: tuple[SceneView, SceneView],
    cameras: Sequence[Camera],
    config: InterpolationConfig,
    noise: Noise,
) -> Drawing[list[Between]]:
    """One view for each camera, between two whose depth and cameras are known."""
    between = []
    for index, camera in enumerate(cameras):
        seen = warp_between(ends, camera, _share(ends, camera))
        asked: tuple[tuple[Kind, int], ...] = ((Kind.DEPTH, 1),) if config.with_depth else ()
        views = (
            KnownView(rgb=ends[0].rgb, depth=ends[0].depth, camera=ends[0].camera),
            KnownView(
                rgb=seen.rgb, camera=camera, seen=seen.seen, trusted_until=config.trusted_until
            ),
            KnownView(rgb=ends[1].rgb, depth=ends[1].depth, camera=ends[1].camera),
        )
        query = Query(check_size(ends[0].rgb), views, asked, caption=config.caption)
        answer = (yield from ask(engine, query, config.sampling, noise(index)))[1]
        assert answer.rgb is not None
        between.append(Between(camera, answer.rgb, answer.depth, seen))
    return between


def interpolate_pictures(
    engine: Engine,
    ends: tuple[FloatArray, FloatArray],
    count: int,
    config: InterpolationConfig,
    noise: Noise,
) -> Drawing[list[Between]]:
    """`count` views between two pictures (H, W, 3) of which nothing else is known.

    Each is drawn between its nearest neighbours that are there already.
    """
    pictures: dict[int, FloatArray] = {0: ends[0], count + 1: ends[1]}
    depths: dict[int, FloatArray | None] = {}
    asked: tuple[tuple[Kind, int], ...] = ((Kind.RGB, 1),)
    asked += ((Kind.DEPTH, 1),) if config.with_depth else ()
    for left, index, right in halving_order(count):
        views = (KnownView(rgb=pictures[left]), KnownView(), KnownView(rgb=pictures[right]))
        query = Query(check_size(ends[0]), views, asked, caption=config.caption)
        answer = (yield from ask(engine, query, config.sampling, noise(index)))[1]
        assert answer.rgb is not None
        pictures[index], depths[index] = answer.rgb, answer.depth
    return [Between(None, pictures[i], depths[i], None) for i in range(1, count + 1)]


def _share(ends: tuple[SceneView, SceneView], camera: Camera) -> float:
    """How far from the first end to the last one a camera is, in [0, 1]."""
    scale = ends[0].scale
    ways = []
    for end in ends:
        turned = float(np.arccos(np.clip(camera.forward @ end.camera.forward, -1, 1)))
        moved = float(np.linalg.norm(camera.position - end.camera.position))
        ways.append(turned + moved / scale)
    return ways[0] / max(sum(ways), 1e-9)
