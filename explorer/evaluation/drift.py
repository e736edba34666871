"""`evaluate drift`: the same cameras over and over. Does a walk darken, sharpen or melt?

Every lap goes out and back through the same cameras, so that each of them is drawn twice a lap,
every time from what was drawn before. A walk without drift draws the same picture each time. The
final picture does so by recall (`memory.recall`), whatever the model draws; whether the model
itself drifts, the raw picture says.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from rich.console import Console

from explorer.evaluation.curves import Curve, Panel, draw_panels
from explorer.evaluation.drive import Driver, WalkDriver
from explorer.evaluation.methods import main_method
from explorer.evaluation.picture_metrics import gradient_energy, psnr, unit_colours
from explorer.evaluation.progress import Counter, counting
from explorer.evaluation.reports import write_json, write_picture
from explorer.evaluation.returns import ReturnRecord, camera_of, photo_returns, return_table
from explorer.evaluation.scenes import Scene
from explorer.evaluation.sharp.sizes import at_model_size, rendered_sizes
from explorer.evaluation.sheets import SheetRow, draw_sheet
from explorer.evaluation.tables import number, show, table
from explorer.evaluation.traces import WalkTrace
from explorer.evaluation.world_scenes import WorldSource
from explorer.walk.ready import EngineOptions
from explorer.walk.sizes import MODEL_SIZE, Size

PICTURES = ("final", "raw")


@dataclass(frozen=True)
class DriftOptions(EngineOptions):
    """Attributes:
    views: on the way out, and again on the way back, of every lap.
    laps: how often the walk goes out and back.
    size: (width, height) of the pictures, None for what the network draws; `model_size`: that.
    """

    out: Path
    views: int = 8
    laps: int = 5
    count: int = 4
    first_seed: int = 0
    walk_seed: int = 0
    size: Size | None = None
    model_size: Size = MODEL_SIZE

    def __post_init__(self) -> None:
        if min(self.views, self.laps, self.count) < 1:
            raise ValueError("drift needs at least one world, one view and one lap")
        rendered_sizes(self.size, self.model_size)  # refuses what does not fit

    @property
    def picture_size(self) -> Size | None:
        """None in a walk of one size."""
        return rendered_sizes(self.size, self.model_size)


class LapSource(Protocol):
    """Where scenes walked in laps come from."""

    def laps(self, index: int, laps: int) -> Scene:
        """Scene number `index`."""


@dataclass(frozen=True)
class DriftRecord:
    """One drawn view; the photo's own camera is left out, since it shows the photo.

    Attributes:
        lap: from 1. way: out or back.
        psnr: against the truth, dB.
        revisit_psnr: against what the same camera showed first, dB; None at the first visit.
        brightness, gradient: mean colour and gradient energy over the truth's.
    """

    scene: str
    picture: str
    index: int
    lap: int
    way: str
    psnr: float
    revisit_psnr: float | None
    brightness: float
    gradient: float


@dataclass(frozen=True)
class LapRow:
    """Means over the views of one way of one lap, all worlds together."""

    picture: str
    lap: int
    way: str
    psnr: float
    revisit_psnr: float
    brightness: float
    gradient: float


@dataclass(frozen=True)
class DriftReport:
    """`fall`: dB of revisit PSNR lost a lap, by picture, from the first way back on; `returns`:
    what is left of the photo where the walk comes back to its camera."""

    options: DriftOptions
    engine: str
    complete: bool
    rows: tuple[LapRow, ...]
    fall: dict[str, float]
    records: tuple[DriftRecord, ...]
    returns: tuple[ReturnRecord, ...] = ()


def evaluate_drift(
    options: DriftOptions,
    console: Console | None = None,
    driver: Driver | None = None,
    source: LapSource | None = None,
) -> DriftReport:
    """Walks the laps, prints a table, and writes drift.json, drift.png and a sheet a world.

    Raises:
        KeyboardInterrupt: passed on after drift.json was written with the worlds that were done.
        ValueError: for unusable weights.
    """
    console, options = console or Console(), options.resolved()
    driver = driver or WalkDriver.load(options, options.model_size)
    size = options.picture_size or options.model_size
    source = source or WorldSource(
        options.first_seed,
        options.views,
        size,
        device=options.device,
        sharp=options.picture_size is not None,
    )
    records: list[DriftRecord] = []
    returns: list[ReturnRecord] = []

    def save(complete: bool) -> DriftReport:
        report = summarised(options, driver.description, records, complete)
        report = replace(report, returns=tuple(returns))
        write_json(report, options.out / "drift.json")
        return report

    try:
        with counting(console, 2 * options.views * options.laps * options.count) as counter:
            for index in range(options.count):
                counter.now(f"world {index}: rendering")
                scene = source.laps(index, options.laps)
                trace, judged = _world(options, driver, scene, counter)
                records += judged
                returns += photo_returns(scene, trace, options.views)
                save(complete=False)
    except KeyboardInterrupt:
        _print(console, save(complete=False))
        console.print(f"interrupted; what was done is in {options.out / 'drift.json'}")
        raise
    report = save(complete=True)
    write_picture(draw_panels(drift_panels(report.rows)), options.out / "drift.png")
    _print(console, report)
    return report


def _world(
    options: DriftOptions, driver: Driver, scene: Scene, counter: Counter
) -> tuple[WalkTrace, list[DriftRecord]]:
    counter.now(scene.name)
    settings, two = main_method(options.walk_seed).settings, options.picture_size is not None
    small = at_model_size(scene, options.model_size) if two else scene
    trace = driver.draw(small, settings, None, counter.advance)
    write_picture(drift_sheet(scene, small, trace, options), options.out / f"{scene.name}.png")
    return trace, judge_laps(scene, trace, options.views, small)


def judge_laps(
    scene: Scene, trace: WalkTrace, views: int, small: Scene | None = None
) -> list[DriftRecord]:
    """Drawn views against the truth and against the first visit of their cameras.

    Args:
        small: the scene at the model's size, which raw pictures have; None where it is the same.
    """
    records = []
    for picture in PICTURES:
        first: dict[int, NDArray[np.uint8]] = {}
        truths = scene.views if picture == "final" or small is None else small.views
        for index, (drawn, truth) in enumerate(zip(trace.views, truths, strict=True)):
            place = camera_of(index, views)
            if place == 0:
                continue
            rgb = drawn.shown if picture == "final" else drawn.raw
            colours, before = unit_colours(rgb), first.get(place)
            everywhere = np.ones(colours.shape[:2], dtype=bool)
            true_energy = gradient_energy(truth.colours, everywhere)
            records.append(
                DriftRecord(
                    scene.name,
                    picture,
                    index,
                    index // (2 * views) + 1,
                    scene.ways[index],
                    psnr(colours, truth.colours),
                    None if before is None else psnr(colours, unit_colours(before)),
                    float(colours.mean() / max(float(truth.colours.mean()), 1e-3)),
                    gradient_energy(colours, everywhere) / max(true_energy, 1e-9),
                )
            )
            first.setdefault(place, rgb)
    return records


def summarised(
    options: DriftOptions, engine: str, records: Sequence[DriftRecord], complete: bool
) -> DriftReport:
    """Means a lap and way, and the fall a lap."""
    keys = dict.fromkeys((r.picture, r.lap, r.way) for r in records)
    rows = tuple(
        _lap_row([r for r in records if (r.picture, r.lap, r.way) == key]) for key in sorted(keys)
    )
    fall = {
        picture: fall_per_lap([r for r in rows if r.picture == picture])
        for picture in PICTURES
        if records
    }
    return DriftReport(options, engine, complete, rows, fall, tuple(records))


def _lap_row(records: Sequence[DriftRecord]) -> LapRow:
    revisits = [r.revisit_psnr for r in records if r.revisit_psnr is not None]
    one = records[0]
    return LapRow(
        one.picture,
        one.lap,
        one.way,
        float(np.mean([r.psnr for r in records])),
        float(np.mean(revisits)) if revisits else float("nan"),
        float(np.mean([r.brightness for r in records])),
        float(np.mean([r.gradient for r in records])),
    )


def fall_per_lap(rows: Sequence[LapRow]) -> float:
    """Slope of the ways back, dB a lap, positive where revisits get worse; nan for one lap."""
    back = [(row.lap, row.revisit_psnr) for row in rows if row.way == "back"]
    if len(back) < 2:
        return float("nan")
    laps, values = np.array(back).T
    return float(-np.polyfit(laps, values, 1)[0])


def drift_panels(rows: Sequence[LapRow]) -> list[Panel]:
    """Each figure over the laps; the way out of lap n at n − 0.5, the way back at n."""
    titles = {
        "revisit_psnr": "PSNR against the first visit (dB)",
        "psnr": "PSNR against the truth (dB)",
        "brightness": "brightness over the truth's",
        "gradient": "gradient energy over the truth's",
    }
    panels = []
    for name, title in titles.items():
        curves = []
        for picture in PICTURES:
            chosen = sorted(
                (r.lap - (0.5 if r.way == "out" else 0.0), getattr(r, name))
                for r in rows
                if r.picture == picture
            )
            curves.append(Curve(picture, tuple(x for x, _ in chosen), tuple(y for _, y in chosen)))
        panels.append(Panel(title, "laps", tuple(curves)))
    return panels


def drift_sheet(
    scene: Scene, small: Scene, trace: WalkTrace, options: DriftOptions
) -> NDArray[np.uint8]:
    """The farthest camera: its truth, then what each lap drew there, final over raw."""
    far = [lap * 2 * options.views + options.views - 1 for lap in range(options.laps)]
    truth, at_model = scene.views[far[0]].rgb, small.views[far[0]].rgb
    names = ["truth", *(f"lap {lap + 1}" for lap in range(options.laps))]
    final = tuple(trace.views[i].shown for i in far)
    raw = tuple(trace.views[i].raw for i in far)
    rows = [SheetRow("final", (truth, *final)), SheetRow("raw", (at_model, *raw))]
    return draw_sheet(names, rows)


def _print(console: Console, report: DriftReport) -> None:
    rows = [
        [
            f"{row.picture} · lap {row.lap} {row.way}",
            number(row.revisit_psnr),
            number(row.psnr),
            number(row.brightness, 3),
            number(row.gradient),
        ]
        for row in report.rows
    ]
    columns = ["picture", "PSNR to first visit", "to truth", "brightness", "gradient energy"]
    title = "Laps through the same cameras; brightness and gradient energy over the truth's"
    show(console, table(title, columns, rows), return_table(report.returns))
    for picture, fall in report.fall.items():
        if np.isfinite(fall):
            console.print(f"{picture}: revisit PSNR falls by {fall:+.2f} dB a lap")
