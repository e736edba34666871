"""camera_path.json, as nerfstudio's viewer saves a path to render.

`camera_path` is a list of `{camera_to_world: 16 numbers row-major, fov: vertical degrees, aspect}`
in OpenGL camera axes (x right, y up, z backward); `render_width`, `render_height`, `fps`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from engine.geometry.cameras import Camera
from engine.geometry.trajectories.trajectory import (
    OPENCV_TO_OPENGL,
    Trajectory,
    TrajectoryError,
    json_number,
    lens,
    rigid,
)

FORMAT = "camera_path.json"


def looks_like(document: object) -> bool:
    """Whether parsed JSON has the keys of this format."""
    return isinstance(document, dict) and "camera_path" in document


def parse(document: object, source: str) -> Trajectory:
    """Read a path from parsed JSON; `source` names it in errors.

    Raises:
        TrajectoryError: no JSON of this kind, a camera without matrix or field of view, or a
            camera that is not a perspective one.
    """
    if not isinstance(document, dict) or not isinstance(document.get("camera_path"), list):
        raise TrajectoryError(f"{source} has no list named camera_path")
    kind = document.get("camera_type", "perspective")
    if kind != "perspective":
        raise TrajectoryError(f"{source} has a path for {kind} cameras, only perspective ones work")
    entries = document["camera_path"]
    width, height = _positive(document, "render_width"), _positive(document, "render_height")
    aspect = width / height if width and height else None
    cameras = [_camera(entry, aspect, f"{source}, camera {i}") for i, entry in enumerate(entries)]
    if not cameras:
        raise TrajectoryError(f"{source} has no cameras in its camera_path")
    fps = _positive(document, "fps")
    return Trajectory(
        tuple(cameras),
        FORMAT,
        timestamps=tuple(i / fps for i in range(len(cameras))) if fps else None,
        width=int(width) if width else None,
        height=int(height) if height else None,
    )


def _camera(entry: object, aspect: float | None, where: str) -> Camera:
    if not isinstance(entry, dict):
        raise TrajectoryError(f"{where} is not an object")
    values = entry.get("camera_to_world")
    if isinstance(values, list) and len(values) == 16:
        values = [values[i : i + 4] for i in range(0, 16, 4)]
    T = rigid(values, where) @ OPENCV_TO_OPENGL
    fov = _positive(entry, "fov")
    if fov is None or fov >= 180:
        raise TrajectoryError(f"{where} has no field of view between 0 and 180 degrees")
    ratio = aspect or _positive(entry, "aspect")
    if ratio is None:
        raise TrajectoryError(f"{where} has no aspect, and the file has no render_width and height")
    fy = float(0.5 / np.tan(np.radians(fov) / 2))
    return Camera(T, lens((fy / ratio, fy, 0.5, 0.5), where))


def _positive(values: dict[str, Any], key: str) -> float | None:
    value = json_number(values, key)
    return value if value is not None and value > 0 else None
