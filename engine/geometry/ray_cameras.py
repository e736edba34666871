"""From a RAYS picture back to the camera: centre, rotation and lens.

The inverse of `engine.geometry.rays.plucker_rays`, for pictures that a network drew: the rays of
such a picture do not quite meet in one point, and their directions are not quite those of one
lens. Both are fitted robustly (after Zhang et al. 2024, RayDiffusion, eqs. 5–8).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from torch import Tensor

from engine.geometry.arrays import float64_array
from engine.geometry.bundle.least_squares import (
    DescentConfig,
    Normal,
    cauchy_cost,
    cauchy_weights,
    minimise,
)
from engine.geometry.cameras import Array, Camera, Intrinsics
from engine.geometry.lenses import (
    FIELDS_OF_VIEW,
    LensModel,
    intrinsics_of,
    lens_array,
    moved_lens,
)
from engine.geometry.rotations import cross_matrix, nearest_rotation, rotation_from_vector

#: Median of a Rayleigh distribution → the deviation of each of its two components.
_MEDIAN_TO_SIGMA = 1.0 / 1.1774
#: Spread below which residuals are rounding of float32 rays.
_ROUNDING = 1e-7
#: Residuals within this many spreads count as agreeing.
_AGREEING = 3.0


@dataclass(frozen=True)
class RayCamera:
    """A camera and how well the rays agree with it.

    Attributes:
        camera: in the frame and units of the rays.
        agreeing: share of the rays within three robust deviations of the camera's, in [0, 1].
        direction_error_degrees: root mean square angle between those and the camera's own.
        moment_error: root mean square of |c × d − m| of those: how far they pass the centre, in
            the units of the rays.
    """

    camera: Camera
    agreeing: float
    direction_error_degrees: float
    moment_error: float


def camera_from_rays(
    rays: Tensor, lens: LensModel = LensModel.FREE, intrinsics: Intrinsics | None = None
) -> RayCamera:
    """The camera whose RAYS picture is nearest to this one.

    Args:
        rays: (6, h, w), (o × d, d); directions of any length.
        lens: what is sought of the lens. The principal point of noisy rays is hardly told from
            a turn: with `ZOOM` pixels stay square and the lens centred.
        intrinsics: the lens to start from, or the lens itself where `lens` is `KNOWN`; None
            tries square pixels of many fields of view.

    Raises:
        ValueError: the shape is another, the rays are not finite or have no direction, a known
            lens is not given, or the directions fit no lens.
    """
    moments, directions, pixels, aspect = _checked(rays)
    if lens is LensModel.KNOWN and intrinsics is None:
        raise ValueError("a known lens must be given as intrinsics")
    state = _start(directions, pixels, aspect, lens, intrinsics)
    for _ in range(3):
        spread = _spread(np.linalg.norm(state.directions(pixels) - directions, axis=1))
        fit = _DirectionFit(directions, pixels, lens, spread)
        state, _ = minimise(fit, state, DescentConfig(iterations=20, least_gain=1e-12))
    fitted = state.directions(pixels)
    centre = _centre(fitted, moments)
    T = np.eye(4)
    T[:3, :3], T[:3, 3] = state.rotation, centre
    turned = np.linalg.norm(fitted - directions, axis=1)
    missed = np.linalg.norm(np.cross(centre, fitted) - moments, axis=1)
    agree = (turned <= _AGREEING * _spread(turned)) & (missed <= _AGREEING * _spread(missed))
    return RayCamera(
        camera=Camera(T, intrinsics_of(state.lens)),
        agreeing=float(agree.mean()),
        direction_error_degrees=float(np.degrees(_root_mean_square(turned[agree]))),
        moment_error=_root_mean_square(missed[agree]),
    )


def _checked(rays: Tensor) -> tuple[Array, Array, Array, float]:
    """Moments (N, 3), unit directions (N, 3), pixels (N, 2) and width / height."""
    values = float64_array(rays)
    if values.ndim != 3 or values.shape[0] != 6 or min(values.shape[1:]) < 2:
        raise ValueError(f"rays must be (6, h, w) with h, w of at least 2, not {values.shape}")
    if not np.isfinite(values).all():
        raise ValueError("rays must be finite")
    _, h, w = values.shape
    flat = values.reshape(6, -1).T
    length = np.linalg.norm(flat[:, 3:], axis=1, keepdims=True)
    if length.min() < 1e-6:
        raise ValueError("rays must have a direction: some have length zero")
    v, u = np.mgrid[:h, :w]
    pixels = np.stack([(u.ravel() + 0.5) / w, (v.ravel() + 0.5) / h], axis=1)
    return flat[:, :3], flat[:, 3:] / length, pixels, w / h


@dataclass(frozen=True)
class _Pinhole:
    """rotation (3, 3) camera → frame of the rays; lens (4,) divided by the picture's size."""

    rotation: Array
    lens: Array

    def local(self, pixels: Array) -> Array:
        """Directions in the camera with z = 1, (N, 3)."""
        return np.column_stack([(pixels - self.lens[2:]) / self.lens[:2], np.ones(len(pixels))])

    def directions(self, pixels: Array) -> Array:
        """Unit directions in the frame of the rays, (N, 3)."""
        y = self.local(pixels)
        out: Array = (y / np.linalg.norm(y, axis=1, keepdims=True)) @ self.rotation.T
        return out


def _start(
    directions: Array,
    pixels: Array,
    aspect: float,
    lens: LensModel,
    intrinsics: Intrinsics | None,
) -> _Pinhole:
    """The best of several lenses, each with the rotation that suits it."""
    if intrinsics is not None:
        tried = [intrinsics]
    else:
        tried = [Intrinsics.from_fov(fov, aspect) for fov in FIELDS_OF_VIEW]
    starts = [_turned(lens_array(k), directions, pixels) for k in tried]
    if lens is LensModel.FREE and len(directions) >= 4:
        starts += _from_homography(directions, pixels)
    errors = [
        float(np.median(np.linalg.norm(s.directions(pixels) - directions, axis=1))) for s in starts
    ]
    return starts[int(np.argmin(errors))]


def _turned(lens: Array, directions: Array, pixels: Array) -> _Pinhole:
    straight = _Pinhole(np.eye(3), lens).directions(pixels)
    return _Pinhole(nearest_rotation(straight, directions, np.ones(len(pixels))), lens)


def _from_homography(directions: Array, pixels: Array) -> list[_Pinhole]:
    """Directions are d ~ R K⁻¹ (u, v, 1): a homography, by DLT, then QR. Empty if it is none."""
    x = np.column_stack([pixels - 0.5, np.ones(len(pixels))])
    rows = np.einsum("nij,nk->nijk", cross_matrix(directions), x).reshape(-1, 9)
    H = np.linalg.eigh(rows.T @ rows)[1][:, 0].reshape(3, 3)
    if np.sum((x @ H.T) * directions) < 0:
        H = -H
    if np.linalg.det(H) <= 0:
        return []
    Q, U = np.linalg.qr(H)
    signs = np.sign(np.diag(U))
    Q, U = Q * signs, U * signs[:, None]
    K = np.linalg.inv(U / U[2, 2])
    found = np.array([K[0, 0], K[1, 1], K[0, 2] + 0.5, K[1, 2] + 0.5])
    return [_Pinhole(Q, found)] if np.isfinite(found).all() and found[:2].min() > 1e-3 else []


@dataclass(frozen=True)
class _DirectionFit:
    """Robust least squares of the chords between rays and the camera's own rays."""

    wanted: Array
    pixels: Array
    lens: LensModel
    spread: float

    def linearised(self, state: _Pinhole) -> Normal[None]:
        y = state.local(self.pixels)
        length = np.linalg.norm(y, axis=1)
        unit = y / length[:, None]
        r = (unit @ state.rotation.T - self.wanted) / self.spread
        squared = (r**2).sum(axis=1)
        weight = cauchy_weights(squared)
        flat = (np.eye(3) - unit[:, :, None] * unit[:, None, :]) / length[:, None, None]
        by_lens = np.zeros((len(y), 3, 4))
        by_lens[:, 0, 0], by_lens[:, 1, 1] = -y[:, 0] / state.lens[0], -y[:, 1] / state.lens[1]
        by_lens[:, 0, 2], by_lens[:, 1, 3] = -1.0 / state.lens[0], -1.0 / state.lens[1]
        J = state.rotation @ np.concatenate(
            [-cross_matrix(unit), flat @ by_lens @ self.lens.directions(state.lens)], axis=2
        )
        J /= self.spread
        H = np.einsum("nri,n,nrj->ij", J, weight, J, optimize=True)
        g = np.einsum("nri,n,nr->i", J, weight, r, optimize=True)
        return Normal(float(cauchy_cost(squared).sum()), H, g, None)

    def moved(self, state: _Pinhole, normal: Normal[None], step: Array) -> _Pinhole:
        change = self.lens.directions(state.lens) @ step[3:]
        return _Pinhole(
            state.rotation @ rotation_from_vector(step[:3]), moved_lens(state.lens, change)
        )


def _centre(directions: Array, moments: Array) -> Array:
    """The point c with c × d = m, by reweighted normal equations Σ(I − d dᵀ) c = Σ d × m.

    The camera's own directions are taken rather than the drawn ones: noise in d would pull the
    centre back along the view.
    """
    across = np.eye(3) - directions[:, :, None] * directions[:, None, :]
    nearest = np.cross(directions, moments)
    weights = np.ones(len(directions))
    for _ in range(10):
        H = np.einsum("n,nij->ij", weights, across)
        centre = np.linalg.solve(H, weights @ nearest)
        missed = np.linalg.norm(np.cross(centre, directions) - moments, axis=1)
        weights = cauchy_weights((missed / _spread(missed)) ** 2)
    return centre


def _spread(lengths: Array) -> float:
    return max(_MEDIAN_TO_SIGMA * float(np.median(lengths)), _ROUNDING)


def _root_mean_square(values: Array) -> float:
    return float(np.sqrt(np.mean(values**2))) if len(values) else float("nan")
