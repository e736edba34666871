"""Cameras from a file beside a clip: which of them belongs to which frame."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np

from engine.geometry.cameras import Camera
from engine.geometry.trajectories.detect import read_trajectory
from engine.geometry.trajectories.trajectory import Trajectory, TrajectoryError, camera_between
from explorer.clips.frames import ClipError

#: Seconds by which a frame may lie before the first or after the last camera.
_SLACK = 0.1


@dataclass(frozen=True)
class FoundCameras:
    """One camera a frame, in the file's own world and units, and what had to be assumed."""

    cameras: tuple[Camera, ...]
    notes: tuple[str, ...]


def cameras_of_pictures(file: Path, pictures: Sequence[Path], all_of: int) -> FoundCameras:
    """Cameras of chosen pictures: by name, or by place where the file has no names.

    Args:
        all_of: how many pictures the folder holds; a file without names must have as many cameras.

    Raises:
        ClipError: the file cannot be used, or a picture has no camera in it.
    """
    known = _read(file)
    if known.names is None:
        if len(known.cameras) != all_of or len(pictures) != all_of:
            raise ClipError(
                f"{file} has {len(known.cameras)} cameras without names, so it must be as many as "
                f"the pictures, all of which are taken ({len(pictures)} of {all_of} are)"
            )
        return FoundCameras(known.cameras, known.notes)
    by_name: dict[str, Camera] = {}
    for name, camera in zip(known.names, known.cameras, strict=True):
        stem = PurePosixPath(name).stem
        if stem in by_name:
            raise ClipError(f"{file} has two cameras for a picture named {stem}")
        by_name[stem] = camera
    for picture in pictures:
        if picture.stem not in by_name:
            raise ClipError(f"{file} has no camera for {picture.name}; take pictures that it names")
    return FoundCameras(tuple(by_name[p.stem] for p in pictures), known.notes)


def cameras_at(file: Path, times: Sequence[float], last: float) -> FoundCameras:
    """Cameras of a video's frames, interpolated at their times.

    A file without times is taken to cover the whole video evenly. Times that lie beyond the video
    count from the first camera: RealEstate10K's are those of a longer one.

    Args:
        times: of the frames, seconds from the video's first one.
        last: when its last frame is shown.

    Raises:
        ClipError: the file cannot be used, or does not cover a frame.
    """
    known = _read(file)
    count, notes = len(known.cameras), list(known.notes)
    if known.timestamps is None:
        clock = np.linspace(0.0, last, count)
        notes.append(f"the {count} cameras of {file.name} were spread evenly over the video")
    else:
        clock = np.asarray(known.timestamps, dtype=np.float64)
        if (np.diff(clock) <= 0).any():
            raise ClipError(f"the times of the cameras in {file} do not grow")
        if clock[-1] > last + _SLACK:
            clock = clock - clock[0]
            notes.append(f"the times in {file.name} were counted from its first camera")
    for time in times:
        if not clock[0] - _SLACK <= time <= clock[-1] + _SLACK:
            raise ClipError(
                f"{file} has cameras from {clock[0]:.2f} s to {clock[-1]:.2f} s, but a frame is "
                f"shown at {time:.2f} s; choose a part of the video that they cover"
            )
    places = np.interp(times, clock, np.arange(count, dtype=np.float64))
    cameras = tuple(camera_between(known.cameras, float(place)) for place in places)
    return FoundCameras(cameras, tuple(notes))


def _read(file: Path) -> Trajectory:
    try:
        return read_trajectory(file)
    except TrajectoryError as error:
        raise ClipError(str(error)) from error
