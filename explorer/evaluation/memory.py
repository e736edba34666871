"""`evaluate memory`: how the time of a look into the memory grows with the views stored."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from rich.console import Console

from engine.model.devices import AUTO, require_device
from explorer.evaluation.curves import Curve, Panel, draw_panels
from explorer.evaluation.progress import counting
from explorer.evaluation.reports import write_json, write_picture
from explorer.evaluation.tables import number, show, table
from memory.benchmark.timing import MemoryTiming, measure_memory

#: Retrieval and warp together should take no longer than this with 1000 views, milliseconds.
AIM_MS = 60.0


@dataclass(frozen=True)
class MemoryOptions:
    """Attributes:
    out: folder for memory.json and memory.png.
    counts: stored views at which times are taken, rising.
    size: (width, height) of the views.
    device: where the points live.
    """

    out: Path
    counts: tuple[int, ...] = (10, 100, 1000)
    size: tuple[int, int] = (256, 144)
    device: str = AUTO

    def __post_init__(self) -> None:
        if not self.counts or min(self.counts) < 1 or sorted(set(self.counts)) != [*self.counts]:
            raise ValueError(f"counts of views must be positive and rise, not {self.counts}")


@dataclass(frozen=True)
class MemoryReport:
    """Attributes:
    complete: False while running, or if it was interrupted.
    growth: time of a look at the last count over that at the first; the views grew by
        `views_growth`.
    """

    options: MemoryOptions
    complete: bool
    timings: tuple[MemoryTiming, ...]
    growth: float
    views_growth: float


def evaluate_memory(
    options: MemoryOptions,
    console: Console | None = None,
    measure: Callable[[MemoryOptions, Path], Iterator[MemoryTiming]] | None = None,
) -> MemoryReport:
    """Walks through a house of boxes, prints a table, and writes memory.json and memory.png.

    Args:
        measure: gives one timing per count; by default our memory's own benchmark, whose older
            views go to disk as in a long walk.

    Raises:
        KeyboardInterrupt: passed on after memory.json was written with what was done.
    """
    console = console or Console()
    options = replace(options, device=require_device(options.device))
    timings: list[MemoryTiming] = []
    with tempfile.TemporaryDirectory() as folder:
        try:
            with counting(console, max(options.counts)) as counter:
                counter.now("remembering")
                for timing in (measure or _measure)(options, Path(folder)):
                    counter.advance(timing.views - (timings[-1].views if timings else 0))
                    timings.append(timing)
                    write_json(_report(options, timings), options.out / "memory.json")
        except KeyboardInterrupt:
            show_memory(console, _report(options, timings))
            raise
    report = replace(_report(options, timings), complete=True)
    write_json(report, options.out / "memory.json")
    write_picture(draw_panels(_panels(timings)), options.out / "memory.png")
    show_memory(console, report)
    return report


def _measure(options: MemoryOptions, folder: Path) -> Iterator[MemoryTiming]:
    width, height = options.size
    return measure_memory(options.counts, height, width, folder, options.device)


def _report(options: MemoryOptions, timings: Sequence[MemoryTiming]) -> MemoryReport:
    first, last = (timings[0], timings[-1]) if timings else (None, None)
    return MemoryReport(
        options=options,
        complete=False,
        timings=tuple(timings),
        growth=last.step_ms / first.step_ms if first and last else float("nan"),
        views_growth=last.views / first.views if first and last else float("nan"),
    )


def _panels(timings: Sequence[MemoryTiming]) -> list[Panel]:
    views = tuple(float(timing.views) for timing in timings)

    def curve(label: str, values: Sequence[float]) -> Curve:
        return Curve(label, views, tuple(values))

    return [
        Panel(
            "milliseconds",
            "stored views",
            (
                curve("retrieve + warp", [t.step_ms for t in timings]),
                curve("retrieve", [t.retrieve_ms for t in timings]),
                curve("warp", [t.look_ms for t in timings]),
                curve("add", [t.add_ms for t in timings]),
            ),
            band=(0.0, AIM_MS),
            logarithmic_x=len(timings) > 1,
        ),
        Panel(
            "fused points (thousands)",
            "stored views",
            (curve("", [t.surfels / 1000 for t in timings]),),
            logarithmic_x=len(timings) > 1,
        ),
    ]


def show_memory(console: Console, report: MemoryReport) -> None:
    """One row per number of stored views."""
    rows = [
        [
            str(timing.views),
            str(timing.surfels),
            number(timing.add_ms, 1),
            number(timing.retrieve_ms, 1),
            number(timing.look_ms, 1),
            number(timing.step_ms, 1),
        ]
        for timing in report.timings
    ]
    columns = ["stored views", "points", "add ms", "retrieve ms", "warp ms", "retrieve + warp ms"]
    show(console, table("A look into the memory (medians)", columns, rows))
    console.print(
        f"{number(report.views_growth, 0)} times the views take "
        f"{number(report.growth)} times as long to look at"
    )
