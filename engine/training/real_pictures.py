"""Real pictures as sources of sequences: posed videos, photos and videos, with depth or without."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from engine.geometry.cameras import Array, Camera, Intrinsics
from engine.geometry.matching import MatchingConfig, find_features, mutual_matches
from engine.geometry.triangulation import depths_in, triangulated
from engine.training.buffer import Offer, SequenceSource
from engine.training.clip_frames import (
    VIDEOS,
    PosedClip,
    clip_files,
    read_posed_clip,
    video_frames,
)
from engine.training.labels import (
    label_path,
    pictures_below,
    read_label,
    read_picture,
    without_gaps,
)
from engine.training.sequences import PosedSequence

#: Longest side of a picture that is kept: lessons are smaller.
LONGEST = 640
#: Keypoints are matched at this size, and fewer of them than this say nothing of a clip's unit.
_MATCHED, _LEAST_POINTS = 256, 20
#: A median needs no more keypoints than this, and every draw pays for them.
_MATCHING = MatchingConfig(most_features=300)
#: Clips that are tried in turn before a folder is given up.
_TRIES = 12
#: Degrees, where a photo says nothing of its lens.
_USUAL_FOV = 60.0
_PICTURES_ONLY = Offer(depth=False, cameras=False)


class PosedVideos:
    """Clips in RealEstate10K's layout; see `clip_frames`.

    Args:
        files: their camera texts.
        labelled: only frames with a depth beside them are used, and their depth.
        views: of a sequence.
        stride: frames from one view to the next, at most.

    Attributes:
        tries: clips that are tried in turn before the folder is given up.

    Raises:
        ValueError: from `draw`, when none of so many clips in turn can be used.
    """

    def __init__(
        self, files: Sequence[Path], labelled: bool, views: int = 6, stride: int = 12
    ) -> None:
        if not files:
            raise ValueError("there are no posed clips to draw from")
        self.files, self.labelled = list(files), labelled
        self.views, self.stride, self.tries = views, stride, _TRIES
        self.offer = Offer(depth=labelled, cameras=True)

    def draw(self, generator: torch.Generator) -> PosedSequence:
        reason = ""
        for _ in range(self.tries):
            text = self.files[int(torch.randint(len(self.files), (), generator=generator))]
            try:
                return self._sequence(read_posed_clip(text), generator)
            except ValueError as error:
                reason = str(error)
        raise ValueError(
            f"{self.tries} posed clips in turn could not be used, the last one: {reason}"
        )

    def _sequence(self, clip: PosedClip, generator: torch.Generator) -> PosedSequence:
        clip = clip.labelled() if self.labelled else clip
        chosen = self._chosen(clip, generator)
        pictures = clip.frames(chosen, None if self.labelled else LONGEST)
        rgb = torch.stack([_as_tensor(p) for p in pictures])
        cameras = tuple(clip.cameras[i] for i in chosen)
        if self.labelled:
            depths = [without_gaps(read_label(label_path(clip.pictures[i])).depth) for i in chosen]
            _check_sizes(clip, pictures, depths)
            return PosedSequence(rgb, torch.from_numpy(np.stack(depths))[:, None], cameras, "")
        unknown = torch.full_like(rgb[:, :1], torch.nan)
        return PosedSequence(rgb, unknown, cameras, "", view_scales(pictures, cameras, clip.name))

    def _chosen(self, clip: PosedClip, generator: torch.Generator) -> list[int]:
        count, gaps = len(clip.cameras), self.views - 1
        if count < self.views:
            what = "frames with depth" if self.labelled else "frames"
            raise ValueError(f"{clip.name} has {count} {what}, fewer than {self.views}")
        longest = min(self.stride, (count - 1) // gaps)
        stride = 1 + int(torch.randint(longest, (), generator=generator))
        start = int(torch.randint(count - stride * gaps, (), generator=generator))
        return list(range(start, start + stride * gaps + 1, stride))


def posed_sources(folder: Path) -> list[SequenceSource]:
    """One source of the clips below a folder that have depth, and one of those that have none.

    Raises:
        ValueError: there is no clip.
    """
    files = clip_files(folder)
    if not files:
        raise ValueError(
            f"{folder} has no posed clip: camera texts NAME.txt as RealEstate10K has them, each "
            "with a folder NAME of frames or a video NAME.mp4 beside it"
        )
    with_depth = [f for f in files if any(f.with_suffix("").glob("*.depth.npz"))]
    without = sorted(set(files) - set(with_depth))
    parts = ((with_depth, True), (without, False))
    return [PosedVideos(part, labelled) for part, labelled in parts if part]


def view_scales(
    pictures: Sequence[NDArray[np.uint8]], cameras: Sequence[Camera], name: str
) -> tuple[float, ...]:
    """About the median depth of each view, in the cameras' units, by triangulated keypoints.

    Raises:
        ValueError: hardly anything can be triangulated, as where the camera stands still.
    """
    points = scene_points(pictures, cameras)
    if len(points) < _LEAST_POINTS:
        raise ValueError(f"{name} does not show how far things are: {len(points)} points are known")
    medians = []
    for camera in cameras:
        depths = depths_in(points, camera)
        ahead = depths[depths > 0]
        if not len(ahead):
            raise ValueError(f"what is known of {name} lies behind one of its cameras")
        medians.append(float(np.median(ahead)))
    return tuple(medians)


def scene_points(pictures: Sequence[NDArray[np.uint8]], cameras: Sequence[Camera]) -> Array:
    """(N, 3) world points seen by first and last, first and middle, middle and last picture."""
    middle, last = len(pictures) // 2, len(pictures) - 1
    small = {i: _matched_size(pictures[i]) for i in {0, middle, last}}
    features = {i: find_features(picture, _MATCHING) for i, picture in small.items()}
    found = []
    for a, b in {(0, middle), (0, last), (middle, last)}:
        if a != b:
            matches = mutual_matches(features[a], features[b], _MATCHING)
            size = (small[a].shape[0], small[a].shape[1])
            found.append(triangulated(matches, cameras[a], cameras[b], size).points)
    return np.concatenate(found) if found else np.empty((0, 3))


def _matched_size(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    height = max(1, round(picture.shape[0] * _MATCHED / picture.shape[1]))
    resized = cv2.resize(picture, (_MATCHED, height), interpolation=cv2.INTER_AREA)
    return np.asarray(resized, np.uint8)


def _check_sizes(
    clip: PosedClip, pictures: Sequence[NDArray[np.uint8]], depths: Sequence[NDArray[np.float32]]
) -> None:
    for picture, depth in zip(pictures, depths, strict=True):
        if picture.shape[:2] != depth.shape or picture.shape != pictures[0].shape:
            raise ValueError(f"pictures and depths of {clip.name} differ in size; label it again")


class Photos:
    """Single pictures, with their depth or without."""

    def __init__(self, files: Sequence[Path], labelled: bool) -> None:
        if not files:
            raise ValueError("there are no photos to draw from")
        self.files, self.labelled = list(files), labelled
        self.offer = Offer(depth=True, cameras=False) if labelled else _PICTURES_ONLY

    def draw(self, generator: torch.Generator) -> PosedSequence:
        path = self.files[int(torch.randint(len(self.files), (), generator=generator))]
        if not self.labelled:
            return single_picture(read_picture(path, LONGEST))
        picture, label = read_picture(path), read_label(label_path(path))
        if picture.shape[:2] != label.depth.shape:
            raise ValueError(f"{path} and its depth differ in size; label it again")
        depth = torch.from_numpy(without_gaps(label.depth))[None, None]
        rgb = _as_tensor(picture)[None]
        return PosedSequence(rgb, depth, (Camera(np.eye(4), label.intrinsics),), "")


def photo_sources(folder: Path) -> list[SequenceSource]:
    """One source of the pictures below a folder that have depth, and one of those without.

    Raises:
        ValueError: there is no picture.
    """
    files = pictures_below(folder)
    if not files:
        raise ValueError(f"no photo below {folder}; give a folder of JPEG, PNG or WebP files")
    with_depth = [f for f in files if label_path(f).is_file()]
    without = sorted(set(files) - set(with_depth))
    parts = ((with_depth, True), (without, False))
    return [Photos(part, labelled) for part, labelled in parts if part]


class VideoFrames:
    """Single frames of videos that have neither depth nor cameras."""

    offer = _PICTURES_ONLY

    def __init__(self, files: Sequence[Path]) -> None:
        self.files = list(files)

    def draw(self, generator: torch.Generator) -> PosedSequence:
        path = self.files[int(torch.randint(len(self.files), (), generator=generator))]
        capture = cv2.VideoCapture(str(path))
        count = int(capture.get(cv2.CAP_PROP_FRAME_COUNT))
        capture.release()
        if count < 1:
            raise ValueError(f"{path} is no video that can be read; take it out")
        number = int(torch.randint(count, (), generator=generator))
        return single_picture(video_frames(path, [number], LONGEST)[0])


def video_sources(folder: Path) -> list[SequenceSource]:
    """Frames of the videos below a folder, and frames that were labelled, as photos.

    Raises:
        ValueError: there is neither.
    """
    videos = sorted(p for p in folder.rglob("*") if p.suffix.lower() in VIDEOS and p.is_file())
    sources: list[SequenceSource] = [VideoFrames(videos)] if videos else []
    sources += photo_sources(folder) if pictures_below(folder) else []
    if not sources:
        raise ValueError(f"no video ({', '.join(VIDEOS)}) and no labelled frame below {folder}")
    return sources


def single_picture(rgb: NDArray[np.uint8]) -> PosedSequence:
    """A picture (H, W, 3) of which nothing else is known."""
    lens = Intrinsics.from_fov(_USUAL_FOV, rgb.shape[1] / rgb.shape[0])
    picture = _as_tensor(rgb)[None]
    unknown = torch.full_like(picture[:, :1], torch.nan)
    return PosedSequence(picture, unknown, (Camera(np.eye(4), lens),), "")


def _as_tensor(rgb: NDArray[np.uint8]) -> torch.Tensor:
    return torch.from_numpy(np.ascontiguousarray(rgb)).permute(2, 0, 1).float() / 255.0
