"""A video file as FFmpeg reads it: when its pictures are shown, and the one of any moment.

Containers cannot be believed. Their length may be that of the sound, or of a file that was since
cut off; seeking may land late, or on the same keyframe for every moment; some streams have no
times at all. So the last picture is looked for among the packets, a seek that lands late is
repeated from further back, and packets that are damaged cost no more than their own pictures.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from itertools import chain
from pathlib import Path

import av
import av.error
from av.stream import Disposition

from explorer.clips.frames import Cancelled, ClipError

Stopped = Callable[[], bool]

#: With fewer frames than this up to the next wanted one, decoding on is faster than seeking.
_SEEK_FRAMES = 40
#: Seconds before a moment at which a seek is tried; the next one where it landed late.
_SEEK_BACK = (0.0, 1.0, 4.0, 16.0)
#: Seconds at the end of a file in which its last packet is looked for.
_TAIL = 3.0
#: Videos larger than this a side are no videos but traps for memory.
_LARGEST_SIDE = 16384
#: Two times that differ by less are one.
_SAME_TIME = 1e-6


@dataclass(frozen=True)
class Timed:
    """A frame, and when it is shown, in seconds from the first one."""

    time: float
    frame: av.VideoFrame


class VideoFile:
    """An open video.

    Attributes:
        last: when the last frame is shown, seconds from the first one.
        damaged: whether something could not be decoded so far.
    """

    def __init__(self, path: Path, box: av.container.InputContainer, stopped: Stopped) -> None:
        self._path, self._box, self._stopped = path, box, stopped
        self._stream = _main_stream(path, box)
        self._stream.thread_type = "AUTO"
        rate = self._stream.average_rate or self._stream.guessed_rate or Fraction(25)
        self._rate = float(rate)
        # AVI stores when pictures are decoded, which is not when they are shown.
        self._has_times = box.format.name != "avi" and self._stream.start_time is not None
        self._seeks = self._stream.start_time is not None
        self.damaged = False
        self._first = _start(self._stream)
        self.last = self._last_time()

    @property
    def pixel_aspect(self) -> Fraction:
        """Width over height of a pixel as it is shown."""
        aspect = self._stream.sample_aspect_ratio
        return aspect if aspect else Fraction(1)

    def at(self, moments: Iterable[float]) -> Iterator[Timed | None]:
        """For each moment, in rising order, the frame that is shown then.

        None where nothing up to there can be decoded; a moment before the first frame gets that.

        Raises:
            Cancelled: the user stopped it.
        """
        run = self._from_start()
        shown: Timed | None = None
        following: Timed | None = None
        for moment in moments:
            position = shown.time if shown else 0.0
            if self._seeks and (moment - position) * self._rate > _SEEK_FRAMES:
                run = self._sought(moment)
                first = next(run, None)
                # A stream with one keyframe only would be decoded from there each time.
                self._seeks = first is not None and (shown is None or first.time > shown.time)
                if first is not None:
                    shown, following = first, None
            while True:
                following = following or next(run, None)
                if following is None or (shown and following.time > moment + _SAME_TIME):
                    break
                shown, following = following, None
            yield shown

    def _last_time(self) -> float:
        """When the last packet is shown; 0 for a stream of one picture."""
        length = 0.0
        if self._stream.duration and self._stream.time_base:
            length = float(self._stream.duration * self._stream.time_base)
        elif self._box.duration:
            length = self._box.duration / av.time_base
        if self._seeks and length > 2 * _TAIL and self._seek(length - _TAIL):
            times = [t for p in self._packets() if (t := self._packet_time(p)) is not None]
            if times:
                return max(times)
        self._rewind()
        count, last = 0, 0.0
        for packet in self._packets():
            count += packet.size > 0
            last = max(last, self._packet_time(packet) or 0.0)
        return last if self._has_times else (count - 1) / self._rate

    def _packet_time(self, packet: av.Packet[av.VideoStream]) -> float | None:
        stamp = packet.dts if packet.pts is None else packet.pts
        if stamp is None or packet.time_base is None:
            return None
        return float(stamp * packet.time_base) - self._first

    def _packets(self) -> Iterator[av.Packet[av.VideoStream]]:
        """Up to the end, or to where the file was cut off."""
        packets = self._box.demux(self._stream)
        while True:
            if self._stopped():
                raise Cancelled
            try:
                packet = next(packets)
            except StopIteration:
                return
            except av.error.FFmpegError:
                self.damaged = True
                return
            yield packet

    def _decoded(self) -> Iterator[Timed]:
        """Frames from here on, in the order in which they are shown."""
        started, count = None, 0
        for packet in self._packets():
            try:
                frames = packet.decode()
            except av.error.FFmpegError:
                self.damaged = True
                continue
            for frame in frames:
                stamp = None if frame.time is None else frame.time - self._first
                started = (stamp or 0.0) if started is None else started
                time = stamp if self._has_times and stamp is not None else None
                time = started + count / self._rate if time is None else time
                count += 1
                if frame.is_corrupt:
                    self.damaged = True
                else:
                    yield Timed(time, frame)

    def _from_start(self) -> Iterator[Timed]:
        self._rewind()
        return self._decoded()

    def _sought(self, moment: float) -> Iterator[Timed]:
        """Frames from one at or before a moment on."""
        for back in _SEEK_BACK:
            if moment - back <= 0 or not self._seek(moment - back):
                break
            run = self._decoded()
            first = next(run, None)
            if first is not None and first.time <= moment + _SAME_TIME:
                return chain([first], run)
        return self._from_start()

    def _seek(self, moment: float) -> bool:
        """To the keyframe before a moment; False where the file cannot be sought in."""
        assert self._stream.time_base is not None
        stamp = int((moment + self._first) / self._stream.time_base)
        try:
            self._box.seek(stamp, stream=self._stream, backward=True)
        except av.error.FFmpegError:
            return False
        return True

    def _rewind(self) -> None:
        """To the very beginning, also where seeking is impossible."""
        self._box.close()
        self._box = _open(self._path)
        self._stream = _main_stream(self._path, self._box)
        self._stream.thread_type = "AUTO"

    def close(self) -> None:
        self._box.close()


@contextmanager
def opened(path: Path, stopped: Stopped) -> Iterator[VideoFile]:
    """A video that can be decoded.

    Raises:
        ClipError: it is no video, or none that can be read here.
    """
    box = _open(path)
    try:
        video = VideoFile(path, box, stopped)
    except BaseException:
        box.close()
        raise
    try:
        yield video
    except av.error.FFmpegError as error:
        raise ClipError(f"{path} is damaged: {error.strerror or error}; give another") from error
    finally:
        video.close()


def _open(path: Path) -> av.container.InputContainer:
    try:
        # Resolved, so that no name is taken for the address of a stream.
        return av.open(str(path.resolve()), metadata_errors="replace")
    except (av.error.FFmpegError, OSError, ValueError) as error:
        raise ClipError(f"{path} is no video that can be read; give a video or a folder") from error


def _main_stream(path: Path, box: av.container.InputContainer) -> av.VideoStream:
    """The first one that moves: the cover of a song is a video stream to FFmpeg."""
    streams = [s for s in box.streams.video if not s.disposition & Disposition.attached_pic]
    if not streams:
        kinds = sorted({s.type or "unknown data" for s in box.streams} - {"video"})
        cover = " and a cover" if box.streams.video else ""
        holds = " and ".join(kinds) or "nothing"
        raise ClipError(f"{path} holds no moving pictures, only {holds}{cover}; give a video")
    codec = streams[0].codec_context
    if codec is None:
        raise ClipError(f"{path} is compressed in a way that cannot be decoded here")
    if max(codec.width, codec.height) > _LARGEST_SIDE:
        raise ClipError(f"{path} is {codec.width}x{codec.height} pixels, too large to decode")
    return streams[0]


def _start(stream: av.VideoStream) -> float:
    if stream.start_time is None or stream.time_base is None:
        return 0.0
    return float(stream.start_time * stream.time_base)
