"""How far a depth picture, a camera or a trajectory is from the truth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from engine.geometry.arrays import Picture, float64_array
from engine.geometry.cameras import Array, Camera
from engine.geometry.rotations import rotation_angle

#: Sky drawn where there is a surface counts as this many times the farthest true depth.
SKY_PENALTY = 2.0


@dataclass(frozen=True)
class DepthMetrics:
    """The field's usual figures (Eigen et al. 2014), over the masked pixels.

    Attributes:
        abs_rel: mean of |prediction − truth| / truth.
        delta1: share of pixels with max(prediction/truth, truth/prediction) < 1.25.
        rmse_log: root mean square of log(prediction/truth).
        pixels: how many pixels were compared.
    """

    abs_rel: float
    delta1: float
    rmse_log: float
    pixels: int


def depth_metrics(prediction: Picture, truth: Picture, mask: Picture | None = None) -> DepthMetrics:
    """Compare two depth pictures (H, W) where the truth is known and the mask allows.

    Sky (inf) in the prediction counts as `SKY_PENALTY` times the farthest true depth.

    Raises:
        ValueError: shapes differ, no pixel is left, or the prediction is unknown or not positive
            at one of them (leaving those out would flatter it: put them into the mask).
    """
    p, t = float64_array(prediction), float64_array(truth)
    if p.shape != t.shape:
        raise ValueError(f"prediction {p.shape} and truth {t.shape} must have one shape")
    used = np.isfinite(t) & (t > 0)
    if mask is not None:
        used &= float64_array(mask) > 0
    if not used.any():
        raise ValueError(
            "no pixel has a true depth within the mask, so there is nothing to compare"
        )
    p, t = p[used], t[used]
    if not (p > 0).all():
        bad = int((~(p > 0)).sum())
        raise ValueError(f"the prediction has no depth at {bad} pixels that the mask includes")
    p = np.where(np.isposinf(p), SKY_PENALTY * t.max(), p)
    return DepthMetrics(
        abs_rel=float(np.mean(np.abs(p - t) / t)),
        delta1=float(np.mean(np.maximum(p / t, t / p) < 1.25)),
        rmse_log=float(np.sqrt(np.mean(np.log(p / t) ** 2))),
        pixels=int(used.sum()),
    )


def rotation_error_degrees(estimated: Camera, truth: Camera) -> float:
    """Angle of the turn between two cameras, in [0, 180] degrees."""
    R = estimated.T_world_camera[:3, :3].T @ truth.T_world_camera[:3, :3]
    return float(np.degrees(rotation_angle(R)))


def translation_error(estimated: Camera, truth: Camera, scale: float = 1.0) -> float:
    """Distance between two camera centres in units of `scale` (pass σ to compare scenes)."""
    return float(np.linalg.norm(estimated.position - truth.position)) / scale


@dataclass(frozen=True)
class Similarity:
    """x ↦ scale · R x + t: rotation (3, 3), translation (3,)."""

    scale: float
    rotation: Array
    translation: Array

    def apply(self, points: Array) -> Array:
        """Points (N, 3)."""
        return self.scale * points @ self.rotation.T + self.translation

    def move(self, camera: Camera) -> Camera:
        """The camera with its position and its axes carried along."""
        T = np.eye(4)
        T[:3, :3] = self.rotation @ camera.T_world_camera[:3, :3]
        T[:3, 3] = self.apply(camera.position[None])[0]
        return Camera(T, camera.intrinsics)


def umeyama(source: Array, target: Array, with_scale: bool = True) -> Similarity:
    """The similarity that takes source (N, 3) to target (N, 3) with least squares.

    Umeyama 1991, eqs. 34–43. Of points on one line the turn about it stays free; of points that
    all coincide (a camera that only turns) the rotation and the scale do, and the scale is 1.
    """
    if source.shape != target.shape or source.ndim != 2 or source.shape[1] != 3 or not len(source):
        raise ValueError(
            f"need two equal sets of points (N, 3), not {source.shape}, {target.shape}"
        )
    mean_s, mean_t = source.mean(0), target.mean(0)
    s, t = source - mean_s, target - mean_t
    U, D, Vt = np.linalg.svd(t.T @ s / len(source))
    flip = np.array([1.0, 1.0, np.sign(np.linalg.det(U @ Vt))])
    R = U @ np.diag(flip) @ Vt
    variance = float((s**2).sum() / len(source))
    spread = variance > 1e-18 * max(1.0, float((mean_s**2).sum()))
    scale = float((D * flip).sum()) / variance if with_scale and spread else 1.0
    return Similarity(scale, R, mean_t - scale * R @ mean_s)


def ate(estimated: Sequence[Camera], truth: Sequence[Camera], with_scale: bool = True) -> float:
    """Absolute trajectory error: RMSE of camera centres after Umeyama alignment, truth's units.

    Sturm et al. 2012. `with_scale=False` where both are metric.
    """
    a, b = _positions(estimated, truth)
    aligned = umeyama(a, b, with_scale).apply(a)
    return float(np.sqrt(np.mean(np.sum((aligned - b) ** 2, axis=1))))


@dataclass(frozen=True)
class RelativePoseError:
    """RMSE over steps: translation in the truth's units, rotation in degrees."""

    translation: float
    rotation_degrees: float


def rpe(
    estimated: Sequence[Camera], truth: Sequence[Camera], step: int = 1, with_scale: bool = True
) -> RelativePoseError:
    """Relative pose error over motions of `step` views (Sturm et al. 2012), scale by Umeyama."""
    a, b = _positions(estimated, truth)
    if not 1 <= step < len(a):
        raise ValueError(f"a step of {step} does not fit into {len(a)} cameras")
    scale = umeyama(a, b).scale if with_scale else 1.0
    shifts, turns = [], []
    for i in range(len(a) - step):
        moved = estimated[i + step].relative_to(estimated[i]).T_world_camera.copy()
        moved[:3, 3] *= scale
        error = np.linalg.inv(truth[i + step].relative_to(truth[i]).T_world_camera) @ moved
        shifts.append(float(np.linalg.norm(error[:3, 3])))
        turns.append(np.degrees(rotation_angle(error[:3, :3])))
    rmse = [float(np.sqrt(np.mean(np.square(x)))) for x in (shifts, turns)]
    return RelativePoseError(translation=rmse[0], rotation_degrees=rmse[1])


def _positions(a: Sequence[Camera], b: Sequence[Camera]) -> tuple[Array, Array]:
    if len(a) != len(b) or not a:
        raise ValueError(f"trajectories must have one length above 0, not {len(a)} and {len(b)}")
    return np.stack([c.position for c in a]), np.stack([c.position for c in b])
