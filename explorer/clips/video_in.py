"""Reads any video that FFmpeg reads, or a folder of pictures, as a few frames at working size.

Frames are chosen evenly by time, so that a variable frame rate does not speed up or slow down what
is seen; in a long video each one is sought for instead of decoding all that lies between.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import av
import av.error
from PIL import Image

from engine.geometry.trajectories.transforms_json import natural_key
from explorer.clips.frames import Cancelled, Clip, ClipError, ClipOptions, Fit, Rgb, Tell, evenly
from explorer.walk.photo_decoding import PhotoError, decode_photo

_PICTURES = {".jpg", ".jpeg", ".png", ".webp", ".heic", ".heif", ".avif", ".bmp", ".tif", ".tiff"}
#: With fewer frames than this between two that are wanted, decoding on is faster than seeking.
_SEEK_FRAMES = 40
#: Videos larger than this a side are no videos but traps for memory.
_LARGEST_SIDE = 16384


def read_clip(
    path: Path | str,
    options: ClipOptions | None = None,
    tell: Tell | None = None,
    stopped: Callable[[], bool] | None = None,
) -> Clip:
    """Frames of a video file, or of the pictures of a folder in their natural order.

    Raises:
        ClipError: for what is missing, empty, broken or no video, and for too few frames.
        Cancelled: `stopped` said so.
    """
    path, options = Path(path), options or ClipOptions()
    if not path.exists():
        raise ClipError(f"{path} does not exist")
    reader = _read_folder if path.is_dir() else _read_video
    return reader(path, options, tell or (lambda *_: None), stopped or (lambda: False))


# -- folders -----------------------------------------------------------------------------------


def _read_folder(path: Path, options: ClipOptions, tell: Tell, stopped: Callable[[], bool]) -> Clip:
    files = sorted(
        (p for p in path.iterdir() if p.suffix.lower() in _PICTURES and not p.name.startswith(".")),
        key=lambda p: natural_key(p.name),
    )
    if len(files) < options.least:
        raise ClipError(f"{path} holds {len(files)} pictures; at least {options.least} are needed")
    chosen = _chosen_files(files, options.frames)
    frames: list[Rgb] = []
    fit: Fit | None = None
    original = (0, 0)
    for done, file in enumerate(chosen):
        if stopped():
            raise Cancelled
        try:
            decoded = decode_photo(file, needed_side=max(options.size) * 8)
        except PhotoError as error:
            raise ClipError(str(error)) from error
        size = (decoded.width, decoded.height)
        if fit is None:
            fit, original = Fit.of(size, options.size), size
        elif size != original:
            raise ClipError(
                f"{file} is {size[0]}x{size[1]} pixels, but the first picture of {path.name} is "
                f"{original[0]}x{original[1]}; all must have one size"
            )
        frames.append(_at_size(decoded.image, fit, original))
        tell(done + 1, len(chosen))
    assert fit is not None
    times = tuple(float(i) for i in range(len(frames)))
    return Clip(tuple(frames), times, path.name, original, fit.note(original))


def _at_size(image: Image.Image, fit: Fit, original: tuple[int, int]) -> Rgb:
    """A picture that may have been decoded at a fraction of its size."""
    share = image.width / original[0]
    return Fit((fit.crop[0] * share, fit.crop[1] * share), fit.size).apply(image)


def _chosen_files(files: list[Path], count: int) -> list[Path]:
    if len(files) <= count:
        return files
    return [files[round(i)] for i in evenly(0, len(files) - 1, count)]


# -- videos ------------------------------------------------------------------------------------


def _read_video(path: Path, options: ClipOptions, tell: Tell, stopped: Callable[[], bool]) -> Clip:
    if path.stat().st_size == 0:
        raise ClipError(f"{path} is empty")
    with _opened(path) as box:
        stream = box.streams.video[0]
        stream.thread_type = "AUTO"
        span = _span(path, box, options)
        wanted = evenly(*span, options.frames)
        found = list(_frames_near(path, box, wanted, tell, stopped))
    found = _without_doubles(found)
    if len(found) < options.least:
        raise ClipError(
            f"{path} has {len(found)} frame{'s' if len(found) != 1 else ''} in this part; at least "
            f"{options.least} are needed"
        )
    original = (found[0][1].width, found[0][1].height)
    fit = Fit.of(original, options.size)
    frames = tuple(fit.apply(picture) for _, picture in found)
    times = tuple(time - found[0][0] for time, _ in found)
    notes = list(fit.note(original))
    if len(found) < options.frames:
        notes.append(f"it has only {len(found)} frames, fewer than the {options.frames} asked for")
    return Clip(frames, times, path.name, original, tuple(notes))


@contextmanager
def _opened(path: Path) -> Iterator[av.container.InputContainer]:
    """A container with a video stream that can be decoded."""
    try:
        box = av.open(str(path))
    except (av.error.FFmpegError, ValueError) as error:
        raise ClipError(f"{path} is no video that can be read; give a video or a folder") from error
    with box:
        if not box.streams.video:
            raise ClipError(f"{path} holds no pictures, only {_other_streams(box)}")
        codec = box.streams.video[0].codec_context
        if codec is None:
            raise ClipError(f"{path} is compressed in a way that cannot be decoded here")
        if max(codec.width, codec.height) > _LARGEST_SIDE:
            raise ClipError(f"{path} is {codec.width}x{codec.height} pixels, too large to decode")
        try:
            yield box
        except av.error.FFmpegError as error:
            raise ClipError(f"{path} is damaged: {error.strerror or error}") from error


def _other_streams(box: av.container.InputContainer) -> str:
    kinds = sorted({stream.type or "unknown data" for stream in box.streams})
    return " and ".join(kinds) if kinds else "nothing"


def _span(
    path: Path, box: av.container.InputContainer, options: ClipOptions
) -> tuple[float, float]:
    """First and last moment to be shown, seconds of the stream's clock."""
    stream = box.streams.video[0]
    base = float(stream.time_base or 0)
    first = float(stream.start_time or 0) * base
    length = 0.0
    if stream.duration:
        length = float(stream.duration) * base
    elif box.duration:
        length = box.duration / av.time_base
    if length <= 0:
        length = _length_by_decoding(box, first)
    # The last frame begins one frame before the end.
    rate = stream.average_rate or stream.guessed_rate
    end = first + max(0.0, length - (1.0 / float(rate) if rate else 0.0))
    start = first + (options.start or 0.0)
    stop = end if options.stop is None else min(end, first + options.stop)
    if start > end:
        raise ClipError(f"{path} is {length:.1f} s long and has nothing after {options.start:g} s")
    return start, max(start, stop)


def _length_by_decoding(box: av.container.InputContainer, first: float) -> float:
    """Seconds up to the end of the last frame, for containers that do not say."""
    last = first
    for packet in box.demux(video=0):
        if packet.pts is not None and packet.time_base is not None:
            shown = float(packet.duration or 0)
            last = max(last, float(packet.pts + shown) * float(packet.time_base))
    box.seek(0)
    return last - first


def _frames_near(
    path: Path,
    box: av.container.InputContainer,
    wanted: list[float],
    tell: Tell,
    stopped: Callable[[], bool],
) -> Iterator[tuple[float, Image.Image]]:
    """For each moment the frame that is shown then, with its own time."""
    stream = box.streams.video[0]
    rate = float(stream.average_rate or stream.guessed_rate or 25)
    gap = (wanted[1] - wanted[0]) * rate if len(wanted) > 1 else 0.0
    frames = _decoded(box)
    shown: av.VideoFrame | None = None
    following: av.VideoFrame | None = None
    for index, moment in enumerate(wanted):
        if stopped():
            raise Cancelled
        if gap > _SEEK_FRAMES and index > 0:
            frames = _sought(box, moment)
            shown = following = None
        while True:
            if following is None:
                following = next(frames, None)
            if following is None or (shown is not None and _time(following) > moment + 1e-6):
                break
            shown, following = following, None
        if shown is not None:
            yield _time(shown), _upright(shown)
        tell(index + 1, len(wanted))
    if shown is None:
        raise ClipError(f"{path} holds no frame that can be decoded")


def _decoded(box: av.container.InputContainer) -> Iterator[av.VideoFrame]:
    """Frames up to the first that is damaged: a file that was cut off still shows its beginning."""
    try:
        yield from box.decode(video=0)
    except (av.error.InvalidDataError, av.error.EOFError):
        return


def _sought(box: av.container.InputContainer, moment: float) -> Iterator[av.VideoFrame]:
    """Frames from the keyframe before a moment on."""
    stream = box.streams.video[0]
    assert stream.time_base is not None
    box.seek(int(moment / float(stream.time_base)), stream=stream, backward=True)
    return _decoded(box)


def _time(frame: av.VideoFrame) -> float:
    return float(frame.time or 0.0)


def _upright(frame: av.VideoFrame) -> Image.Image:
    """sRGB, turned as the file's metadata says."""
    picture: Image.Image = frame.to_image()  # type: ignore[no-untyped-call]
    turn = round(frame.rotation or 0) % 360
    return picture.rotate(turn, expand=True) if turn else picture


def _without_doubles(
    found: list[tuple[float, Image.Image]],
) -> list[tuple[float, Image.Image]]:
    """Each frame once, where fewer exist than were asked for."""
    kept: list[tuple[float, Image.Image]] = []
    for time, picture in found:
        if not kept or time > kept[-1][0] + 1e-6:
            kept.append((time, picture))
    return kept
