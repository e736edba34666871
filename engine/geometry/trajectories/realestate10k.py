"""RealEstate10K text (Zhou et al. 2018).

Line 1 is free text (a link). Every other line is a frame of 19 numbers:
`timestamp_us fx fy cx cy 0 0 r11 r12 r13 t1 r21 … t3`; world-to-camera 3×4 row-major, OpenCV axes,
intrinsics divided by width and height, pixel centres at +0.5.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from engine.geometry.cameras import Camera
from engine.geometry.trajectories.trajectory import (
    Trajectory,
    TrajectoryError,
    inverse_rigid,
    lens,
    read_text,
    rigid,
)

FORMAT = "realestate10k"
_COLUMNS = 19
#: Focal lengths and centres above this are pixels, not shares of the picture.
_LARGEST_SHARE = 20.0


def looks_like(text: str) -> bool:
    """Whether one of the first two lines that are not empty has the columns of a frame."""
    lines = [line for line in text.splitlines() if line.strip()][:2]
    return any(_numbers(line) is not None for line in lines)


def read(path: Path) -> Trajectory:
    """Read a trajectory; the free first line may be missing.

    Raises:
        TrajectoryError: a line without 19 finite numbers, without a rotation, or in pixels.
    """
    return parse(read_text(path), str(path))


def parse(text: str, source: str) -> Trajectory:
    """As `read`, from text; `source` names it in errors."""
    cameras, times = [], []
    for number, line in enumerate(text.splitlines(), start=1):
        values = _numbers(line)
        if values is None:
            if number == 1 or not line.strip():
                continue
            raise TrajectoryError(f"{source}, line {number}: expected {_COLUMNS} numbers")
        where = f"{source}, line {number}"
        if max(np.abs(values[1:5])) > _LARGEST_SHARE:
            raise TrajectoryError(
                f"{where}: the lens is in pixels, but this format divides it by the picture's size"
            )
        fx, fy, cx, cy = (float(v) for v in values[1:5])
        T_camera_world = rigid(values[7:].reshape(3, 4), where)
        cameras.append(Camera(inverse_rigid(T_camera_world), lens((fx, fy, cx, cy), where)))
        times.append(float(values[0]) / 1e6)
    if not cameras:
        raise TrajectoryError(f"{source} has no line with {_COLUMNS} numbers")
    return Trajectory(tuple(cameras), FORMAT, timestamps=tuple(times))


def write(
    path: Path,
    cameras: Sequence[Camera],
    timestamps: Sequence[float] | None = None,
    title: str = "photowalk",
) -> None:
    """Write cameras; timestamps in seconds, 30 views a second where there are none."""
    times = [i / 30 for i in range(len(cameras))] if timestamps is None else timestamps
    lines = [title.replace("\n", " ")]
    for camera, time in zip(cameras, times, strict=True):
        k = camera.intrinsics
        numbers = [k.fx, k.fy, k.cx, k.cy, 0.0, 0.0, *camera.T_camera_world[:3].ravel()]
        lines.append(" ".join([str(round(time * 1e6)), *(f"{x:.12g}" for x in numbers)]))
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _numbers(line: str) -> np.ndarray[tuple[int], np.dtype[np.float64]] | None:
    """The 19 finite numbers of a line, or None."""
    words = line.split()
    if len(words) != _COLUMNS:
        return None
    try:
        values = np.array([float(w) for w in words])
    except ValueError:
        return None
    return values if np.isfinite(values).all() else None
