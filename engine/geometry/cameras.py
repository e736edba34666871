"""Pinhole cameras: where a picture was taken from, and through which lens.

Axes are OpenCV's (x right, y down, z forward). Pixel (0, 0) covers [0, 1)², so its centre is
(0.5, 0.5). Intrinsics are stored divided by width and height, as RealEstate10K does, so a
camera fits a picture of any size.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

_RIGID_TOLERANCE = 1e-3


@dataclass(frozen=True)
class Intrinsics:
    """A lens, without units: fx and cx are divided by the width, fy and cy by the height."""

    fx: float
    fy: float
    cx: float = 0.5
    cy: float = 0.5

    def __post_init__(self) -> None:
        values = (self.fx, self.fy, self.cx, self.cy)
        if not all(np.isfinite(values)) or self.fx <= 0 or self.fy <= 0:
            raise ValueError(f"intrinsics must be finite with positive focal lengths, not {values}")

    @staticmethod
    def from_fov(horizontal_degrees: float, aspect: float) -> Intrinsics:
        """Square pixels and a centred lens; `aspect` is width / height."""
        if not 1.0 <= horizontal_degrees <= 170.0:
            raise ValueError(
                f"a horizontal field of view of {horizontal_degrees}° is outside 1°–170°"
            )
        fx = 0.5 / np.tan(np.radians(horizontal_degrees) / 2)
        return Intrinsics(fx=float(fx), fy=float(fx * aspect))

    @property
    def horizontal_fov(self) -> float:
        """Degrees, for a centred lens."""
        return float(np.degrees(2 * np.arctan(0.5 / self.fx)))

    def matrix(self, width: int, height: int) -> Array:
        """K in pixels, (3, 3)."""
        return np.array(
            [
                [self.fx * width, 0.0, self.cx * width],
                [0.0, self.fy * height, self.cy * height],
                [0.0, 0.0, 1.0],
            ]
        )

    @staticmethod
    def from_matrix(K: Array, width: int, height: int) -> Intrinsics:
        """From K (3, 3) in pixels, with pixel centres at +0.5."""
        return Intrinsics(
            fx=float(K[0, 0]) / width,
            fy=float(K[1, 1]) / height,
            cx=float(K[0, 2]) / width,
            cy=float(K[1, 2]) / height,
        )


@dataclass(frozen=True, eq=False)
class Camera:
    """A posed pinhole camera.

    Attributes:
        T_world_camera: (4, 4) float64, maps camera points to world points.
        intrinsics: the lens, divided by picture size.
    """

    T_world_camera: Array
    intrinsics: Intrinsics

    def __post_init__(self) -> None:
        T = np.array(self.T_world_camera, dtype=np.float64)
        if T.shape != (4, 4) or not np.isfinite(T).all():
            raise ValueError(f"T_world_camera must be a finite 4x4 matrix, not shape {T.shape}")
        if np.abs(T[3] - (0.0, 0.0, 0.0, 1.0)).max() > 1e-9:
            raise ValueError(f"the last row of T_world_camera must be 0 0 0 1, not {T[3]}")
        R = T[:3, :3]
        if np.abs(R @ R.T - np.eye(3)).max() > _RIGID_TOLERANCE or np.linalg.det(R) < 0:
            raise ValueError("T_world_camera must hold a proper rotation (no scale, no mirror)")
        T.setflags(write=False)
        object.__setattr__(self, "T_world_camera", T)

    @property
    def T_camera_world(self) -> Array:
        """(4, 4), maps world points to camera points."""
        R, t = self.T_world_camera[:3, :3], self.T_world_camera[:3, 3]
        T = np.eye(4)
        T[:3, :3] = R.T
        T[:3, 3] = -R.T @ t
        return T

    @property
    def position(self) -> Array:
        """Centre of projection in world units, (3,)."""
        return self.T_world_camera[:3, 3]

    @property
    def forward(self) -> Array:
        """Optical axis in the world, unit length, (3,)."""
        return self.T_world_camera[:3, 2]

    def moved(self, T_camera_new: Array) -> Camera:
        """The camera after a motion given in its own frame, same lens."""
        return Camera(self.T_world_camera @ T_camera_new, self.intrinsics)

    def relative_to(self, anchor: Camera, scale: float = 1.0) -> Camera:
        """The same camera in the anchor's frame, translations divided by `scale`."""
        T = anchor.T_camera_world @ self.T_world_camera
        T[:3, 3] /= scale
        return Camera(T, self.intrinsics)

    def mirrored(self) -> Camera:
        """The camera that sees the mirror image of the world, left for right, as this one's
        pictures flipped: the world's x axis turns around."""
        k, flip = self.intrinsics, np.diag([-1.0, 1.0, 1.0, 1.0])
        lens = Intrinsics(k.fx, k.fy, 1.0 - k.cx, k.cy)
        return Camera(flip @ self.T_world_camera @ flip, lens)


def orthonormalised(T: Array) -> Array:
    """The rigid transform nearest to T (4, 4): undoes rounding read from text files."""
    U, _, Vt = np.linalg.svd(T[:3, :3])
    out = np.array(T, dtype=np.float64)
    out[:3, :3] = U @ np.diag([1.0, 1.0, np.linalg.det(U @ Vt)]) @ Vt
    return out
