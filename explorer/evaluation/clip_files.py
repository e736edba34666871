"""Reads posed clips: a folder with `cameras.json` beside its pictures.

The file is a list of {file, width, height, fx, fy, cx, cy, c2w, depth?}: intrinsics in pixels
with *integer* pixel centres (0.5 is added to cx and cy here), `c2w` camera-to-world 4×4 row-major
with OpenCV axes, depth as 16-bit PNG in millimetres where 0 means none.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from engine.geometry.cameras import Array, Camera, Intrinsics, orthonormalised
from engine.model.inner_files import inner_name
from explorer.evaluation.picture_metrics import resized
from explorer.evaluation.scenes import Scene, TrueView, scene_from_frames
from explorer.evaluation.sheets import evenly
from explorer.evaluation.visibility import MEASURED_TOLERANCE
from explorer.walk.photo import working_size
from explorer.walk.sizes import Sizes

MILLIMETRES_PER_METRE = 1000.0

#: Cameras this far from a rigid motion are not rounding but a broken file.
_ROTATION_TOLERANCE = 1e-2


class ClipError(ValueError):
    """A clip that cannot be read; the message is one sentence for the user."""


@dataclass(frozen=True)
class FrameEntry:
    """One entry of cameras.json, checked; K in pixels with pixel centres at +0.5."""

    picture: Path
    depth: Path | None
    width: int
    height: int
    K: Array
    T_world_camera: Array


@dataclass(frozen=True)
class Crop:
    """The centred part of a picture that is kept, in pixels, and the size it is brought to."""

    left: int
    top: int
    width: int
    height: int
    to_width: int
    to_height: int

    def intrinsics(self, K: Array) -> Intrinsics:
        """The lens of the cropped picture, from K (3, 3) of the whole one."""
        return Intrinsics(
            fx=float(K[0, 0]) / self.width,
            fy=float(K[1, 1]) / self.height,
            cx=(float(K[0, 2]) - self.left) / self.width,
            cy=(float(K[1, 2]) - self.top) / self.height,
        )


def read_entries(folder: Path) -> list[FrameEntry]:
    """The frames named by `folder`/cameras.json, in its order.

    Raises:
        ClipError: if the file is missing, is no such list, or an entry is unusable.
    """
    path = folder / "cameras.json"
    if not path.is_file():
        raise ClipError(f"{folder} holds no cameras.json, so it is no posed clip")
    try:
        entries = json.loads(path.read_text(encoding="utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise ClipError(f"{path} is not readable JSON ({error})") from error
    if not isinstance(entries, list) or len(entries) < 3:
        raise ClipError(f"{path} must be a list of at least three frames")
    return [_entry(folder, path, index, entry) for index, entry in enumerate(entries)]


def _entry(folder: Path, path: Path, index: int, entry: Any) -> FrameEntry:
    where = f"{path}, frame {index}"
    if not isinstance(entry, Mapping):
        raise ClipError(f"{where}: expected an object with file, fx, fy, cx, cy and c2w")
    try:
        fx, fy, cx, cy = (float(entry[key]) for key in ("fx", "fy", "cx", "cy"))
        width, height = int(entry["width"]), int(entry["height"])
        T = np.array(entry["c2w"], dtype=np.float64)
        picture = folder / inner_name(entry["file"])
        depth = folder / inner_name(entry["depth"]) if entry.get("depth") else None
    except (KeyError, TypeError, ValueError) as error:
        raise ClipError(f"{where}: {type(error).__name__} {error}") from error
    if T.shape != (4, 4) or not np.isfinite(T).all():
        raise ClipError(f"{where}: c2w must be a finite 4x4 matrix")
    if np.abs(T[:3, :3] @ T[:3, :3].T - np.eye(3)).max() > _ROTATION_TOLERANCE:
        raise ClipError(f"{where}: c2w does not hold a rotation")
    if min(fx, fy, width, height) <= 0 or not np.isfinite([fx, fy, cx, cy]).all():
        raise ClipError(f"{where}: focal lengths and picture size must be positive")
    K = np.array([[fx, 0.0, cx + 0.5], [0.0, fy, cy + 0.5], [0.0, 0.0, 1.0]])
    return FrameEntry(picture, depth, width, height, K, orthonormalised(T))


def working_crop(width: int, height: int, size: tuple[int, int]) -> Crop:
    """The largest centred part of a width × height picture that fits the model's sizes.

    `size` is the (width, height) whose number of pixels is aimed for, as for any photo.
    """
    to_width, to_height = working_size(width, height, size)
    scale = min(width / to_width, height / to_height)
    kept_width, kept_height = round(to_width * scale), round(to_height * scale)
    return Crop(
        left=(width - kept_width) // 2,
        top=(height - kept_height) // 2,
        width=kept_width,
        height=kept_height,
        to_width=to_width,
        to_height=to_height,
    )


def _read_colours(path: Path) -> NDArray[np.float32]:
    try:
        with Image.open(path) as image:
            return np.asarray(image.convert("RGB"), dtype=np.float32) / 255.0
    except (OSError, UnidentifiedImageError) as error:
        raise ClipError(f"{path} is not a readable picture ({error})") from error


def _read_depth(path: Path) -> NDArray[np.float32]:
    stored = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    if stored is None or stored.dtype != np.uint16 or stored.ndim != 2:
        raise ClipError(f"{path} is not a 16-bit depth PNG in millimetres")
    metres = stored.astype(np.float32) / MILLIMETRES_PER_METRE
    return np.where(stored == 0, np.float32(np.nan), metres)


def _true_view(entry: FrameEntry, crop: Crop) -> TrueView:
    colours = _read_colours(entry.picture)
    if colours.shape[:2] != (entry.height, entry.width):
        raise ClipError(
            f"{entry.picture} is {colours.shape[1]}x{colours.shape[0]}, "
            f"but cameras.json says {entry.width}x{entry.height}"
        )
    box = (slice(crop.top, crop.top + crop.height), slice(crop.left, crop.left + crop.width))
    colours = resized(colours[box], crop.to_height, crop.to_width)
    depth = None
    if entry.depth is not None:
        # Depths are never averaged: half-way between two surfaces there is nothing.
        metres = _read_depth(entry.depth)
        metres = resized_nearest(metres, entry.height, entry.width)[box]
        depth = resized_nearest(metres, crop.to_height, crop.to_width)
    return TrueView(
        rgb=(colours * 255.0).round().clip(0, 255).astype(np.uint8),
        depth=depth,
        camera=Camera(entry.T_world_camera, crop.intrinsics(entry.K)),
    )


def resized_nearest(depth: NDArray[np.float32], height: int, width: int) -> NDArray[np.float32]:
    """Depth (H, W) at another size, each pixel taking the nearest old one."""
    if depth.shape == (height, width):
        return depth
    rows = ((np.arange(height) + 0.5) * depth.shape[0] / height).astype(np.intp)
    columns = ((np.arange(width) + 0.5) * depth.shape[1] / width).astype(np.intp)
    nearest: NDArray[np.float32] = depth[rows[:, None], columns[None, :]]
    return nearest


def read_clip(
    folder: Path, size: tuple[int, int], frames: int, stride: int, caption: str = ""
) -> Scene:
    """The clip as a scene: way out on even frames, way back on odd frames reversed.

    Args:
        folder: holds cameras.json.
        size: (width, height) whose number of pixels is aimed for.
        frames: at most this many frames are used.
        stride: every `stride`-th frame of the file is used.

    Raises:
        ClipError: with one sentence, for anything unreadable.
    """
    chosen: Sequence[FrameEntry] = read_entries(folder)[::stride][:frames]
    if len(chosen) < 3:
        raise ClipError(
            f"{folder} leaves {len(chosen)} frames at stride {stride}; use a smaller one"
        )
    return scene_from_frames(folder.name, caption, _views(chosen, size), MEASURED_TOLERANCE)


def read_clip_pictures(folder: Path, sizes: Sizes, frames: int, stride: int) -> Scene | None:
    """The scene of `read_clip` with `sizes.model`, its views at the picture's size.

    Both are the same part of each frame. None where the clip's own pictures have no more pixels
    than the model's.

    Raises:
        ClipError: as `read_clip`.
        SizeError: this machine's memory does not hold such pictures.
    """
    chosen = read_entries(folder)[::stride][:frames]
    crop = working_crop(chosen[0].width, chosen[0].height, sizes.model)
    picture = sizes.picture_of((crop.width, crop.height))
    if picture is None or math.prod(picture) <= crop.to_width * crop.to_height:
        return None
    crop = replace(crop, to_width=picture[0], to_height=picture[1])
    views = [_true_view(entry, crop) for entry in chosen]
    return scene_from_frames(folder.name, "", views, MEASURED_TOLERANCE)


def read_photos(folder: Path, size: tuple[int, int], frames: int) -> list[TrueView]:
    """At most `frames` frames that have a depth, evenly spread over the clip.

    Raises:
        ClipError: with one sentence, for anything unreadable, or where no frame has a depth.
    """
    entries = [entry for entry in read_entries(folder) if entry.depth is not None]
    if not entries:
        raise ClipError(f"no frame of {folder} has a depth to compare with")
    return _views([entries[index] for index in evenly(len(entries), frames)], size)


def read_frames(folder: Path, size: tuple[int, int], frames: int) -> list[TrueView]:
    """At most `frames` frames, evenly spread over the clip.

    Raises:
        ClipError: with one sentence, for anything unreadable.
    """
    entries = read_entries(folder)
    return _views([entries[index] for index in evenly(len(entries), frames)], size)


def _views(entries: Sequence[FrameEntry], size: tuple[int, int]) -> list[TrueView]:
    first = entries[0]
    crop = working_crop(first.width, first.height, size)
    for entry in entries:
        if (entry.width, entry.height) != (first.width, first.height):
            raise ClipError(f"{entry.picture} differs in size from the clip's first frame")
    return [_true_view(entry, crop) for entry in entries]
