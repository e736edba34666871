"""`evaluate speed`: seconds per view with its depth, where they go, and the memory it takes."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from rich.console import Console

from engine.model.devices import AUTO, CPU, require_device
from explorer.evaluation.drive import FILES, Driver, WalkDriver
from explorer.evaluation.methods import main_method
from explorer.evaluation.peak_memory import PeakMemory
from explorer.evaluation.progress import Counter, counting
from explorer.evaluation.reports import write_json
from explorer.evaluation.scenes import Scene, SceneSource
from explorer.evaluation.sharp.sizes import at_model_size, rendered_sizes
from explorer.evaluation.tables import number, show, table
from explorer.evaluation.traces import DrawnPictures
from explorer.evaluation.world_scenes import WorldSource
from explorer.walk.ready import EngineOptions
from explorer.walk.sizes import MODEL_SIZE, Size

#: What a CPU is measured on, and what a GPU is: the model's size and the picture's.
CPU_SIZES: tuple[tuple[Size, Size | None], ...] = (
    ((256, 144), None),
    ((256, 144), (1024, 576)),
    ((256, 144), (1280, 720)),
)
CUDA_SIZES: tuple[tuple[Size, Size | None], ...] = (
    ((256, 144), None),
    ((512, 288), None),
    ((256, 144), (1280, 720)),
    ((256, 144), (1920, 1080)),
)

_GIGABYTE = 1e9


@dataclass(frozen=True)
class SpeedOptions(EngineOptions):
    """Attributes:
    out: folder for speed.json.
    views: timed views; `warm_up`: views drawn before them, not counted.
    device: as everywhere, but "auto" is for the CPU and, where one works, the GPU.
    threads: CPU threads, or None to leave torch's choice.
    size: (width, height) of the pictures, measured alone; `model_size`: what the network draws.
        None for the usual sizes.
    """

    out: Path
    views: int = 20
    warm_up: int = 4
    threads: int | None = None
    world_seed: int = 0
    size: Size | None = None
    model_size: Size | None = None

    def __post_init__(self) -> None:
        if self.views < 1 or self.warm_up < 0:
            raise ValueError("a speed test needs at least one timed view")
        _ = self.sizes  # refuses what does not fit

    @property
    def sizes(self) -> tuple[Size, Size | None] | None:
        """The model's and the picture's, None for its own or where none was asked for.

        Raises:
            SizeError: they do not fit each other.
        """
        if self.size is None and self.model_size is None:
            return None
        model = self.model_size or MODEL_SIZE
        return model, rendered_sizes(self.size, model)


@dataclass(frozen=True)
class PartTime:
    """Median seconds of one part of a step, and its share of all parts."""

    part: str
    seconds: float
    share: float


@dataclass(frozen=True)
class SpeedRow:
    """One device at one size of the model and one of the picture.

    Attributes:
        width, height: of the picture; `model_width`, `model_height`: of what the network draws.
        seconds: median wall time of a view with its depth, remembering included.
        seconds_with_files: the same until it is on the disk, as a walk records it.
        slow_seconds: nine of ten views are faster.
        start_seconds: from the photo to its depth.
        peak_memory_bytes: of the whole process during the walk; `device_memory_bytes`: of the
            GPU, 0 on a CPU.
    """

    device: str
    width: int
    height: int
    model_width: int
    model_height: int
    threads: int
    views: int
    seconds: float
    seconds_with_files: float
    slow_seconds: float
    views_per_second: float
    start_seconds: float
    peak_memory_bytes: int
    device_memory_bytes: int
    parts: tuple[PartTime, ...]


@dataclass(frozen=True)
class SpeedReport:
    """What was measured; `complete` is False if it was interrupted."""

    options: SpeedOptions
    engine: str
    complete: bool
    rows: tuple[SpeedRow, ...]


def evaluate_speed(
    options: SpeedOptions,
    console: Console | None = None,
    driver: Driver | None = None,
    source: Callable[[int, tuple[int, int]], SceneSource] | None = None,
) -> SpeedReport:
    """Times a walk through one rendered world, prints a table and writes speed.json.

    Args:
        driver: draws the walk; by default ours, on every device that the options name.
        source: a scene source for so many views of that size; by default a rendered world.

    Raises:
        DeviceError: if the device asked for does not compute.
        KeyboardInterrupt: passed on after speed.json was written with what was done.
    """
    console = console or Console()
    if options.threads is not None:
        torch.set_num_threads(options.threads)
    plan = _plan(options)
    report = SpeedReport(options, "", False, ())
    drawn = options.views + options.warm_up
    try:
        with (
            tempfile.TemporaryDirectory() as files,
            counting(console, len(plan) * drawn) as counter,
        ):
            for device, model, picture in plan:
                on_device = replace(options, device=device)
                used = driver or WalkDriver.load(on_device, model, Path(files))
                counter.now("rendering a world to walk in")
                size = picture or model
                made = (
                    source(drawn, size) if source else WorldSource(options.world_seed, drawn, size)
                )
                scene = made.scene(0)
                scene = scene if picture is None else at_model_size(scene, model)
                row = _measure(options, used, device, scene, counter)
                report = replace(report, engine=used.description, rows=(*report.rows, row))
                write_json(report, options.out / "speed.json")
    except KeyboardInterrupt:
        write_json(report, options.out / "speed.json")
        show_speed(console, report)
        raise
    report = replace(report, complete=True)
    write_json(report, options.out / "speed.json")
    show_speed(console, report)
    return report


def _plan(options: SpeedOptions) -> list[tuple[str, Size, Size | None]]:
    found = require_device(options.device)
    places = dict.fromkeys((CPU, found)) if options.device == AUTO else (found,)
    asked = options.sizes
    return [
        (place, *sizes)
        for place in places
        for sizes in ((asked,) if asked else CPU_SIZES if place == CPU else CUDA_SIZES)
    ]


def _measure(
    options: SpeedOptions, driver: Driver, device: str, scene: Scene, counter: Counter
) -> SpeedRow:
    model_height, model_width = scene.photo.rgb.shape[:2]
    shown = scene.photo.rgb if scene.picture is None else scene.picture
    height, width = shown.shape[:2]
    counter.now(f"{device}, {width}x{height}")
    times = _ViewTimes(counter)
    if device != CPU:
        torch.cuda.reset_peak_memory_stats(device)
    with PeakMemory() as peak:
        begin = time.perf_counter()
        trace = driver.draw(scene, main_method(0).settings, None, times.mark)
    walls = np.array(times.seconds[options.warm_up :])
    files = [view.seconds.get(FILES, 0.0) for view in trace.views[options.warm_up :]]
    timed = walls - np.array(files)
    return SpeedRow(
        device=device,
        width=width,
        height=height,
        model_width=model_width,
        model_height=model_height,
        threads=torch.get_num_threads(),
        views=len(timed),
        seconds=float(np.median(timed)),
        seconds_with_files=float(np.median(walls)),
        slow_seconds=float(np.quantile(timed, 0.9)),
        views_per_second=float(1.0 / np.median(timed)),
        start_seconds=times.started - begin,
        peak_memory_bytes=peak.bytes,
        device_memory_bytes=torch.cuda.max_memory_allocated(device) if device != CPU else 0,
        parts=part_times(trace.views[options.warm_up :]),
    )


class _ViewTimes:
    """Notes when views are done: the first call is the start of the first view."""

    def __init__(self, counter: Counter) -> None:
        self.seconds: list[float] = []
        self.started = 0.0
        self._last = 0.0
        self._counter = counter

    def mark(self, views: int = 1) -> None:
        """`views` is 0 when the photo is ready and 1 after each view."""
        now = time.perf_counter()
        if views == 0:
            self.started = now
        else:
            self.seconds.append(now - self._last)
            self._counter.advance(views)
        self._last = now


def part_times(views: tuple[DrawnPictures, ...]) -> tuple[PartTime, ...]:
    """Median seconds by part, longest first; shares are of the sum of these medians."""
    names = dict.fromkeys(name for view in views for name in view.seconds)
    medians = {
        name: float(np.median([view.seconds.get(name, 0.0) for view in views])) for name in names
    }
    total = sum(medians.values()) or 1.0
    ordered = sorted(medians.items(), key=lambda item: -item[1])
    return tuple(PartTime(name, seconds, seconds / total) for name, seconds in ordered)


def show_speed(console: Console, report: SpeedReport) -> None:
    """One table of devices, one of parts."""
    rows = [
        [
            _named(row),
            number(row.seconds, 3),
            number(row.seconds_with_files, 3),
            number(row.slow_seconds, 3),
            number(row.views_per_second),
            number(row.start_seconds),
            number(row.peak_memory_bytes / _GIGABYTE),
            number(row.device_memory_bytes / _GIGABYTE) if row.device_memory_bytes else "–",
            str(row.threads),
        ]
        for row in report.rows
    ]
    columns = ["device, size", "s / view", "with files", "90 %", "views / s", "start s"]
    columns += ["peak GB", "GPU GB"]
    parts = [
        [
            _named(row),
            part.part,
            number(1000 * part.seconds, 1),
            f"{100 * part.share:.0f} %",
        ]
        for row in report.rows
        for part in row.parts
    ]
    show(
        console,
        table("Seconds per view with depth (median)", [*columns, "threads"], rows),
        table("Where the time goes", ["device, size", "part", "ms (median)", "share"], parts),
    )


def _named(row: SpeedRow) -> str:
    """The device and the picture's size, and the model's where that is another."""
    name = f"{row.device} {row.width}x{row.height}"
    model = f"{row.model_width}x{row.model_height}"
    return name if name.endswith(f" {model}") else f"{name}, model {model}"
