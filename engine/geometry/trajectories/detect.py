"""Reads a camera path of any known format, told apart by content rather than by name."""

from __future__ import annotations

from pathlib import Path

from engine.geometry.trajectories import (
    camera_path_json,
    colmap_text,
    realestate10k,
    transforms_json,
)
from engine.geometry.trajectories.trajectory import (
    Trajectory,
    TrajectoryError,
    json_document,
    read_text,
)

_KNOWN = "RealEstate10K text, transforms.json, camera_path.json or a COLMAP text model"


def read_trajectory(path: Path | str) -> Trajectory:
    """Read a trajectory file, or the folder of a COLMAP text model.

    Raises:
        TrajectoryError: the file is missing, of no known format, or broken.
    """
    path = Path(path)
    if path.is_dir():
        return colmap_text.read(path)
    if path.suffix.lower() == ".bin":
        raise TrajectoryError(
            f"{path} is a binary COLMAP model; export it as text (colmap model_converter) first"
        )
    text = read_text(path)
    if text.lstrip()[:1] in ("{", "["):
        return _from_json(text, str(path))
    if realestate10k.looks_like(text):
        return realestate10k.parse(text, str(path))
    if colmap_text.looks_like(text):
        return colmap_text.read(path.parent)
    raise TrajectoryError(f"{path} holds no known camera path ({_KNOWN})")


def _from_json(text: str, source: str) -> Trajectory:
    document = json_document(text, source)
    if camera_path_json.looks_like(document):
        return camera_path_json.parse(document, source)
    if transforms_json.looks_like(document):
        return transforms_json.parse(document, source)
    raise TrajectoryError(f"{source} holds no known camera path ({_KNOWN})")
