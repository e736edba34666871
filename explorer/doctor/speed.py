"""How long a view takes here: measured by drawing a few, not looked up."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from engine.geometry.paths import named_path
from engine.queries import Engine
from explorer.doctor.findings import Finding, Verdict
from explorer.walk.photo import Photo, open_photo
from explorer.walk.ready import EngineOptions, open_engine
from explorer.walk.sizes import Size, Sizes
from explorer.walk.walk import Walk
from memory.config import MemoryConfig
from memory.memory import Memory

#: Slower than this per view and walking is no pleasure; the finding then says what helps.
SLOW_SECONDS = 3.0


@dataclass(frozen=True)
class Pace:
    """Measured seconds at one picture size.

    Attributes:
        start: from an open photo to its depth.
        view: a view with its depth, median.
        picture: (width, height) of the pictures; None where they have the model's size.
    """

    device: str
    width: int
    height: int
    start: float
    view: float
    picture: Size | None = None


def measure_pace(engine: Engine, photo: Photo, views: int = 3, warm_up: int = 1) -> Pace:
    """Draws the first views of a walk with default settings, and remembers nothing afterwards."""
    walk = Walk(photo, engine, Memory(MemoryConfig(), device=engine.device))
    begin = time.perf_counter()
    _run(walk.start())
    start = time.perf_counter() - begin
    seconds = []
    for camera in named_path("forward", views + warm_up, photo.camera, walk.scene_scale):
        begin = time.perf_counter()
        _run(walk.step(camera))
        seconds.append(time.perf_counter() - begin)
    view = statistics.median(seconds[warm_up:])
    return Pace(str(engine.device), photo.width, photo.height, start, view, photo.picture_size)


def _run(steps: Iterable[object]) -> None:
    for _ in steps:
        pass


def sample_photo(folder: Path) -> Path | None:
    """The first sample picture that was installed, or None where there is none."""
    return next(iter(sorted(folder.glob("samples/*.png"))), None)


@dataclass(frozen=True)
class Timed:
    """What is said of the speed, and the pace where it could be measured."""

    finding: Finding
    pace: Pace | None = None


def time_views(folder: Path) -> Timed:
    """Measures on the GPU where there is one that PyTorch can use, else on the processor."""
    sample = sample_photo(folder)
    if sample is None:
        reason = "Not measured: no sample picture is installed."
        return Timed(Finding("Speed", Verdict.NOTE, reason))
    try:
        # Uncompiled, as the first views of every walk are: compiling takes longer than measuring.
        engine = open_engine(EngineOptions(compile=False)).engine
    except ValueError as error:
        return Timed(Finding("Speed", Verdict.NOTE, f"Not measured: {error}."))
    pace = measure_pace(engine, open_photo(sample, sizes=Sizes().on(str(engine.device))))
    return Timed(describe_pace(pace), pace)


def describe_pace(pace: Pace) -> Finding:
    facts = {
        "device": pace.device,
        "width": pace.width,
        "height": pace.height,
        "start_seconds": round(pace.start, 3),
        "view_seconds": round(pace.view, 3),
        "picture": None if pace.picture is None else list(pace.picture),
    }
    where = "GPU" if pace.device.startswith("cuda") else "CPU"
    shown = "" if pace.picture is None else f" for pictures of {pace.picture[0]}x{pace.picture[1]}"
    text = (
        f"{pace.view:.2f} s per view with its depth at {pace.width}x{pace.height}{shown} on the "
        f"{where}; "
        f"32 views take about {_duration(pace.start + 32 * pace.view)}."
    )
    if pace.view > SLOW_SECONDS:
        text += " A smaller --model-size or --depth-every 4 help."
        return Finding("Speed", Verdict.NOTE, text, facts)
    return Finding("Speed", Verdict.GOOD, text, facts)


def _duration(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} minutes"
