"""`evaluate worlds`: walks through rendered worlds that training never saw, all truth known.

Each world gives a photo and the true views of a walk out and back. The drawn views' cameras are
the true ones; since a single photo has no scale, the depth that the model draws for it is brought
to metres once, by the median ratio to the true depth, for the model and the baselines alike.
"""

from __future__ import annotations

import time

from rich.console import Console

from explorer.evaluation.baselines import warp_photo
from explorer.evaluation.drive import Driver, WalkDriver
from explorer.evaluation.judging import (
    JudgedScene,
    Tally,
    judge_baselines,
    judge_walk,
    with_true_holes,
)
from explorer.evaluation.methods import MAIN, Method, main_method, step_methods, switch_methods
from explorer.evaluation.progress import Counter, counting
from explorer.evaluation.reports import write_json, write_picture
from explorer.evaluation.scene_sheets import scene_sheet
from explorer.evaluation.scenes import SceneSource
from explorer.evaluation.seeds import SeedRecord, compare_seeds, summarise_seeds
from explorer.evaluation.steps import summarise_steps
from explorer.evaluation.summaries import (
    compare_with_baselines,
    summarise_depths,
    summarise_pictures,
    summarise_poses,
)
from explorer.evaluation.traces import WalkTrace
from explorer.evaluation.verdicts import judge_against_baselines
from explorer.evaluation.world_scenes import WorldSource
from explorer.evaluation.worlds_output import draw_curves, show_report
from explorer.evaluation.worlds_report import PhotoScale, WorldsOptions, WorldsReport
from explorer.evaluation.yardstick.alike import Yardstick


def evaluate_worlds(
    options: WorldsOptions,
    console: Console | None = None,
    driver: Driver | None = None,
    source: SceneSource | None = None,
) -> WorldsReport:
    """Runs the evaluation, prints its tables, and writes worlds.json, curves and sheets.

    Args:
        driver: draws the walks; by default our walk with the engine that the options name.
        source: gives the scenes; by default worlds of the unseen split.

    Raises:
        KeyboardInterrupt: passed on after worlds.json was written with what was done.
        ValueError: for unusable weights or options.
    """
    console, options = console or Console(), options.resolved()
    driver = driver or WalkDriver.load(options, options.model_size)
    source = source or WorldSource(
        options.first_seed, options.views, options.model_size, options.textures, options.device
    )
    run = _WorldsRun(options, driver, source)
    try:
        with counting(console, run.planned_views) as counter:
            run.everything(counter)
    except KeyboardInterrupt:
        report = run.save(complete=False)
        show_report(console, report)
        console.print(f"interrupted; what was done is in {options.out / 'worlds.json'}")
        raise
    report = run.save(complete=True)
    draw_curves(report, options.out)
    show_report(console, report)
    return report


class _WorldsRun:
    """The state of one evaluation."""

    def __init__(self, options: WorldsOptions, driver: Driver, source: SceneSource) -> None:
        self.options = options
        self.driver = driver
        self.source = source
        self.main = main_method(options.walk_seed)
        self.yardstick = Yardstick.embedded(options.device)
        self.tally, self.switch_tally, self.step_tally = Tally(), Tally(), Tally()
        self.seed_records: list[SeedRecord] = []
        self.scales: list[PhotoScale] = []
        self.step_seconds: dict[str, list[float]] = {}
        self._scenes: dict[int, JudgedScene] = {}
        self._traces: dict[int, WalkTrace] = {}
        self._started = time.monotonic()

    @property
    def planned_views(self) -> int:
        o = self.options
        per_world = len(switch_methods(self.main)) * min(o.switches, o.count)
        per_world += min(o.seeds, o.count) + len(step_methods(self.main)) * min(o.steps, o.count)
        return o.views * (o.count + per_world)

    def everything(self, counter: Counter) -> None:
        """All tables, the main one first; saved after every world."""
        o = self.options
        for index in range(o.count):
            self._main_row(index, counter)
            self.save(complete=False)
        for index in range(min(o.switches, o.count)):
            self._switches(index, counter)
            self.save(complete=False)
        for index in range(min(o.seeds, o.count)):
            self._second_seed(index, counter)
            self.save(complete=False)
        for index in range(min(o.steps, o.count)):
            self._steps(index, counter)
            self.save(complete=False)

    def _scene(self, index: int) -> JudgedScene:
        if index not in self._scenes:
            self._scenes[index] = with_true_holes(self.source.scene(index), self.yardstick)
        return self._scenes[index]

    def _draw(self, index: int, method: Method, counter: Counter) -> WalkTrace:
        judged = self._scene(index)
        counter.now(f"{judged.scene.name}: {method.name}")
        return self.driver.draw(judged.scene, method.settings, None, counter.advance)

    def _main_row(self, index: int, counter: Counter) -> None:
        judged = self._scene(index)
        trace = self._draw(index, self.main, counter)
        warped = warp_photo(judged.scene, trace.photo, trace.scale)
        judge_walk(self.tally, judged, MAIN, trace)
        judge_baselines(self.tally, judged, warped)
        self.scales.append(PhotoScale(judged.scene.name, trace.scale))
        if index < self.options.sheets:
            sheet = scene_sheet(judged, trace, warped)
            write_picture(sheet, self.options.out / "sheets" / f"{judged.scene.name}.png")
        if index < max(self.options.switches, self.options.seeds, self.options.steps):
            self._traces[index] = trace
        else:
            del self._scenes[index]

    def _switches(self, index: int, counter: Counter) -> None:
        judged = self._scene(index)
        judge_walk(self.switch_tally, judged, MAIN, self._traces[index])
        for method in switch_methods(self.main):
            judge_walk(self.switch_tally, judged, method.name, self._draw(index, method, counter))

    def _second_seed(self, index: int, counter: Counter) -> None:
        other = self._draw(index, main_method(self.options.walk_seed + 1), counter)
        self.seed_records += compare_seeds(self._scene(index), self._traces[index], other)

    def _steps(self, index: int, counter: Counter) -> None:
        for method in step_methods(self.main):
            trace = self._draw(index, method, counter)
            self.step_seconds.setdefault(method.name, []).append(trace.seconds_per_view)
            judge_walk(self.step_tally, self._scene(index), method.name, trace, cameras=False)

    def save(self, complete: bool) -> WorldsReport:
        """Writes worlds.json with everything known so far."""
        main = tuple(summarise_pictures(self.tally.pictures, self.tally.looks))
        report = WorldsReport(
            options=self.options,
            engine=self.driver.description,
            complete=complete,
            seconds=time.monotonic() - self._started,
            main=main,
            comparisons=tuple(compare_with_baselines(self.tally.pictures)),
            verdicts=judge_against_baselines(main),
            poses=tuple(summarise_poses(self.tally.poses)),
            depths=tuple(summarise_depths(self.tally.depths)),
            switches=tuple(summarise_pictures(self.switch_tally.pictures, self.switch_tally.looks)),
            switch_poses=tuple(summarise_poses(self.switch_tally.poses)),
            switch_depths=tuple(summarise_depths(self.switch_tally.depths)),
            seeds=tuple(summarise_seeds(self.seed_records)),
            steps=tuple(summarise_steps(self.step_tally, self.step_seconds)),
            scales=tuple(self.scales),
            picture_records=tuple(self.tally.pictures),
            switch_records=tuple(self.switch_tally.pictures),
            pose_records=tuple(self.tally.poses + self.switch_tally.poses),
            depth_records=tuple(self.tally.depths),
            seed_records=tuple(self.seed_records),
        )
        write_json(report, self.options.out / "worlds.json")
        return report
