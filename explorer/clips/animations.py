"""Animated GIF, WebP and PNG files: what FFmpeg drops or cannot read, Pillow shows in full."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError

from explorer.clips.frames import Cancelled, ClipError
from explorer.clips.taken import Shown

_FORMATS = ("GIF", "WEBP", "PNG")
_STARTS = (b"GIF8", b"RIFF", b"\x89PNG")
#: Browsers show frames without a duration, or with a shorter one, for so many seconds.
_SHORTEST, _INSTEAD = 0.011, 0.1


@dataclass(frozen=True)
class Animation:
    """When each frame is shown, in seconds from the first one."""

    path: Path
    times: tuple[float, ...]


def animation_in(path: Path) -> Animation | None:
    """The animation that a file holds; None for files of other kinds and for still pictures.

    Raises:
        ClipError: it holds one, but is damaged at its beginning.
    """
    with path.open("rb") as file:
        if not file.read(4).startswith(_STARTS):
            return None
    times, clock = [], 0.0
    try:
        with Image.open(path, formats=_FORMATS) as image:
            for index in range(getattr(image, "n_frames", 1)):
                try:
                    image.seek(index)
                    image.load()
                except (EOFError, OSError, SyntaxError, ValueError):
                    break  # what comes before the damage is shown
                times.append(clock)
                seconds = float(image.info.get("duration", 0)) / 1000.0
                clock += seconds if seconds >= _SHORTEST else _INSTEAD
    except UnidentifiedImageError:
        return None
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise ClipError(f"{path} is damaged ({error}); give a whole file") from error
    return Animation(path, tuple(times)) if len(times) > 1 else None


def frames_of(
    animation: Animation, moments: list[float], stopped: Callable[[], bool]
) -> Iterator[Shown]:
    """For each moment the frame that is shown then, with its own time; on white.

    Raises:
        Cancelled: `stopped` said so.
    """
    times = np.asarray(animation.times)
    with Image.open(animation.path, formats=_FORMATS) as image:
        for moment in moments:
            if stopped():
                raise Cancelled
            index = max(0, int(np.searchsorted(times, moment + 1e-6, side="right")) - 1)
            image.seek(index)
            rgba = image.convert("RGBA")
            flat = Image.new("RGB", rgba.size, (255, 255, 255))
            flat.paste(rgba, mask=rgba.getchannel("A"))
            yield Shown(float(times[index]), flat)
