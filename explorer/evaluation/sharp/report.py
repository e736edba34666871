"""The figures of a walk of two sizes, beside one of one size enlarged, and their tables."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import Console

from explorer.evaluation.judging import Tally
from explorer.evaluation.results import (
    Comparison,
    DepthRecord,
    DepthSummary,
    PictureSummary,
    ViewRecord,
)
from explorer.evaluation.sharp.judging import ENLARGED, FINAL
from explorer.evaluation.summaries import (
    MEASURES,
    SHARP_MEASURES,
    compare,
    summarise_depths,
    summarise_pictures,
)
from explorer.evaluation.tables import comparison_table, depth_table, number, show, table

#: Gradient energy over the truth's where the photo shows it: a picture as sharp as the truth.
SHARP_RANGE = (0.85, 1.1)


@dataclass(frozen=True)
class SceneRows:
    """One scene: the picture that people get, and today's enlarged."""

    scene: str
    final: PictureSummary
    enlarged: PictureSummary


@dataclass(frozen=True)
class SharpTables:
    """Attributes:
    rows: means over all views, the final picture first.
    scenes: the same scene by scene.
    comparisons: final against enlarged, paired by scene; `wins` are scenes in which it is ahead.
    """

    rows: tuple[PictureSummary, ...]
    scenes: tuple[SceneRows, ...]
    comparisons: tuple[Comparison, ...]
    depths: tuple[DepthSummary, ...]
    picture_records: tuple[ViewRecord, ...]
    depth_records: tuple[DepthRecord, ...]


def sharp_tables(tally: Tally) -> SharpTables:
    """From the records so far."""
    records = tally.pictures
    names = dict.fromkeys(record.scene for record in records)
    measures = (*MEASURES, *SHARP_MEASURES)
    return SharpTables(
        rows=tuple(summarise_pictures(records)),
        scenes=tuple(
            SceneRows(name, *summarise_pictures([r for r in records if r.scene == name]))
            for name in names
        ),
        comparisons=tuple(compare(records, FINAL, ENLARGED, measures)),
        depths=tuple(summarise_depths(tally.depths)),
        picture_records=tuple(records),
        depth_records=tuple(tally.depths),
    )


def show_sharp(console: Console, title: str, tables: SharpTables) -> None:
    """Prints every table that has rows."""
    show(
        console,
        table(title, ["picture", *_COLUMNS], [_cells(row) for row in tables.rows]),
        table(
            "Scene by scene, final / enlarged",
            ["scene", "PSNR", "SSIM", "distance", "known: gradient", "PSNR", "holes: PSNR"],
            _scene_cells(tables.scenes) if len(tables.scenes) > 1 else [],
        ),
        comparison_table(tables.comparisons),
        depth_table(tables.depths),
    )


_COLUMNS = ["PSNR", "out / back", "reduced", "SSIM", "distance"]
_COLUMNS += ["known: PSNR", "SSIM", "distance", "gradient", "median"]
_COLUMNS += ["holes: PSNR", "distance", "gradient", "views"]


def _cells(row: PictureSummary) -> list[str]:
    known = [number(None)] * 5
    if row.known is not None:
        k, (low, high) = row.known, SHARP_RANGE
        mark = " ✓" if low <= k.gradient <= high else ""
        known = [number(k.psnr), number(k.ssim, 3), number(k.distance, 3)]
        known += [number(k.gradient) + mark, number(k.gradient_median)]
    return [
        row.method if row.picture == "baseline" else row.picture,
        number(row.psnr),
        f"{number(row.psnr_out)} / {number(row.psnr_back)}",
        number(row.reduced_psnr),
        number(row.ssim, 3),
        number(row.distance, 3),
        *known,
        number(row.hole_psnr),
        number(row.hole_distance, 3),
        number(row.hole_gradient),
        str(row.views),
    ]


def _scene_cells(scenes: Sequence[SceneRows]) -> list[list[str]]:
    def both(one: float, other: float, digits: int = 2) -> str:
        return f"{number(one, digits)} / {number(other, digits)}"

    rows = []
    for each in scenes:
        a, b = each.final, each.enlarged
        rows.append(
            [
                each.scene,
                both(a.psnr, b.psnr),
                both(a.ssim, b.ssim, 3),
                both(a.distance, b.distance, 3),
                *(both(*pair) for pair in zip(_known(a), _known(b), strict=True)),
                both(a.hole_psnr, b.hole_psnr),
            ]
        )
    return rows


def _known(row: PictureSummary) -> tuple[float, float]:
    """Gradient energy over the truth's, and PSNR, of what the photo shows."""
    return (math.nan, math.nan) if row.known is None else (row.known.gradient, row.known.psnr)
