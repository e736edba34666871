"""Depth and cameras against the truth, as the field scores them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from engine.geometry.cameras import Camera
from engine.geometry.metrics import ate, depth_metrics, rpe
from engine.queries.query import FloatArray
from engine.queries.scenes import SceneView


@dataclass(frozen=True)
class GeometryScore:
    """Attributes:
    abs_rel, delta1: depth of all views after one common scale.
    ate: of camera centres after a similarity, in units of σ.
    rpe_translation, rpe_rotation: between neighbours, in units of σ and degrees.
    """

    abs_rel: float
    delta1: float
    ate: float
    rpe_translation: float
    rpe_rotation: float

    @property
    def values(self) -> tuple[float, ...]:
        return (self.abs_rel, self.delta1, self.ate, self.rpe_translation, self.rpe_rotation)


def columns_of(scores: Sequence[GeometryScore]) -> list[list[float]]:
    """One list a column of `COLUMNS`; empty ones where nothing was scored."""
    return [[score.values[i] for score in scores] for i in range(len(COLUMNS))]


COLUMNS = ("AbsRel ↓", "δ<1.25 ↑", "ATE / σ ↓", "RPE-T / σ ↓", "RPE-R ° ↓")
DIGITS = (3, 3, 4, 4, 3)


def depth_score(found: Sequence[FloatArray], truth: Sequence[FloatArray]) -> tuple[float, float]:
    """(AbsRel, δ < 1.25) of depth pictures after one median scale for all.

    Drawn sky, and depth that is unknown, counts as twice as far as anything true.
    """
    drawn = np.stack([np.nan_to_num(d, nan=np.inf) for d in found]).astype(np.float64)
    true = np.stack(truth).astype(np.float64)
    known = np.isfinite(true) & (true > 0) & (drawn > 0)
    if not known.any():
        return float("nan"), float("nan")
    scaled = drawn * np.median(true[known] / drawn[known])
    scaled = np.minimum(np.nan_to_num(scaled, nan=np.inf), 2.0 * true[known].max())
    metrics = depth_metrics(scaled.reshape(-1, true.shape[-1]), true.reshape(-1, true.shape[-1]))
    return metrics.abs_rel, metrics.delta1


def camera_score(
    found: Sequence[Camera], truth: Sequence[Camera], scale: float
) -> tuple[float, ...]:
    """(ATE, RPE-T, RPE-R); lengths in units of σ = `scale`, found ones aligned to the truth."""
    relative = rpe(list(found), list(truth))
    return (
        ate(list(found), list(truth)) / scale,
        relative.translation / scale,
        relative.rotation_degrees,
    )


def score(
    depths: Sequence[FloatArray], cameras: Sequence[Camera], truth: Sequence[SceneView]
) -> GeometryScore:
    """Everything of one run of views."""
    known = truth[0].depth[np.isfinite(truth[0].depth)]
    scale = float(np.median(known))
    return GeometryScore(
        *depth_score(depths, [v.depth for v in truth]),
        *camera_score(cameras, [v.camera for v in truth], scale),
    )


def ramp(size: tuple[int, int]) -> FloatArray:
    """The depth that needs no model: inverse depth rises evenly from top to bottom."""
    height, width = size
    inverse = np.linspace(0.15, 1.0, height, dtype=np.float32)[:, None]
    return np.broadcast_to(1.0 / inverse, (height, width)).astype(np.float32)


def straight_line(truth: Sequence[Camera]) -> list[Camera]:
    """The path that needs no model: even steps ahead, without a turn, through the true lens."""
    cameras = []
    for index, camera in enumerate(truth):
        T = np.eye(4)
        T[2, 3] = 0.1 * index
        cameras.append(Camera(T, camera.intrinsics))
    return cameras
