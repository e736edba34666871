"""`evaluate clip`: a walk along the cameras of a real posed clip.

The first frame is the photo; the walk goes out on the even frames and back on the odd ones. The
clip's unknown scale is swept once per method, for the warped photo as well. Where the clip
has measured depth, holes are those of the true geometry, else those of the warped photo.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.console import Console

from explorer.evaluation.baselines import WARP_AND_TELEA, WarpedView, warp_photo
from explorer.evaluation.clip_files import read_clip, read_clip_pictures
from explorer.evaluation.curves import draw_panels
from explorer.evaluation.drive import Driver, WalkDriver
from explorer.evaluation.judging import (
    JudgedScene,
    Tally,
    judge_baselines,
    judge_walk,
    with_true_holes,
    with_warped_holes,
)
from explorer.evaluation.methods import Method, main_method, switch_methods
from explorer.evaluation.picture_metrics import psnr, unit_colours
from explorer.evaluation.progress import Counter, counting
from explorer.evaluation.reports import write_json, write_picture
from explorer.evaluation.results import (
    DepthRecord,
    DepthSummary,
    PictureSummary,
    PoseRecord,
    PoseSummary,
    ViewRecord,
)
from explorer.evaluation.scale_sweep import (
    FINE_STEPS,
    ScaleChoice,
    coarse_scales,
    fine_scales,
    sweep,
)
from explorer.evaluation.scene_sheets import scene_sheet, walk_panels
from explorer.evaluation.scenes import Scene
from explorer.evaluation.sharp.clips import SharpClip
from explorer.evaluation.sharp.report import SharpTables, show_sharp
from explorer.evaluation.sharp.sheets import sharp_sheet
from explorer.evaluation.summaries import summarise_depths, summarise_pictures, summarise_poses
from explorer.evaluation.tables import (
    depth_table,
    look_table,
    number,
    picture_table,
    pose_table,
    show,
    table,
)
from explorer.evaluation.verdicts import Verdict, judge_against_baselines
from explorer.evaluation.yardstick.alike import Yardstick
from explorer.walk.ready import EngineOptions
from explorer.walk.sizes import MODEL_SIZE, Size, Sizes


@dataclass(frozen=True)
class ClipOptions(EngineOptions):
    """Attributes:
    folder: holds cameras.json and its pictures.
    out: folder for clip.json, curves and the sheet.
    frames: at most so many frames of the clip, every `stride`-th.
    sweep_views: views of the way out that each scale is tried on.
    switches: also run every inference switch.
    size: (width, height) whose number of pixels the pictures may have at most; None for the
        clip's own, within what a walk has by default.
    model_size: (width, height) whose number of pixels the network's pictures come near.
    caption: what the photo shows, if the model is to be told.
    """

    folder: Path
    out: Path
    frames: int = 32
    stride: int = 1
    sweep_views: int = 8
    switches: bool = False
    walk_seed: int = 0
    size: Size | None = None
    model_size: Size = MODEL_SIZE
    caption: str = ""

    def __post_init__(self) -> None:
        if self.frames < 3 or self.stride < 1 or self.sweep_views < 1:
            raise ValueError("a clip needs at least three frames, a stride and a view to sweep on")
        Sizes(self.model_size, self.size)  # refuses what does not fit

    @property
    def sizes(self) -> Sizes:
        """The model's and the picture's.

        Raises:
            SizeError: they do not fit each other.
        """
        return Sizes(self.model_size, self.size).on(self.device)


@dataclass(frozen=True)
class ClipReport:
    """Attributes:
    complete: False while running, or if it was interrupted.
    holes: "true geometry" or "warped photo".
    scales: what each method was given, and what was tried.
    sharp: a walk of two sizes beside this one, whose pictures are enlarged, at the picture's size;
        None where that is the model's.
    """

    options: ClipOptions
    engine: str
    complete: bool
    seconds: float
    holes: str
    pictures: tuple[PictureSummary, ...]
    verdicts: tuple[Verdict, ...]
    poses: tuple[PoseSummary, ...]
    depths: tuple[DepthSummary, ...]
    scales: tuple[ScaleChoice, ...]
    picture_records: tuple[ViewRecord, ...]
    pose_records: tuple[PoseRecord, ...]
    depth_records: tuple[DepthRecord, ...]
    sharp: SharpTables | None = None


def evaluate_clip(
    options: ClipOptions, console: Console | None = None, driver: Driver | None = None
) -> ClipReport:
    """Runs the evaluation, prints its tables, and writes clip.json, curves.png and sheet.png.

    Raises:
        ClipError: for an unreadable clip, one sentence.
        KeyboardInterrupt: passed on after clip.json was written with what was done.
    """
    console, options = console or Console(), options.resolved()
    frames = options.frames, options.stride
    scene = read_clip(options.folder, options.model_size, *frames, options.caption)
    pictures = read_clip_pictures(options.folder, options.sizes, *frames)
    driver = driver or WalkDriver.load(options, options.model_size)
    run = _ClipRun(options, scene, pictures, driver)
    try:
        with counting(console, run.planned_views) as counter:
            run.everything(counter)
    except KeyboardInterrupt:
        show_clip(console, run.save(complete=False))
        console.print(f"interrupted; what was done is in {options.out / 'clip.json'}")
        raise
    report = run.save(complete=True)
    write_picture(draw_panels(walk_panels(run.main_records)), options.out / "curves.png")
    show_clip(console, report)
    return report


class _ClipRun:
    """The state of one evaluation."""

    def __init__(
        self, options: ClipOptions, scene: Scene, pictures: Scene | None, driver: Driver
    ) -> None:
        self.options, self.scene, self.driver = options, scene, driver
        self.main = main_method(options.walk_seed, options.caption)
        self.sharp = (
            None
            if pictures is None
            else SharpClip(pictures, scene, driver, self.main.settings, options.sweep_views)
        )
        self.tally = Tally()
        self.scales: list[ScaleChoice] = []
        self.short = scene.shortened(options.sweep_views)
        self._started = time.monotonic()

    @property
    def methods(self) -> list[Method]:
        return [self.main, *(switch_methods(self.main) if self.options.switches else [])]

    @property
    def planned_views(self) -> int:
        each = len(FINE_STEPS) * len(self.short.views) + len(self.scene.views)
        sharp = 0 if self.sharp is None else self.sharp.planned_views
        return each * len(self.methods) + sharp

    @property
    def main_records(self) -> list[ViewRecord]:
        """The default walk and the baselines, without the switches."""
        names = (self.main.name,)
        return [r for r in self.tally.pictures if r.method in names or r.picture == "baseline"]

    def everything(self, counter: Counter) -> None:
        """Baselines, the default walk, then the switches; saved after each."""
        counter.now("the photo's depth")
        photo = self.driver.photo_view(self.scene, self.main.settings)

        def warp(scene: Scene, scale: float) -> list[WarpedView]:
            return warp_photo(scene, photo, scale)

        def warp_psnr(scale: float) -> float:
            return _mean_psnr(self.short, [view.rgb for view in warp(self.short, scale)])

        name = self.scene.name
        coarse = sweep(name, WARP_AND_TELEA, coarse_scales(self.scene), warp_psnr)
        fine = sweep(name, WARP_AND_TELEA, fine_scales(coarse.scale), warp_psnr)
        self.scales.append(replace(fine, trials=coarse.trials + fine.trials))
        warped = warp(self.scene, fine.scale)
        yardstick = Yardstick.embedded(self.options.device)
        judged = (
            with_true_holes(self.scene, yardstick)
            if self.scene.has_depth
            else with_warped_holes(self.scene, yardstick, warped)
        )
        judge_baselines(self.tally, judged, warped)
        self.save(complete=False)
        for method in self.methods:
            self._walk(judged, method, fine.scale, warped, counter)
            self.save(complete=False)

    def _walk(
        self,
        judged: JudgedScene,
        method: Method,
        around: float,
        warped: list[WarpedView],
        counter: Counter,
    ) -> None:
        def walk_psnr(scale: float) -> float:
            trace = self.driver.draw(self.short, method.settings, scale, counter.advance)
            return _mean_psnr(self.short, [view.final for view in trace.views])

        counter.now(f"{method.name}: scale")
        choice = sweep(self.scene.name, method.name, fine_scales(around), walk_psnr)
        self.scales.append(choice)
        counter.now(method.name)
        trace = self.driver.draw(self.scene, method.settings, choice.scale, counter.advance)
        judge_walk(self.tally, judged, method.name, trace)
        if method is self.main:
            write_picture(scene_sheet(judged, trace, warped), self.options.out / "sheet.png")
            if self.sharp is not None:
                self.save(complete=False)
                choice = self.sharp.scale(choice.scale, counter)
                self.scales.append(choice)
                walks = self.sharp.walk(judged, trace, choice.scale, counter)
                write_picture(sharp_sheet(walks), self.options.out / "sharp.png")

    def save(self, complete: bool) -> ClipReport:
        """Writes clip.json with everything known so far."""
        pictures = tuple(summarise_pictures(self.tally.pictures, self.tally.looks))
        report = ClipReport(
            options=self.options,
            engine=self.driver.description,
            complete=complete,
            seconds=time.monotonic() - self._started,
            holes="true geometry" if self.scene.has_depth else "warped photo",
            pictures=pictures,
            verdicts=judge_against_baselines(pictures),
            poses=tuple(summarise_poses(self.tally.poses)),
            depths=tuple(summarise_depths(self.tally.depths)),
            scales=tuple(self.scales),
            picture_records=tuple(self.tally.pictures),
            pose_records=tuple(self.tally.poses),
            depth_records=tuple(self.tally.depths),
            sharp=None if self.sharp is None else self.sharp.tables,
        )
        write_json(report, self.options.out / "clip.json")
        return report


def _mean_psnr(scene: Scene, pictures: list[NDArray[np.uint8]]) -> float:
    pairs = zip(pictures, scene.views, strict=True)
    return float(np.mean([psnr(unit_colours(picture), view.colours) for picture, view in pairs]))


def show_clip(console: Console, report: ClipReport) -> None:
    """Prints every table that has rows, and the verdicts."""
    name = report.options.folder.name
    state = "" if report.complete else " (not complete)"
    scales = [
        [choice.method, number(choice.scale, 4), number(max(t.psnr for t in choice.trials))]
        for choice in report.scales
    ]
    show(
        console,
        picture_table(f"{name}{state}; holes by {report.holes}", report.pictures),
        look_table("How alike pictures look", report.pictures),
        pose_table(report.poses),
        depth_table(report.depths),
        table("Scale, swept once per method", ["method", "median depth", "PSNR"], scales),
    )
    for verdict in report.verdicts:
        console.print(verdict.sentence)
    if report.sharp is not None:
        title = f"{name} at the picture's size{state}; what the photo shows and holes by "
        show_sharp(console, f"{title}{report.holes}", report.sharp)
