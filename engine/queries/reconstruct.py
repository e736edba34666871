"""Depth and cameras of pictures alone (seeds 000 and 001).

Few pictures are one query. A longer video is cut into windows that share a view; each window is in
its first view's frame and units, and the depth of the shared view gives the factor between two.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import torch

from engine.geometry.cameras import Array, Camera, Intrinsics
from engine.geometry.lenses import LensModel
from engine.geometry.pictures import median_depth
from engine.geometry.ray_cameras import camera_from_rays
from engine.model.kinds import Kind
from engine.queries.answers import AnsweredView, ask
from engine.queries.engine import Engine
from engine.queries.query import FloatArray, KnownView, Query, QueryError, check_size
from engine.queries.scenes import SceneView
from engine.sampling.flow import Drawing
from engine.sampling.joint import JointSampling
from engine.sampling.keys import Noise


@dataclass(frozen=True)
class ReconstructionConfig:
    """Attributes:
    sampling: how depth and rays are drawn.
    window: views of one query; training saw three.
    lens: where it is known; else it is read from the rays of all views.
    """

    sampling: JointSampling = field(default_factory=lambda: JointSampling(steps=2))
    window: int = 3
    lens: Intrinsics | None = None
    caption: str = ""

    def __post_init__(self) -> None:
        if self.window < 2:
            raise ValueError(f"a window needs at least 2 views, not {self.window}")


@dataclass(frozen=True, eq=False)
class _Window:
    """Depth and cameras of a run of views, in the first one's frame and units."""

    depths: list[FloatArray]
    cameras: list[Camera]


def windows(count: int, length: int) -> list[range]:
    """Runs of at most `length` views, each beginning with the last view of the one before."""
    if count <= length:
        return [range(count)]
    starts = range(0, count - 1, length - 1)
    return [range(start, min(start + length, count)) for start in starts]


def reconstruct(
    engine: Engine, pictures: Sequence[FloatArray], config: ReconstructionConfig, noise: Noise
) -> Drawing[list[SceneView]]:
    """Every picture (H, W, 3) with its depth and camera, in the first one's frame.

    The scene's unit is the median depth of the first view.

    Raises:
        QueryError: fewer than two pictures, or pictures of different sizes.
    """
    if len(pictures) < 2:
        raise QueryError("cameras are recovered from at least two pictures")
    if len({picture.shape for picture in pictures}) > 1:
        raise QueryError("all pictures must have one size")
    found: list[_Window] = []
    for index, run in enumerate(windows(len(pictures), config.window)):
        part = [pictures[i] for i in run]
        found.append((yield from _window(engine, part, config, noise(index))))
    joined = _joined(found)
    return [
        SceneView(rgb, depth, camera)
        for rgb, depth, camera in zip(pictures, joined.depths, joined.cameras, strict=True)
    ]


def _window(
    engine: Engine,
    pictures: Sequence[FloatArray],
    config: ReconstructionConfig,
    generator: torch.Generator,
) -> Drawing[_Window]:
    slots = range(len(pictures))
    asked = [(kind, slot) for kind in (Kind.DEPTH, Kind.RAYS) for slot in slots]
    views = tuple(KnownView(rgb=picture) for picture in pictures)
    query = Query(check_size(pictures[0]), views, tuple(asked), caption=config.caption)
    answers = yield from ask(engine, query, config.sampling, generator)
    cameras = cameras_of(answers, config.lens)
    first = cameras[0]
    depths = [answer.depth for answer in answers]
    # The first view's own median is the unit by definition; what was drawn only comes near it.
    unit = median_depth(torch.as_tensor(np.array(depths[0])))
    return _Window(
        [(d / unit).astype(np.float32) for d in depths if d is not None],
        [camera.relative_to(first, unit) for camera in cameras],
    )


def cameras_of(answers: Sequence[AnsweredView], lens: Intrinsics | None = None) -> list[Camera]:
    """Cameras of drawn RAYS; all views get one lens, the median of what each one shows.

    Raises:
        ValueError: an answer holds no rays.
    """
    rays = []
    for slot, answer in enumerate(answers):
        if answer.rays is None:
            raise ValueError(f"the rays of view {slot} were not asked for")
        rays.append(torch.from_numpy(answer.rays))
    if lens is None:
        single = [camera_from_rays(r, LensModel.ZOOM).camera.intrinsics for r in rays]
        fx = float(np.median([k.fx for k in single]))
        fy = float(np.median([k.fy for k in single]))
        lens = Intrinsics(fx, fy, 0.5, 0.5)
    return [camera_from_rays(r, LensModel.KNOWN, lens).camera for r in rays]


def _joined(found: Sequence[_Window]) -> _Window:
    """All windows in the first one's frame and units."""
    depths, cameras = list(found[0].depths), list(found[0].cameras)
    for window in found[1:]:
        factor = _factor(depths[-1], window.depths[0])
        anchor = cameras[-1].T_world_camera
        for depth, camera in zip(window.depths[1:], window.cameras[1:], strict=True):
            depths.append((depth * factor).astype(np.float32))
            cameras.append(Camera(anchor @ _scaled(camera, factor), camera.intrinsics))
    return _Window(depths, cameras)


def _scaled(camera: Camera, factor: float) -> Array:
    T = np.array(camera.T_world_camera)
    T[:3, 3] *= factor
    return T


def _factor(depth: FloatArray, other: FloatArray) -> float:
    """Median of depth / other where both are surfaces; 1 where they share none."""
    known = np.isfinite(depth) & np.isfinite(other) & (depth > 0) & (other > 0)
    return float(np.median(depth[known] / other[known])) if known.any() else 1.0
