"""transforms.json of nerfstudio and instant-ngp.

Camera-to-world 4×4 in OpenGL camera axes (x right, y up, z backward); the world is left as it is.
Lens in pixels (`fl_x fl_y cx cy w h`, for all frames or in each) with pixel centres at +0.5, or as
`camera_angle_x`, the horizontal field of view in radians.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from engine.geometry.cameras import Camera, Intrinsics
from engine.geometry.trajectories.trajectory import (
    OPENCV_TO_OPENGL,
    Trajectory,
    TrajectoryError,
    json_document,
    json_number,
    lens,
    read_text,
    rigid,
)

FORMAT = "transforms.json"
_DISTORTION = ("k1", "k2", "k3", "k4", "p1", "p2")


def looks_like(document: object) -> bool:
    """Whether parsed JSON has the keys of this format."""
    return isinstance(document, dict) and "frames" in document


def read(path: Path) -> Trajectory:
    """Read a trajectory, frames sorted by their file names (as nerfstudio does).

    Raises:
        TrajectoryError: no JSON of this kind, a frame without matrix or lens, a fisheye camera.
    """
    return parse(json_document(read_text(path), str(path)), str(path))


def parse(document: object, source: str) -> Trajectory:
    """As `read`, from parsed JSON; `source` names it in errors."""
    if not isinstance(document, dict) or not isinstance(document.get("frames"), list):
        raise TrajectoryError(f"{source} has no list of frames")
    frames = document["frames"]
    if not frames or not all(isinstance(f, dict) for f in frames):
        raise TrajectoryError(f"{source} has no frames")
    if all(isinstance(f.get("file_path"), str) for f in frames):
        frames = sorted(frames, key=lambda f: natural_key(f["file_path"]))
        names: tuple[str, ...] | None = tuple(f["file_path"] for f in frames)
    else:
        names = None
    notes: set[str] = set()
    cameras = []
    for i, frame in enumerate(frames):
        where = f"{source}, frame {names[i] if names else i}"
        T = rigid(frame.get("transform_matrix"), where) @ OPENCV_TO_OPENGL
        cameras.append(Camera(T, _lens({**document, **frame}, where, notes)))
    size = {**document, **frames[0]}
    known = json_number(size, "w") is not None and json_number(size, "h") is not None
    return Trajectory(
        tuple(cameras),
        FORMAT,
        names=names,
        width=int(size["w"]) if known else None,
        height=int(size["h"]) if known else None,
        notes=tuple(sorted(notes)),
    )


def write(
    path: Path,
    cameras: Sequence[Camera],
    names: Sequence[str],
    size: tuple[int, int],
    extra: Mapping[str, object] | None = None,
) -> None:
    """Write cameras with the paths of their pictures, relative to the file.

    Args:
        size: width and height of the pictures, pixels.
        extra: further top-level keys, e.g. `{"ply_file_path": "points.ply"}`.
    """
    width, height = size
    frames = []
    for camera, name in zip(cameras, names, strict=True):
        T = camera.T_world_camera @ OPENCV_TO_OPENGL
        frames.append({"file_path": name, **_pixels(camera.intrinsics, width, height)})
        frames[-1]["transform_matrix"] = T.tolist()
    document = {"camera_model": "OPENCV", "w": width, "h": height, **(extra or {})}
    document["frames"] = frames
    path.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


def natural_key(name: str) -> list[tuple[int, str]]:
    """Sorts frame_2 before frame_10."""
    parts = re.split(r"(\d+)", name)
    return [(int(p), "") if p.isdecimal() else (-1, p) for p in parts]


def _pixels(k: Intrinsics, width: int, height: int) -> dict[str, Any]:
    return {
        "fl_x": k.fx * width,
        "fl_y": k.fy * height,
        "cx": k.cx * width,
        "cy": k.cy * height,
        "w": width,
        "h": height,
    }


def _lens(values: Mapping[str, Any], where: str, notes: set[str]) -> Intrinsics:
    if "FISHEYE" in str(values.get("camera_model", "")).upper() or values.get("is_fisheye"):
        raise TrajectoryError(f"{where} is a fisheye camera; undistort to a pinhole camera first")
    if any(json_number(values, k) for k in _DISTORTION):
        notes.add("lens distortion is left out; the path itself is unaffected")
    w, h = json_number(values, "w"), json_number(values, "h")
    fl_x, fl_y = json_number(values, "fl_x"), json_number(values, "fl_y")
    if fl_x is not None and w and h:
        cx, cy = json_number(values, "cx"), json_number(values, "cy")
        centre_x = 0.5 if cx is None else cx / w
        centre_y = 0.5 if cy is None else cy / h
        focal_y = fl_x if fl_y is None else fl_y
        return lens((fl_x / w, focal_y / h, centre_x, centre_y), where)
    angle_x, angle_y = json_number(values, "camera_angle_x"), json_number(values, "camera_angle_y")
    if angle_x is None or not 0 < angle_x < math.pi:
        raise TrajectoryError(f"{where} has no lens: neither fl_x with w and h, nor camera_angle_x")
    fx = 0.5 / math.tan(angle_x / 2)
    if w and h:
        fy = fx * w / h
    elif angle_y is not None and 0 < angle_y < math.pi:
        fy = 0.5 / math.tan(angle_y / 2)
    else:
        fy = fx
        notes.add("the file names no picture size, so square pictures are assumed")
    return lens((fx, fy, 0.5, 0.5), where)
