"""`evaluate photos`: depth of single photos whose depth is known, beside what needs no model.

A photo is a frame of a posed clip with measured depth, or the first view of a rendered world. A
plain ramp from top to bottom is a strong opponent after scale and shift, since most photos show a
floor; a constant is the weakest. Where the truth is rendered, boundaries are judged as well.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from engine.training.sequences import SequenceFolder, read_sequence
from explorer.evaluation.clip_files import ClipError, read_photos
from explorer.evaluation.depths import median_ratio, score_depth
from explorer.evaluation.drive import Driver, WalkDriver
from explorer.evaluation.methods import main_method
from explorer.evaluation.progress import Counter, counting
from explorer.evaluation.reports import write_json, write_picture
from explorer.evaluation.results import DepthRecord, DepthSummary
from explorer.evaluation.scenes import Scene, TrueView
from explorer.evaluation.sheets import SheetRow, depth_colours, draw_sheet, evenly
from explorer.evaluation.summaries import summarise_depths
from explorer.evaluation.tables import BOUNDARY_COLUMNS, boundary_cells, number, show, table
from explorer.evaluation.traces import drawn_depth
from explorer.walk.ready import EngineOptions

Depth = NDArray[np.float32]

MODEL, RAMP, CONSTANT = "model", "ramp", "constant"


@dataclass(frozen=True)
class PhotosOptions(EngineOptions):
    """Attributes:
    folders: posed clips with depth (cameras.json), or rendered worlds (npz).
    out: folder for photos.json and sheet.png.
    frames: photos of each folder, evenly spread over it.
    size: (width, height) whose number of pixels is aimed for; rendered worlds keep theirs.
    shown: photos of each folder on the sheet.
    """

    folders: tuple[Path, ...]
    out: Path
    frames: int = 40
    size: tuple[int, int] = (256, 144)
    shown: int = 6
    walk_seed: int = 0

    def __post_init__(self) -> None:
        if not self.folders or self.frames < 1:
            raise ValueError("name at least one folder, and at least one photo of each")


@dataclass(frozen=True)
class FolderScores:
    """What the photos of one folder score, by method."""

    folder: str
    depths: tuple[DepthSummary, ...]


@dataclass(frozen=True)
class PhotosReport:
    """Attributes:
    complete: False while running, or if it was interrupted.
    """

    options: PhotosOptions
    engine: str
    complete: bool
    seconds: float
    folders: tuple[FolderScores, ...]
    records: tuple[DepthRecord, ...]


def evaluate_photos(
    options: PhotosOptions, console: Console | None = None, driver: Driver | None = None
) -> PhotosReport:
    """Runs the evaluation, prints its table, and writes photos.json and sheet.png.

    Raises:
        ClipError: a folder is neither a clip with depth nor one of rendered worlds, or unreadable.
        KeyboardInterrupt: passed on after photos.json was written with what was done.
    """
    console, options = console or Console(), options.resolved()
    given = {folder: _photos_in(folder, options) for folder in options.folders}
    run = _PhotosRun(options, driver or WalkDriver.load(options, options.size))
    try:
        with counting(console, sum(map(len, given.values()))) as counter:
            for folder, photos in given.items():
                name = _name(folder, options)
                counter.now(name)
                run.judge(name, photos, not _is_clip(folder), counter)
        write_picture(draw_sheet(("photo", "drawn depth", "true depth"), run.rows), run.sheet)
        return run.write(complete=True)
    except BaseException:
        run.write(complete=False)
        raise
    finally:
        show(console, _table(run.summaries()))


def _name(folder: Path, options: PhotosOptions) -> str:
    """Its last part, or all of it where another folder ends alike."""
    alike = [other for other in options.folders if other.name == folder.name]
    return folder.name if len(alike) == 1 else str(folder)


def _is_clip(folder: Path) -> bool:
    """Recorded, so that its depth is measured; that of rendered worlds is exact."""
    return (folder / "cameras.json").is_file()


def _photos_in(folder: Path, options: PhotosOptions) -> list[TrueView]:
    if _is_clip(folder):
        return read_photos(folder, options.size, options.frames)
    try:
        files = SequenceFolder([folder]).files
    except ValueError as error:
        raise ClipError(
            f"{folder} holds neither a cameras.json with depth nor rendered worlds (*.npz)"
        ) from error
    return [_first_view(files[index]) for index in evenly(len(files), options.frames)]


def _first_view(path: Path) -> TrueView:
    world = read_sequence(path)
    rgb = (world.rgb[0].permute(1, 2, 0).numpy() * 255.0).round().astype(np.uint8)
    return TrueView(rgb, world.depth[0, 0].numpy(), world.cameras[0])


def opponents(height: int, width: int) -> dict[str, Depth]:
    """Depths (H, W) that anybody can guess without looking."""
    inverse = np.linspace(0.5, 1.5, height, dtype=np.float32)[:, None].repeat(width, 1)
    return {RAMP: 1.0 / inverse, CONSTANT: np.ones((height, width), np.float32)}


class _PhotosRun:
    """What was measured so far."""

    def __init__(self, options: PhotosOptions, driver: Driver) -> None:
        self.options, self.driver = options, driver
        self.started = time.monotonic()
        self.records: dict[str, list[DepthRecord]] = {}
        self.rows: list[SheetRow] = []

    @property
    def sheet(self) -> Path:
        return self.options.out / "sheet.png"

    def judge(self, name: str, photos: Sequence[TrueView], exact: bool, counter: Counter) -> None:
        """Photos of one folder; boundaries of depth only where it is `exact`."""
        kept = self.records.setdefault(name, [])
        on_sheet = evenly(len(photos), self.options.shown)
        for index, photo in enumerate(photos):
            assert photo.depth is not None
            scene = Scene(f"{name} {index}", "", photo, (), ())
            settings = main_method(self.options.walk_seed).settings
            drawn = drawn_depth(self.driver.photo_view(scene, settings))
            methods = {MODEL: drawn} | opponents(*photo.depth.shape)
            scores = [
                score_depth(scene.name, m, 0, d, photo.depth, exact) for m, d in methods.items()
            ]
            kept += [score for score in scores if score is not None]
            if index in on_sheet and scores[0] is not None:
                self.rows.append(_row(scene.name, photo, drawn))
            counter.advance()

    def summaries(self) -> list[FolderScores]:
        return [
            FolderScores(name, tuple(summarise_depths(records)))
            for name, records in self.records.items()
        ]

    def write(self, complete: bool) -> PhotosReport:
        report = PhotosReport(
            self.options,
            self.driver.description,
            complete,
            time.monotonic() - self.started,
            tuple(self.summaries()),
            tuple(record for records in self.records.values() for record in records),
        )
        write_json(report, self.options.out / "photos.json")
        return report


def _row(label: str, photo: TrueView, drawn: Depth) -> SheetRow:
    truth = photo.depth
    assert truth is not None
    known = truth[np.isfinite(truth)]
    near, far = (float(q) for q in np.quantile(known, (0.02, 0.98)))
    scaled = drawn * np.float32(median_ratio(drawn, truth))
    pictures = (photo.rgb, depth_colours(scaled, near, far), depth_colours(truth, near, far))
    return SheetRow(label.replace(" ", ", "), pictures)


def _table(scores: Sequence[FolderScores]) -> Table:
    rows = [
        [
            f"{folder.folder} · {s.method}",
            *(
                f"{number(score.abs_rel, 3)} / {number(score.delta1, 3)}"
                for score in (s.by_scale, s.by_scale_shift)
            ),
            *boundary_cells(s.boundaries),
            str(s.views),
        ]
        for folder in scores
        for s in folder.depths
    ]
    columns = ["depth (AbsRel / δ<1.25)", "photo's own scale", "own scale–shift"]
    return table("Depth of single photos", [*columns, *BOUNDARY_COLUMNS, "photos"], rows)
