"""Pictures as H.264 video that every player takes: mp4, yuv420p, even sizes, tagged colours."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.video.reformatter import ColorRange, Colorspace
from numpy.typing import NDArray

from explorer.walk.export.depth_colours import UNKNOWN_COLOUR, DepthColours
from explorer.walk.files import atomic_path

Rgb = NDArray[np.uint8]

#: x264's quality: 18 is called visually lossless, and small pictures get enlarged.
_QUALITY = 15


def write_video(frames: Iterable[Rgb], target: Path, fps: float = 10.0) -> None:
    """Write frames (H, W, 3) uint8 of one size; odd sizes repeat their last row or column.

    Raises:
        ValueError: no frames, or frames of different sizes.
    """
    with (
        atomic_path(target) as path,
        av.open(str(path), "w", options={"movflags": "faststart"}) as box,
    ):
        stream = None
        size: tuple[int, ...] = ()
        for frame in frames:
            if stream is None:
                size = frame.shape
                stream = _stream(box, frame, fps)
            elif frame.shape != size:
                raise ValueError(f"frames of {size} and {frame.shape} cannot be one video")
            box.mux(stream.encode(_yuv(frame)))
        if stream is None:
            raise ValueError(f"{target.name} needs at least one frame")
        box.mux(stream.encode(None))


def write_depth_video(
    depths: Sequence[NDArray[np.float32] | None],
    colours: DepthColours,
    target: Path,
    fps: float = 10.0,
) -> None:
    """Write depths with one fixed range and its legend below; views without depth are grey.

    Raises:
        ValueError: no view has a depth.
    """
    shape = next((d.shape for d in depths if d is not None), None)
    if shape is None:
        raise ValueError(f"{target.name} needs at least one view with depth")
    legend = colours.legend(shape[1])
    grey = np.full((*shape, 3), UNKNOWN_COLOUR, dtype=np.uint8)
    pictures = (grey if d is None else colours.picture(d) for d in depths)
    write_video((np.concatenate([p, legend]) for p in pictures), target, fps)


def _stream(box: av.container.OutputContainer, frame: Rgb, fps: float) -> av.VideoStream:
    height, width = frame.shape[:2]
    rate = Fraction(fps).limit_denominator(1000)
    stream = box.add_stream("libx264", rate=rate, options={"crf": str(_QUALITY)})
    stream.width, stream.height = width + width % 2, height + height % 2
    stream.pix_fmt = "yuv420p"
    context = stream.codec_context
    context.colorspace, context.color_range = Colorspace.ITU709, ColorRange.MPEG
    context.color_primaries, context.color_trc = 1, 1  # BT.709
    return stream


def _yuv(frame: Rgb) -> av.VideoFrame:
    height, width = frame.shape[:2]
    even = np.pad(frame, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")
    rgb = av.VideoFrame.from_ndarray(np.ascontiguousarray(even), format="rgb24")
    return rgb.reformat(
        format="yuv420p",
        src_colorspace=Colorspace.DEFAULT,
        dst_colorspace=Colorspace.ITU709,
        dst_color_range=ColorRange.MPEG,
    )
