"""A camera path read from a file, and how to fit it to a photo."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

import numpy as np

from engine.geometry.cameras import Array, Camera, Intrinsics, orthonormalised
from engine.geometry.rotations import slerp

#: OpenCV camera axes ↔ OpenGL camera axes (its own inverse): x right, y up, z backward.
OPENCV_TO_OPENGL = np.diag([1.0, -1.0, -1.0, 1.0])

_LARGEST_FILE = 64 * 2**20
_RIGID_TOLERANCE = 0.02


class TrajectoryError(ValueError):
    """A trajectory file that cannot be used; one sentence for the user."""


@dataclass(frozen=True)
class Trajectory:
    """Cameras in the order in which they are flown.

    Attributes:
        cameras: in the file's own world and units, OpenCV camera axes.
        source_format: "realestate10k", "transforms.json", "camera_path.json" or "colmap".
        timestamps: seconds, where the file has them.
        names: picture names, where the file has them.
        width, height: pixels of the file's own pictures, where it says so.
        notes: what had to be assumed or was left out, one sentence each, for the user.
    """

    cameras: tuple[Camera, ...]
    source_format: str
    timestamps: tuple[float, ...] | None = None
    names: tuple[str, ...] | None = None
    width: int | None = None
    height: int | None = None
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.cameras:
            raise TrajectoryError(f"the {self.source_format} trajectory has no cameras")


def resample(trajectory: Trajectory, views: int) -> Trajectory:
    """The same path with `views` cameras, the first and the last among them.

    Positions and logarithms of the focal lengths are interpolated linearly, rotations by slerp;
    evenly in time where all timestamps grow, else evenly in the file's frames. Names are dropped.

    Raises:
        TrajectoryError: fewer than 1 view asked for.
    """
    if views < 1:
        raise TrajectoryError(f"a path needs at least 1 view, not {views}")
    times = trajectory.timestamps
    if times is None or any(b <= a for a, b in pairwise(times)):
        clock = np.arange(len(trajectory.cameras), dtype=np.float64)
    else:
        clock = np.asarray(times, dtype=np.float64)
    wanted = np.linspace(clock[0], clock[-1], views)
    position = np.interp(wanted, clock, np.arange(len(clock), dtype=np.float64))
    cameras = tuple(camera_between(trajectory.cameras, float(x)) for x in position)
    return replace(
        trajectory,
        cameras=cameras,
        timestamps=None if times is None else tuple(float(t) for t in wanted),
        names=None,
    )


def camera_between(cameras: Sequence[Camera], position: float) -> Camera:
    """The camera at a fractional index of a path.

    Positions and logarithms of the focal lengths are linear between neighbours, rotations slerp.
    """
    i = min(int(position), len(cameras) - 1)
    share = position - i
    if share < 1e-12:
        return cameras[i]
    a, b = cameras[i], cameras[i + 1]
    T = np.eye(4)
    T[:3, :3] = slerp(a.T_world_camera[:3, :3], b.T_world_camera[:3, :3], share)
    T[:3, 3] = (1 - share) * a.position + share * b.position
    p, q = a.intrinsics, b.intrinsics
    return Camera(
        T,
        Intrinsics(
            fx=p.fx ** (1 - share) * q.fx**share,
            fy=p.fy ** (1 - share) * q.fy**share,
            cx=(1 - share) * p.cx + share * q.cx,
            cy=(1 - share) * p.cy + share * q.cy,
        ),
    )


def rebased(cameras: Sequence[Camera], start: Camera, scale: float) -> list[Camera]:
    """The path as flown from `start`: its first camera becomes `start` itself.

    Motions relative to the first camera are kept, with translations multiplied by `scale`. The
    lens is that of `start`, zoomed as the path zooms relative to its own first camera.
    """
    if not (math.isfinite(scale) and scale > 0):
        raise TrajectoryError(f"the scale of a path must be a positive number, not {scale}")
    first = cameras[0]
    lens = start.intrinsics
    out = []
    for camera in cameras:
        T_first_camera = camera.relative_to(first, 1.0 / scale).T_world_camera
        zoomed = Intrinsics(
            fx=lens.fx * camera.intrinsics.fx / first.intrinsics.fx,
            fy=lens.fy * camera.intrinsics.fy / first.intrinsics.fy,
            cx=lens.cx,
            cy=lens.cy,
        )
        out.append(Camera(orthonormalised(start.T_world_camera @ T_first_camera), zoomed))
    return out


def reach(cameras: Sequence[Camera]) -> float:
    """Distance of the farthest camera from the first one, in the path's own units."""
    return max(float(np.linalg.norm(c.position - cameras[0].position)) for c in cameras)


def read_text(path: Path) -> str:
    """The text of a file.

    Raises:
        TrajectoryError: missing, unreadable, larger than 64 MiB, or no UTF-8 text.
    """
    try:
        size = path.stat().st_size
        if size > _LARGEST_FILE:
            raise TrajectoryError(
                f"{path} has {size / 2**20:.0f} MiB, which is no camera path (at most 64 MiB)"
            )
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise TrajectoryError(f"{path} is not a text file, so it holds no known path") from error
    except OSError as error:
        raise TrajectoryError(f"{path} cannot be read: {error.strerror or error}") from error


def json_document(text: str, source: str) -> object:
    """What a JSON text holds.

    Raises:
        TrajectoryError: it is none; `source` names it.
    """
    try:
        return json.loads(text)
    except (json.JSONDecodeError, RecursionError) as error:
        raise TrajectoryError(f"{source} is not valid JSON: {error}") from error


def rigid(matrix: object, where: str) -> Array:
    """A rigid transform (4, 4) from 3×4 or 4×4 numbers of a file, with its rounding undone.

    Raises:
        TrajectoryError: not numbers of that shape, or not a rotation and a translation.
    """
    try:
        M = np.array(matrix, dtype=np.float64)
    except (TypeError, ValueError, OverflowError) as error:
        raise TrajectoryError(f"{where} has no matrix of numbers") from error
    if M.shape not in ((3, 4), (4, 4)) or not np.isfinite(M).all():
        raise TrajectoryError(f"{where} has no finite 3x4 or 4x4 matrix")
    T = np.eye(4)
    T[:3] = M[:3]
    R = T[:3, :3]
    if np.abs(R @ R.T - np.eye(3)).max() > _RIGID_TOLERANCE or np.linalg.det(R) < 0:
        raise TrajectoryError(f"{where} has a matrix that is no rotation (scaled or mirrored)")
    return orthonormalised(T)


def inverse_rigid(T: Array) -> Array:
    """Inverse of a rigid transform (4, 4)."""
    out = np.eye(4)
    out[:3, :3] = T[:3, :3].T
    out[:3, 3] = -T[:3, :3].T @ T[:3, 3]
    return out


def lens(values: tuple[float, float, float, float], where: str) -> Intrinsics:
    """fx, fy, cx, cy divided by picture size.

    Raises:
        TrajectoryError: not finite, or a focal length that is not positive.
    """
    try:
        return Intrinsics(*values)
    except ValueError as error:
        raise TrajectoryError(f"{where} has a bad lens: {error}") from error


def json_number(values: Mapping[str, object], key: str) -> float | None:
    """A finite number of a JSON object, or None where there is none."""
    value = values.get(key)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return float(value) if math.isfinite(value) else None
    except OverflowError:
        return None
