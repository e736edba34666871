"""Reads any video that FFmpeg reads, or a folder of pictures, as a few frames at working size.

Frames are chosen evenly by time, so that a variable frame rate does not speed up or slow down what
is seen; in a long video each one is sought for instead of decoding all that lies between.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from engine.geometry.trajectories.transforms_json import natural_key
from explorer.clips.animations import animation_in, frames_of
from explorer.clips.camera_files import cameras_at, cameras_of_pictures
from explorer.clips.frames import Cancelled, Clip, ClipError, ClipOptions, Tell, evenly
from explorer.clips.taken import Shown, Taken
from explorer.clips.video_colours import HDR_NOTE, is_hdr, upright
from explorer.clips.video_file import VideoFile, opened
from explorer.walk.photo_decoding import PhotoError, decode_photo

#: Of the formats that photos are read in.
_PICTURES = {".jpg", ".jpeg", ".png", ".webp", ".heic", ".heif", ".avif"}
_KINDS = "JPEG, PNG, WebP, HEIC or AVIF"

Stopped = Callable[[], bool]


def read_clip(
    path: Path | str,
    options: ClipOptions | None = None,
    tell: Tell | None = None,
    stopped: Stopped | None = None,
) -> Clip:
    """Frames of a video or animation, or of the pictures of a folder in their natural order.

    Raises:
        ClipError: for what is missing, empty, broken or no video, and for too few frames.
        Cancelled: `stopped` said so.
    """
    path, options = Path(path), options or ClipOptions()
    tell, stopped = tell or (lambda *_: None), stopped or (lambda: False)
    try:
        if path.is_dir():
            return _read_folder(path, options, tell, stopped)
        if not path.exists():
            raise ClipError(f"{path} does not exist; give a video, or a folder of pictures")
        if not path.is_file():
            raise ClipError(f"{path} is no file; give a video, or a folder of pictures")
        if path.stat().st_size == 0:
            raise ClipError(f"{path} is empty; give a video, or a folder of pictures")
        return _read_file(path, options, tell, stopped)
    except OSError as error:
        raise ClipError(f"{path} cannot be read: {error.strerror or error}") from error


# -- folders -----------------------------------------------------------------------------------


def _read_folder(path: Path, options: ClipOptions, tell: Tell, stopped: Stopped) -> Clip:
    files = _pictures_in(path)
    if len(files) < options.least:
        raise ClipError(
            f"{path} holds {len(files)} pictures ({_KINDS}); at least {options.least} are needed"
            + _hint(path)
        )
    chosen = _chosen_files(files, options.frames)
    taken = Taken(options.size, options.pictures)
    for done, file in enumerate(chosen):
        if stopped():
            raise Cancelled
        try:
            decoded = decode_photo(file, needed_side=max(options.size) * 8)
        except PhotoError as error:
            raise ClipError(str(error)) from error
        whole = (decoded.width, decoded.height)
        if taken.frames and whole != taken.original:
            raise ClipError(
                f"{file} is {whole[0]}x{whole[1]} pixels, but the first picture of {path.name} is "
                f"{taken.original[0]}x{taken.original[1]}; all must have one size"
            )
        taken.add(decoded.image, whole)
        tell(done + 1, len(chosen))
    found = None
    if options.cameras is not None:
        found = cameras_of_pictures(options.cameras, chosen, len(files))
    return taken.clip(path.name, [float(i) for i in range(len(chosen))], options, found)


def _pictures_in(folder: Path) -> list[Path]:
    files = (
        p
        for p in folder.iterdir()
        if p.suffix.lower() in _PICTURES and not p.name.startswith(".") and p.is_file()
    )
    return sorted(files, key=lambda p: natural_key(p.name))


def _hint(folder: Path) -> str:
    """Where the pictures are, if the folder above them was given."""
    inner = [p for p in sorted(folder.iterdir()) if p.is_dir() and len(_pictures_in(p)) > 1]
    return f"; {inner[0]} has some" if inner else ""


def _chosen_files(files: list[Path], count: int) -> list[Path]:
    if len(files) <= count:
        return files
    return [files[round(i)] for i in evenly(0, len(files) - 1, count)]


# -- files -------------------------------------------------------------------------------------


def _read_file(path: Path, options: ClipOptions, tell: Tell, stopped: Stopped) -> Clip:
    taken = Taken(options.size, options.pictures)
    animation = animation_in(path)
    if animation is not None:
        last = animation.times[-1]
        moments = _moments(path, last, options)
        pictures = frames_of(animation, moments, stopped)
        times = _take_all(taken, pictures, tell, len(moments))
    else:
        with opened(path, stopped) as video:
            last = video.last
            moments = _moments(path, last, options)
            times = _take_all(taken, _video_pictures(video, moments, taken), tell, len(moments))
    if len(times) < options.least:
        raise ClipError(_too_few(path, len(times), options))
    if len(times) < options.frames:
        taken.note(f"only {len(times)} frames were found for the {options.frames} asked for")
    found = cameras_at(options.cameras, times, last) if options.cameras else None
    return taken.clip(path.name, times, options, found)


def _moments(path: Path, last: float, options: ClipOptions) -> list[float]:
    start = options.start or 0.0
    if start > last:
        raise ClipError(
            f"the last frame of {path} is shown at {last:.1f} s; there is nothing after {start:g} s"
        )
    stop = last if options.stop is None else min(last, options.stop)
    return evenly(start, stop, options.frames)


def _take_all(
    taken: Taken, pictures: Iterable[Shown | None], tell: Tell, total: int
) -> list[float]:
    """Takes each frame once; their own times."""
    times: list[float] = []
    for done, shown in enumerate(pictures):
        if shown is not None and (not times or shown.time > times[-1]):
            taken.add(shown.picture, shown.picture.size)
            times.append(shown.time)
        tell(done + 1, total)
    return times


def _video_pictures(video: VideoFile, moments: list[float], taken: Taken) -> Iterator[Shown | None]:
    before = None
    for timed in video.at(moments):
        if timed is None or timed.frame is before:
            yield None
            continue
        before = timed.frame
        if is_hdr(timed.frame):
            taken.note(HDR_NOTE)
        yield Shown(timed.time, upright(timed.frame, video.pixel_aspect))
    if video.damaged:
        taken.note("parts of it are damaged and were left out")


def _too_few(path: Path, count: int, options: ClipOptions) -> str:
    if not count:
        return f"{path} holds no frame that can be decoded; give another video"
    part = "" if options.start is None and options.stop is None else " in this part"
    plural = "" if count == 1 else "s"
    return f"{path} has {count} frame{plural}{part}; at least {options.least} are needed"
