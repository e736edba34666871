"""Depth that a depth model gave real pictures: `X.depth.npz` beside the picture `X.jpg`.

The npz holds `depth`, float16 (H, W) z-depth as large as the picture (inf = sky, nan = unknown),
and `intrinsics`, float64 (4,): fx fy cx cy, divided by the picture's size. Depth is in the units of
the clip's cameras where it has any, in metres or in units of its own median elsewhere.
"""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.geometry.cameras import Intrinsics

SUFFIX = ".depth.npz"
PICTURES = {".jpg", ".jpeg", ".png", ".webp"}
#: Largest and smallest finite depth that float16 keeps with all its digits.
_FARTHEST, _NEAREST = 6e4, 1e-4


@dataclass(frozen=True, eq=False)
class Label:
    """Attributes:
    depth: (H, W) float32 z-depth, inf = sky, nan = unknown.
    intrinsics: the lens of the picture.
    """

    depth: NDArray[np.float32]
    intrinsics: Intrinsics


def label_path(picture: Path) -> Path:
    """Where the depth of a picture lies."""
    return picture.with_name(picture.stem + SUFFIX)


def write_label(path: Path, label: Label) -> None:
    """Writes compressed; give a temporary path, the file is not replaced at once."""
    depth = label.depth
    finite = np.isfinite(depth)
    kept = np.where(finite, np.clip(depth, _NEAREST, _FARTHEST), depth)
    k = label.intrinsics
    np.savez_compressed(
        path, depth=kept.astype(np.float16), intrinsics=np.array([k.fx, k.fy, k.cx, k.cy])
    )


def read_label(path: Path) -> Label:
    """
    Raises:
        ValueError: it is missing, damaged or no such file.
    """
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
            depth = np.asarray(stored["depth"], dtype=np.float32)
            numbers = [float(value) for value in stored["intrinsics"]]
        if depth.ndim != 2 or len(numbers) != 4:
            raise ValueError(f"depth {depth.shape}, {len(numbers)} numbers of a lens")
        return Label(depth, Intrinsics(*numbers))
    except (OSError, EOFError, KeyError, ValueError, zipfile.BadZipFile) as error:
        raise ValueError(f"{path} is no depth of a picture ({error}); label it again") from error


def without_gaps(depth: NDArray[np.float32]) -> NDArray[np.float32]:
    """Unknown depth taken from the nearest known pixel; all nan stays so."""
    unknown = np.isnan(depth)
    if not unknown.any() or unknown.all():
        return depth
    _, nearest = cv2.distanceTransformWithLabels(
        unknown.astype(np.uint8), cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
    )
    values = np.empty(int(nearest.max()) + 1, np.float32)
    values[nearest[~unknown]] = depth[~unknown]
    filled: NDArray[np.float32] = values[nearest]
    return filled


def pictures_below(folder: Path) -> list[Path]:
    """Every picture file below a folder, hidden ones left out, in the order of their names."""
    return sorted(
        p
        for p in folder.rglob("*")
        if p.suffix.lower() in PICTURES
        and not any(part.startswith(".") for part in p.relative_to(folder).parts)
    )


def read_picture(path: Path, longest: int | None = None) -> NDArray[np.uint8]:
    """(H, W, 3) uint8 RGB; made smaller where a side is longer than `longest`.

    Raises:
        ValueError: it is no picture.
    """
    colour = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if colour is None:
        raise ValueError(f"{path} is no readable picture")
    return smaller(np.asarray(cv2.cvtColor(colour, cv2.COLOR_BGR2RGB), np.uint8), longest)


def smaller(rgb: NDArray[np.uint8], longest: int | None) -> NDArray[np.uint8]:
    """The picture with no side longer than `longest`."""
    height, width = rgb.shape[:2]
    if longest is None or max(height, width) <= longest:
        return rgb
    factor = longest / max(height, width)
    size = (max(1, round(width * factor)), max(1, round(height * factor)))
    return np.asarray(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA), np.uint8)
