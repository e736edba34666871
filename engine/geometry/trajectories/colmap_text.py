"""COLMAP's text model: a folder with cameras.txt, images.txt and points3D.txt.

World-to-camera as `QW QX QY QZ TX TY TZ`, OpenCV axes, lens in pixels with pixel centres at +0.5;
two lines an image, the second with its 2D points `X Y POINT3D_ID`, which may be empty.
(https://colmap.github.io/format.html)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.geometry.cameras import Array, Camera, Intrinsics
from engine.geometry.rotations import quaternion_from_rotation, rotation_from_quaternion
from engine.geometry.trajectories.trajectory import (
    Trajectory,
    TrajectoryError,
    inverse_rigid,
    lens,
    read_text,
    rigid,
)
from engine.geometry.trajectories.transforms_json import natural_key

FORMAT = "colmap"
_IMAGE_COLUMNS = 10
#: Where fx, fy, cx, cy stand among a model's parameters; the others are distortion.
_MODELS = {
    "SIMPLE_PINHOLE": (0, 0, 1, 2),
    "PINHOLE": (0, 1, 2, 3),
    "SIMPLE_RADIAL": (0, 0, 1, 2),
    "RADIAL": (0, 0, 1, 2),
    "OPENCV": (0, 1, 2, 3),
}


@dataclass(frozen=True)
class SparsePoints:
    """Coloured points and where they were seen.

    Attributes:
        positions: (P, 3), world.
        colours: (P, 3) uint8 RGB.
        seen_image: (M,) which camera made each observation, as an index into the cameras.
        seen_point: (M,) which point it saw, as an index into the positions.
        seen_at: (M, 2) pixels.
    """

    positions: Array
    colours: NDArray[np.uint8]
    seen_image: NDArray[np.int64]
    seen_point: NDArray[np.int64]
    seen_at: Array


def looks_like(text: str) -> bool:
    """Whether text is that of an images.txt (or of a cameras.txt beside one)."""
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    if not lines:
        return False
    words = lines[0].split()
    return len(words) >= _IMAGE_COLUMNS or (len(words) > 4 and words[1] in _MODELS)


def read(folder: Path) -> Trajectory:
    """Read the cameras of a model, sorted by picture name; `sparse/0` below is found too.

    Raises:
        TrajectoryError: files missing or broken, or a lens that is no pinhole with distortion.
    """
    for place in (folder, folder / "sparse" / "0", folder / "sparse"):
        if (place / "images.txt").is_file() and (place / "cameras.txt").is_file():
            folder = place
            break
    else:
        binary = any(folder.rglob("images.bin"))
        hint = "; export the binary model as text (colmap model_converter)" if binary else ""
        raise TrajectoryError(f"{folder} holds no cameras.txt and images.txt{hint}")
    notes: set[str] = set()
    lenses = _read_lenses(folder / "cameras.txt", notes)
    images = _read_images(folder / "images.txt", lenses)
    images.sort(key=lambda image: natural_key(image.name))
    first = lenses[images[0].lens_id]
    return Trajectory(
        tuple(Camera(i.T_world_camera, lenses[i.lens_id].intrinsics) for i in images),
        FORMAT,
        names=tuple(i.name for i in images),
        width=first.width,
        height=first.height,
        notes=tuple(sorted(notes)),
    )


@dataclass(frozen=True)
class _Lens:
    intrinsics: Intrinsics
    width: int
    height: int


@dataclass(frozen=True)
class _Image:
    name: str
    lens_id: str
    T_world_camera: Array


def _read_lenses(path: Path, notes: set[str]) -> dict[str, _Lens]:
    lenses = {}
    for number, line in enumerate(read_text(path).splitlines(), start=1):
        words = line.split()
        if not words or line.startswith("#"):
            continue
        where = f"{path}, line {number}"
        if len(words) < 5 or words[1] not in _MODELS:
            known = ", ".join(_MODELS)
            raise TrajectoryError(f"{where}: expected one of the camera models {known}")
        places = _MODELS[words[1]]
        try:
            width, height = int(words[2]), int(words[3])
            values = [float(w) for w in words[4:]]
            fx, fy, cx, cy = (values[i] for i in places)
        except (ValueError, IndexError) as error:
            raise TrajectoryError(f"{where}: expected a picture size and a lens") from error
        if width <= 0 or height <= 0:
            raise TrajectoryError(f"{where}: the picture size must be positive")
        if any(values[max(places) + 1 :]):
            notes.add("lens distortion is left out; the path itself is unaffected")
        shares = (fx / width, fy / height, cx / width, cy / height)
        lenses[words[0]] = _Lens(lens(shares, where), width, height)
    return lenses


def _read_images(path: Path, lenses: dict[str, _Lens]) -> list[_Image]:
    images = []
    points_follow = False
    for number, line in enumerate(read_text(path).splitlines(), start=1):
        if line.startswith("#"):
            continue
        if points_follow:  # even when empty
            points_follow = False
            continue
        if not line.strip():
            continue
        words = line.split(maxsplit=_IMAGE_COLUMNS - 1)
        where = f"{path}, line {number}"
        if len(words) != _IMAGE_COLUMNS or words[8] not in lenses:
            raise TrajectoryError(f"{where}: expected an image with a pose, a camera and a name")
        try:
            pose = np.array([float(w) for w in words[1:8]])
            R = rotation_from_quaternion(pose[:4])
        except ValueError as error:
            raise TrajectoryError(f"{where}: expected a quaternion and a translation") from error
        T_camera_world = rigid(np.column_stack([R, pose[4:]]), where)
        images.append(_Image(words[9].strip(), words[8], inverse_rigid(T_camera_world)))
        points_follow = True
    if not images:
        raise TrajectoryError(f"{path} has no images")
    return images


def write(
    folder: Path,
    cameras: Sequence[Camera],
    names: Sequence[str],
    size: tuple[int, int],
    points: SparsePoints | None = None,
) -> None:
    """Write a text model into an existing folder.

    Args:
        names: of the pictures, without spaces, one a camera.
        size: width and height of the pictures, pixels.
        points: optional; points without any observation are written with an empty track.
    """
    if len(names) != len(cameras):
        raise ValueError(f"{len(cameras)} cameras need as many names, not {len(names)}")
    distinct = list(dict.fromkeys(c.intrinsics for c in cameras))
    lens_ids = {k: i + 1 for i, k in enumerate(distinct)}
    _write_lines(folder / "cameras.txt", [_lens_line(i, k, size) for k, i in lens_ids.items()])
    if points is None:
        empty = np.zeros(0, dtype=np.int64)
        points = SparsePoints(
            np.zeros((0, 3)), np.zeros((0, 3), dtype=np.uint8), empty, empty, np.zeros((0, 2))
        )
    order = np.argsort(points.seen_image, kind="stable")
    starts = np.searchsorted(points.seen_image[order], np.arange(len(cameras) + 1))
    tracks: list[list[str]] = [[] for _ in points.positions]
    lines = []
    for i, (camera, name) in enumerate(zip(cameras, names, strict=True)):
        mine = order[starts[i] : starts[i + 1]]
        lines.append(_image_line(i + 1, camera, lens_ids[camera.intrinsics], name))
        lines.append(_points_line(points, mine))
        for slot, observation in enumerate(mine):
            tracks[points.seen_point[observation]].append(f"{i + 1} {slot}")
    _write_lines(folder / "images.txt", lines)
    rows = zip(points.positions, points.colours, tracks, strict=True)
    _write_lines(folder / "points3D.txt", [_point_line(i + 1, *row) for i, row in enumerate(rows)])


def _lens_line(number: int, k: Intrinsics, size: tuple[int, int]) -> str:
    width, height = size
    values = (k.fx * width, k.fy * height, k.cx * width, k.cy * height)
    return f"{number} PINHOLE {width} {height} " + " ".join(f"{v:.12g}" for v in values)


def _image_line(number: int, camera: Camera, lens_id: int, name: str) -> str:
    T = camera.T_camera_world
    values = (*quaternion_from_rotation(T[:3, :3]), *T[:3, 3])
    return f"{number} " + " ".join(f"{v:.12g}" for v in values) + f" {lens_id} {name}"


def _points_line(points: SparsePoints, observations: NDArray[np.int64]) -> str:
    seen = zip(points.seen_at[observations], points.seen_point[observations], strict=True)
    return " ".join(f"{u:.3f} {v:.3f} {p + 1}" for (u, v), p in seen)


def _point_line(
    number: int, position: Array, colour: NDArray[np.uint8], track: Sequence[str]
) -> str:
    place = " ".join(f"{x:.9g}" for x in position)
    shade = " ".join(str(int(c)) for c in colour)
    return f"{number} {place} {shade} 0 {' '.join(track)}".rstrip()


def _write_lines(path: Path, lines: Sequence[str]) -> None:
    path.write_text("".join(line + "\n" for line in lines), encoding="utf-8")
