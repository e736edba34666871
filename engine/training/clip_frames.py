"""Posed video clips as RealEstate10K has them (Zhou et al. 2018): cameras as text, frames beside.

`NAME.txt` has a camera a line; its frames are pictures in the folder `NAME`, or the video
`NAME.mp4` (mkv, webm, mov, avi). Pictures are named by their line's timestamp; where none is, the
pictures in natural order are the lines, one each. A video is the clip itself (a frame a line, or
as long as its timestamps span) or the whole video that timestamps are counted in.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.geometry.cameras import Camera
from engine.geometry.trajectories import realestate10k
from engine.geometry.trajectories.trajectory import TrajectoryError
from engine.geometry.trajectories.transforms_json import natural_key
from engine.training.labels import PICTURES, label_path, read_picture, smaller

VIDEOS = (".mp4", ".mkv", ".webm", ".mov", ".avi")


@dataclass(frozen=True, eq=False)
class PosedClip:
    """Attributes:
    name: of its text file, without the suffix.
    cameras: one a frame, in a unit of the clip's own.
    microseconds: of each frame.
    pictures: one a frame; empty where they are read from `video`.
    video, moments: the video, and the number of each frame in it.
    """

    name: str
    cameras: tuple[Camera, ...]
    microseconds: tuple[int, ...]
    pictures: tuple[Path, ...] = ()
    video: Path | None = None
    moments: tuple[int, ...] = ()

    def frames(self, chosen: Sequence[int], longest: int | None) -> list[NDArray[np.uint8]]:
        """(H, W, 3) uint8 RGB of frames, in the order that is asked.

        Raises:
            ValueError: one cannot be read.
        """
        if self.video is None:
            return [read_picture(self.pictures[i], longest) for i in chosen]
        return video_frames(self.video, [self.moments[i] for i in chosen], longest)

    def labelled(self) -> PosedClip:
        """Its frames that have a depth beside them."""
        kept = [i for i, picture in enumerate(self.pictures) if label_path(picture).is_file()]
        return PosedClip(
            self.name,
            tuple(self.cameras[i] for i in kept),
            tuple(self.microseconds[i] for i in kept),
            tuple(self.pictures[i] for i in kept),
        )


def clip_files(folder: Path) -> list[Path]:
    """Camera texts below a folder that have frames beside them."""
    texts = sorted(p for p in folder.rglob("*.txt") if not p.name.startswith("."))
    return [p for p in texts if p.with_suffix("").is_dir() or _video_of(p) is not None]


def read_posed_clip(text: Path) -> PosedClip:
    """The clip whose cameras a file has.

    Raises:
        ValueError: the cameras cannot be read, frames are missing, or there are none.
    """
    try:
        trajectory = realestate10k.read(text)
    except TrajectoryError as error:
        raise ValueError(f"{error}; it should be RealEstate10K text") from error
    times = tuple(round(t * 1e6) for t in trajectory.timestamps or ())
    folder = text.with_suffix("")
    if folder.is_dir():
        pictures = _in_lines(folder, times)
        return PosedClip(text.stem, trajectory.cameras, times, pictures)
    video = _video_of(text)
    if video is None:
        raise ValueError(f"{text} has no frames: neither a folder {folder.name} nor a video beside")
    return PosedClip(
        text.stem, trajectory.cameras, times, video=video, moments=_frame_numbers(video, times)
    )


def _video_of(text: Path) -> Path | None:
    beside = (text.with_suffix(suffix) for suffix in VIDEOS)
    return next((path for path in beside if path.is_file()), None)


def _in_lines(folder: Path, times: Sequence[int]) -> tuple[Path, ...]:
    """The picture of each timestamp."""
    found = [p for p in folder.iterdir() if p.suffix.lower() in PICTURES and p.name[0] != "."]
    by_time = {int(p.stem): p for p in found if p.stem.isdecimal()}
    if all(time in by_time for time in times):
        return tuple(by_time[time] for time in times)
    named = [time for time in times if time in by_time]
    if named:
        lost = next(time for time in times if time not in by_time)
        raise ValueError(f"{folder} has no picture of the timestamp {lost}")
    if len(found) != len(times):
        raise ValueError(
            f"{folder} has {len(found)} pictures, none named by a timestamp, for {len(times)} "
            "cameras; name them by their timestamps, or have one picture a line"
        )
    return tuple(sorted(found, key=lambda p: natural_key(p.name)))


def _frame_numbers(video: Path, times: Sequence[int]) -> tuple[int, ...]:
    capture = cv2.VideoCapture(str(video))
    try:
        count = int(capture.get(cv2.CAP_PROP_FRAME_COUNT))
        rate = float(capture.get(cv2.CAP_PROP_FPS))
    finally:
        capture.release()
    if count < 1 or rate <= 0:
        raise ValueError(f"{video} is no video that can be read")
    if count == len(times):
        return tuple(range(count))
    seconds = np.array(times) / 1e6
    for start in (0.0, float(seconds[0])):
        numbers = np.round((seconds - start) * rate).astype(int)
        if numbers[-1] < count:
            return tuple(int(n) for n in numbers)
    raise ValueError(
        f"{video} has {count} frames at {rate:g} a second, too few for cameras over "
        f"{seconds[-1] - seconds[0]:.1f} s"
    )


def video_frames(
    video: Path, numbers: Sequence[int], longest: int | None = None
) -> list[NDArray[np.uint8]]:
    """Frames (H, W, 3) uint8 RGB of a video by their numbers, in the order that is asked.

    Raises:
        ValueError: one cannot be decoded.
    """
    capture = cv2.VideoCapture(str(video))
    found: dict[int, NDArray[np.uint8]] = {}
    try:
        at = 0
        for number in sorted(set(numbers)):
            if not 0 <= number - at <= _SEEK:
                capture.set(cv2.CAP_PROP_POS_FRAMES, number)
                at = number
            while at < number and capture.grab():
                at += 1
            ok, frame = capture.read()
            at += 1
            if not ok:
                raise ValueError(f"frame {number} of {video} cannot be decoded")
            rgb = np.asarray(cv2.cvtColor(frame, cv2.COLOR_BGR2RGB), np.uint8)
            found[number] = smaller(rgb, longest)
    finally:
        capture.release()
    return [found[number] for number in numbers]


#: Frames further ahead than this are sought for; decoding on is exact, seeking is faster.
_SEEK = 60
