"""`evaluate worlds --size`: pictures larger than the model's, through worlds of known truth.

Each world is rendered at the picture's size. The walk is given its first view as the photo, at
that size and reduced to the model's; a second walk of one size is given the reduced one alone, and
its pictures are enlarged. Each has the scale of its own photo's depth: the larger photo's is drawn
with more detail.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from explorer.evaluation.drive import Driver, TrueDepth, WalkDriver
from explorer.evaluation.judging import Tally
from explorer.evaluation.methods import main_method
from explorer.evaluation.progress import Counter, counting
from explorer.evaluation.reports import write_json, write_picture
from explorer.evaluation.scenes import SceneSource
from explorer.evaluation.sharp.judging import TwoWalks, judge_two
from explorer.evaluation.sharp.report import SharpTables, sharp_tables, show_sharp
from explorer.evaluation.sharp.sheets import sharp_sheet
from explorer.evaluation.sharp.sizes import at_model_size, rendered_sizes
from explorer.evaluation.world_scenes import WorldSource
from explorer.evaluation.worlds_report import PhotoScale
from explorer.evaluation.yardstick.alike import Yardstick
from explorer.walk.ready import EngineOptions
from explorer.walk.sizes import MODEL_SIZE, Size


@dataclass(frozen=True)
class SharpWorldsOptions(EngineOptions):
    """Attributes:
    out: folder for worlds.json and sheets.
    size: (width, height) of the pictures; `model_size`: of what the network draws.
    views: drawn per world, half on the way out and half on the way back.
    count: worlds; `sheets`: worlds that get a comparison sheet.
    first_seed: of the worlds; walk_seed: of the drawn noise.
    textures: a folder of texture pictures, or None for procedural textures alone.
    true_depth: both walks are given the photo's true depth, at the model's size: how good pictures
        are where only what is made of it counts.
    """

    out: Path
    size: Size
    model_size: Size = MODEL_SIZE
    views: int = 16
    count: int = 16
    sheets: int = 8
    first_seed: int = 0
    walk_seed: int = 0
    textures: Path | None = None
    true_depth: bool = False

    def __post_init__(self) -> None:
        if self.views < 2 or self.count < 1 or self.sheets < 0:
            raise ValueError("an evaluation needs at least one world and two views")
        if rendered_sizes(self.size, self.model_size) is None:
            raise ValueError("pictures of the model's own size are measured without --size")


@dataclass(frozen=True)
class SharpWorldsReport:
    """`complete` is False while running, or if it was interrupted."""

    options: SharpWorldsOptions
    engine: str
    complete: bool
    seconds: float
    tables: SharpTables
    scales: tuple[PhotoScale, ...]


def evaluate_sharp_worlds(
    options: SharpWorldsOptions,
    console: Console | None = None,
    driver: Driver | None = None,
    source: SceneSource | None = None,
) -> SharpWorldsReport:
    """Runs the evaluation, prints its tables, and writes worlds.json and sheets.

    Args:
        driver: draws the walks; by default our walk with the engine that the options name.
        source: gives scenes at the picture's size; by default worlds of the unseen split.

    Raises:
        KeyboardInterrupt: passed on after worlds.json was written with what was done.
        ValueError: for unusable weights or options.
    """
    console, options = console or Console(), options.resolved()
    driver = driver or WalkDriver.load(
        options, options.model_size, photo_depth=TrueDepth if options.true_depth else None
    )
    source = source or WorldSource(
        options.first_seed,
        options.views,
        options.size,
        options.textures,
        options.device,
        sharp=True,
    )
    run = _SharpWorldsRun(options, driver, source)
    try:
        # Drawn twice, and judged.
        with counting(console, 3 * options.views * options.count) as counter:
            for index in range(options.count):
                run.world(index, counter)
                run.save(complete=False)
    except KeyboardInterrupt:
        _print(console, run.save(complete=False))
        console.print(f"interrupted; what was done is in {options.out / 'worlds.json'}")
        raise
    report = run.save(complete=True)
    _print(console, report)
    return report


class _SharpWorldsRun:
    """The state of one evaluation; of the worlds only their figures are kept."""

    def __init__(self, options: SharpWorldsOptions, driver: Driver, source: SceneSource) -> None:
        self.options, self.driver, self.source = options, driver, source
        self.settings = main_method(options.walk_seed).settings
        self.yardstick = Yardstick.embedded(options.device)
        self.tally = Tally()
        self.scales: list[PhotoScale] = []
        self._started = time.monotonic()

    def world(self, index: int, counter: Counter) -> None:
        counter.now(f"world {index}: rendering")
        truth = self.source.scene(index)
        scene = at_model_size(truth, self.options.model_size)
        counter.now(f"{truth.name}: one size")
        plain = self.driver.draw(scene.of_one_size(), self.settings, None, counter.advance)
        counter.now(f"{truth.name}: two sizes")
        final = self.driver.draw(scene, self.settings, None, counter.advance)
        walks = TwoWalks(truth, final, plain)
        counter.now(f"{truth.name}: judging")
        judge_two(
            self.tally,
            walks,
            self.yardstick,
            lambda view: truth.visibility_of(truth.views[view]),
            counter.advance,
        )
        self.scales.append(PhotoScale(truth.name, final.scale))
        if index < self.options.sheets:
            path = self.options.out / "sheets" / f"{truth.name}.png"
            write_picture(sharp_sheet(walks), path)

    def save(self, complete: bool) -> SharpWorldsReport:
        """Writes worlds.json with everything known so far."""
        report = SharpWorldsReport(
            options=self.options,
            engine=self.driver.description,
            complete=complete,
            seconds=time.monotonic() - self._started,
            tables=sharp_tables(self.tally),
            scales=tuple(self.scales),
        )
        write_json(report, self.options.out / "worlds.json")
        return report


def _print(console: Console, report: SharpWorldsReport) -> None:
    (width, height), state = report.options.size, "" if report.complete else " (not complete)"
    depth = ", the photo's depth given" if report.options.true_depth else ""
    title = (
        f"{len(report.scales)} unseen worlds at {width}x{height}{depth}{state}; holes and what the "
        "photo shows (known) by true geometry; its gradient energy aims for 0.85–1.1 of the truth's"
    )
    show_sharp(console, title, report.tables)
