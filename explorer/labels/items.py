"""What of a folder can be labelled: posed clips, videos and photos, and the pictures of each."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from engine.geometry.cameras import Intrinsics
from engine.training.clip_frames import VIDEOS, clip_files
from explorer.clips.video_colours import upright
from explorer.clips.video_file import opened
from explorer.priors.kinds import PriorError
from explorer.walk.photo import Photo, Sizes, open_photo, working_size
from explorer.walk.photo_lens import DEFAULT_FOV_DEGREES

PHOTOS = {".jpg", ".jpeg", ".png", ".webp", ".heic", ".heif", ".avif"}


@dataclass(frozen=True)
class Found:
    """What a folder holds, each list in the order of names.

    Attributes:
        clips: camera texts that have frames beside them.
        videos: those that belong to no clip.
        photos: those that are no clip's frames.
    """

    clips: tuple[Path, ...]
    videos: tuple[Path, ...]
    photos: tuple[Path, ...]

    def __len__(self) -> int:
        return len(self.clips) + len(self.videos) + len(self.photos)


def found_in(folder: Path) -> Found:
    """
    Raises:
        PriorError: there is nothing to label.
    """
    if not folder.is_dir():
        raise PriorError(f"{folder} is no folder; give one with photos, videos or posed clips")
    clips = clip_files(folder)
    taken = {clip.with_suffix("") for clip in clips}
    files = [p for p in sorted(folder.rglob("*")) if p.is_file() and not _hidden(p, folder)]
    found = Found(
        clips=tuple(clips),
        videos=tuple(
            p for p in files if p.suffix.lower() in VIDEOS and p.with_suffix("") not in taken
        ),
        photos=tuple(p for p in files if p.suffix.lower() in PHOTOS and not taken & set(p.parents)),
    )
    if not len(found):
        raise PriorError(
            f"{folder} holds nothing to label: no photo, no video, and no camera text with frames"
        )
    return found


def _hidden(path: Path, folder: Path) -> bool:
    return any(part.startswith(".") for part in path.relative_to(folder).parts)


def as_photo(
    picture: Image.Image, size: tuple[int, int], lens: Intrinsics | None, name: str
) -> Photo:
    """A frame at working size, nothing cut off: what is divided by width and height stays right.

    Args:
        size: (width, height) whose number of pixels is aimed for.
        lens: None where it is unknown, for the usual one.
    """
    width, height = working_size(picture.width, picture.height, size)
    small = picture.resize((width, height), Image.Resampling.LANCZOS, reducing_gap=3.0)
    usual = Intrinsics.from_fov(DEFAULT_FOV_DEGREES, picture.width / picture.height)
    return Photo(np.asarray(small), picture.width, picture.height, lens or usual, name)


def as_picture(rgb: NDArray[np.uint8]) -> Image.Image:
    """(H, W, 3) RGB as Pillow has it."""
    return Image.fromarray(rgb)


def read_photo(path: Path, size: tuple[int, int]) -> Photo:
    """A photo with the lens of its file; a ValueError where it is none."""
    return open_photo(path, sizes=Sizes(size, most=None))


@dataclass(frozen=True)
class VideoFrame:
    """A frame of a video and when it is shown, in milliseconds from the first."""

    milliseconds: int
    photo: Photo


def video_photos(
    path: Path, every: float, size: tuple[int, int], stopped: Callable[[], bool]
) -> Iterator[VideoFrame]:
    """A frame every so many seconds, each once.

    Raises:
        ClipError: it is no video that can be read.
        Cancelled: `stopped` said so.
    """
    with opened(path, stopped) as video:
        moments = [every * i for i in range(int(video.last / every) + 1)]
        before = None
        for timed in video.at(moments):
            if timed is None or timed.time == before:
                continue
            before = timed.time
            picture = upright(timed.frame, video.pixel_aspect)
            yield VideoFrame(round(timed.time * 1000), as_photo(picture, size, None, path.name))
