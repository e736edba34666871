"""`evaluate lens`: the focal length that is estimated from single frames of posed clips, beside
the one that is assumed where nothing is known."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from engine.geometry.cameras import Intrinsics
from engine.queries import Engine
from engine.queries.lens import lens_of_picture
from explorer.evaluation.clip_files import read_frames
from explorer.evaluation.reports import write_json
from explorer.evaluation.scenes import TrueView
from explorer.evaluation.tables import number, show, table
from explorer.walk.colours import to_floats
from explorer.walk.photo_lens import DEFAULT_FOV_DEGREES
from explorer.walk.ready import EngineOptions, open_engine


@dataclass(frozen=True)
class LensOptions(EngineOptions):
    """Attributes:
    folders: posed clips (cameras.json).
    out: folder for lens.json.
    frames: of each clip, evenly spread over it.
    size: (width, height) whose number of pixels is aimed for.
    """

    folders: tuple[Path, ...]
    out: Path
    frames: int = 16
    size: tuple[int, int] = (256, 144)

    def __post_init__(self) -> None:
        if not self.folders or self.frames < 1:
            raise ValueError("name at least one clip, and at least one frame of each")


@dataclass(frozen=True)
class ClipLens:
    """Medians over the frames of a clip; focal lengths in diagonals of the picture.

    Attributes:
        error, assumed_error: |f/f_true − 1| of the estimate, and of what is assumed without one.
        within: share of frames whose true lens lies in what the estimate calls likely.
    """

    clip: str
    frames: int
    focal: float
    estimate: float
    error: float
    assumed_error: float
    within: float


@dataclass(frozen=True)
class LensReport:
    """Attributes:
    error, assumed_error: medians over the clips.
    """

    options: LensOptions
    weights: str
    error: float
    assumed_error: float
    clips: tuple[ClipLens, ...]


def evaluate_lens(
    options: LensOptions, console: Console | None = None, engine: Engine | None = None
) -> LensReport:
    """Runs the evaluation, prints its table and writes lens.json.

    Raises:
        ClipError: a folder is no posed clip, or unreadable.
        ValueError: the weights do not tell the lens.
    """
    given = [read_frames(folder, options.size, options.frames) for folder in options.folders]
    engine = engine or open_engine(options).engine
    if engine.model.lens is None:
        raise ValueError("the weights do not tell the lens of a picture; name ones with --weights")
    clips = tuple(
        judged(folder.name, frames, engine)
        for folder, frames in zip(options.folders, given, strict=True)
    )
    report = LensReport(
        options,
        engine.weights_hash,
        float(np.median([clip.error for clip in clips])),
        float(np.median([clip.assumed_error for clip in clips])),
        clips,
    )
    write_json(report, options.out / "lens.json")
    show(console or Console(), _table(report))
    return report


def judged(name: str, frames: Sequence[TrueView], engine: Engine) -> ClipLens:
    """What the frames of one clip tell, each alone."""
    rows = []
    for frame in frames:
        found = lens_of_picture(engine, to_floats(frame.rgb))
        assert found is not None
        true = in_diagonals(frame.camera.intrinsics, frame.rgb.shape[:2])
        guess = in_diagonals(assumed(frame.rgb.shape[:2]), frame.rgb.shape[:2])
        inside = found.shortest <= true <= found.longest
        rows.append((true, found.focal, abs(found.focal / true - 1), abs(guess / true - 1), inside))
    focal, estimate, error, assumed_error, _ = np.median(rows, axis=0)
    within = float(np.mean([row[-1] for row in rows]))
    return ClipLens(
        name,
        len(frames),
        float(focal),
        float(estimate),
        float(error),
        float(assumed_error),
        within,
    )


def assumed(size: tuple[int, ...]) -> Intrinsics:
    """What a photo of (H, W) is given where nothing is known of its lens."""
    height, width = size
    focal = 0.5 * max(width, height) / math.tan(math.radians(DEFAULT_FOV_DEGREES) / 2)
    return Intrinsics(fx=focal / width, fy=focal / height)


def in_diagonals(lens: Intrinsics, size: tuple[int, ...]) -> float:
    """A focal length in units of the diagonal of a picture of (H, W)."""
    height, width = size
    return lens.fx * width / math.hypot(width, height)


def _table(report: LensReport) -> Table:
    rows = [
        [
            clip.clip,
            number(clip.focal, 3),
            number(clip.estimate, 3),
            f"{clip.error:.1%}",
            f"{clip.assumed_error:.1%}",
            f"{clip.within:.0%}",
            str(clip.frames),
        ]
        for clip in report.clips
    ]
    rows.append(["median", "", "", f"{report.error:.1%}", f"{report.assumed_error:.1%}", "", ""])
    columns = ["clip", "f/d", "estimated", "error", "error assumed", "within likely", "frames"]
    return table("Focal length of single frames, in diagonals", columns, rows)
