"""A remembered view, and the file that holds it.

A view is rounded when it is made exactly as it is stored: pictures to 8 bits, depth to half
precision in units of the scene's scale, confidence to 8 bits. What has been read back from disk
is therefore equal, bit for bit, to what was first remembered.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.geometry.cameras import Camera, Intrinsics

_VERSION = 1


class ViewFileError(ValueError):
    """A view file that cannot be read."""


@dataclass(frozen=True, eq=False)
class View:
    """One picture of the world with its camera; all arrays are read-only.

    Attributes:
        id: 0 for the photo, then in the order of drawing.
        camera: where it was taken from.
        rgb: (H, W, 3) uint8.
        depth: (H, W) float32 z-depth in scene units, inf = sky, nan = unknown; None until drawn.
        confidence: (H, W) float32 in [0, 1], how far to trust the depth; None leaves that to the
            depth's own shape.
        caption: what the view was drawn from, for the record.
        scale: scene units in which depth is rounded (11 bits of each depth are kept).

    Raises:
        ValueError: when a shape or type is wrong, or a confidence comes without a depth.
    """

    id: int
    camera: Camera
    rgb: NDArray[np.uint8]
    depth: NDArray[np.float32] | None = None
    confidence: NDArray[np.float32] | None = None
    caption: str = ""
    scale: float = 1.0

    def __post_init__(self) -> None:
        rgb = np.array(self.rgb)
        if rgb.dtype != np.uint8 or rgb.ndim != 3 or rgb.shape[2] != 3:
            raise ValueError(f"a view's rgb must be uint8 (H, W, 3), not {rgb.dtype} {rgb.shape}")
        if self.id < 0 or not self.scale > 0:
            raise ValueError(f"a view needs an id ≥ 0 and a scale > 0: {self.id}, {self.scale}")
        if self.depth is None and self.confidence is not None:
            raise ValueError(f"view {self.id} has a confidence but no depth")
        rgb.setflags(write=False)
        object.__setattr__(self, "rgb", rgb)
        for name, rounded in (("depth", _rounded_depth), ("confidence", _rounded_confidence)):
            values = getattr(self, name)
            if values is None:
                continue
            values = np.asarray(values, dtype=np.float32)
            if values.shape != rgb.shape[:2]:
                raise ValueError(f"view {self.id}: {name} is {values.shape}, rgb {rgb.shape[:2]}")
            values = rounded(values, self.scale)
            values.setflags(write=False)
            object.__setattr__(self, name, values)

    @property
    def height(self) -> int:
        return int(self.rgb.shape[0])

    @property
    def width(self) -> int:
        return int(self.rgb.shape[1])

    def with_depth(
        self, depth: NDArray[np.float32], confidence: NDArray[np.float32] | None
    ) -> View:
        """The same view with a depth (H, W) in scene units and its confidence (H, W)."""
        return replace(self, depth=depth, confidence=confidence)


def _half_depth(depth: NDArray[np.float32], scale: float) -> NDArray[np.float16]:
    with np.errstate(over="ignore"):  # beyond 65504 scales lies the sky
        return (depth / np.float32(scale)).astype(np.float16)


def _rounded_depth(depth: NDArray[np.float32], scale: float) -> NDArray[np.float32]:
    return np.asarray(_half_depth(depth, scale).astype(np.float32) * np.float32(scale))


def _confidence_bytes(confidence: NDArray[np.float32]) -> NDArray[np.uint8]:
    return np.round(np.nan_to_num(confidence).clip(0.0, 1.0) * 255.0).astype(np.uint8)


def _rounded_confidence(confidence: NDArray[np.float32], _: float) -> NDArray[np.float32]:
    return np.asarray(_confidence_bytes(confidence).astype(np.float32) / np.float32(255.0))


def save_view(path: Path, view: View) -> None:
    """Write a view as .npz (arrays and one JSON text, no pickle), whole or not at all."""
    k = view.camera.intrinsics
    arrays: dict[str, NDArray[Any]] = {
        "rgb": view.rgb,
        "T_world_camera": view.camera.T_world_camera,
        "intrinsics": np.array([k.fx, k.fy, k.cx, k.cy]),
        "about": np.frombuffer(
            json.dumps(
                {
                    "version": _VERSION,
                    "id": view.id,
                    "caption": view.caption,
                    "scale": view.scale,
                }
            ).encode(),
            dtype=np.uint8,
        ),
    }
    if view.depth is not None:
        arrays["depth"] = _half_depth(view.depth, view.scale)
    if view.confidence is not None:
        arrays["confidence"] = _confidence_bytes(view.confidence)
    with replaced_whole(path) as temporary, temporary.open("wb") as file:
        np.savez(file, allow_pickle=False, **arrays)


def load_view(path: Path) -> View:
    """Read what `save_view` wrote.

    Raises:
        ViewFileError: when the file is not such a file, is cut short or is of another version.
    """
    try:
        # Opened here, since numpy leaves the file open when it turns out to be no archive.
        with path.open("rb") as opened, np.load(opened, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        about = json.loads(arrays["about"].tobytes())
        if about["version"] != _VERSION:
            raise ViewFileError(
                f"{path} is a view file of version {about['version']}, this program reads"
                f" version {_VERSION}"
            )
        scale = float(about["scale"])
        depth, confidence = arrays.get("depth"), arrays.get("confidence")
        return View(
            id=int(about["id"]),
            camera=Camera(arrays["T_world_camera"], Intrinsics(*map(float, arrays["intrinsics"]))),
            rgb=arrays["rgb"],
            depth=None if depth is None else depth.astype(np.float32) * np.float32(scale),
            confidence=None if confidence is None else confidence / np.float32(255.0),
            caption=str(about["caption"]),
            scale=scale,
        )
    except ViewFileError:
        raise
    except Exception as error:  # zip, JSON, key and shape errors all mean one thing to the user
        raise ViewFileError(f"{path} cannot be read as a view: {error}") from error


@contextmanager
def replaced_whole(path: Path) -> Iterator[Path]:
    """A temporary path beside `path` that takes its place when the block ends without error."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
