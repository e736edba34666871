"""Results as tables for people."""

from __future__ import annotations

import math
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from engine.geometry.depth_boundaries import BoundaryScore
from explorer.evaluation.depths import REACHES
from explorer.evaluation.results import (
    GRADIENT_RANGE,
    Comparison,
    DepthSummary,
    PictureSummary,
    PoseSummary,
)
from explorer.evaluation.yardstick.together import KernelDistance

#: Columns that a table of figures needs; narrower terminals wrap it.
LEAST_WIDTH = 160


def number(value: float | None, digits: int = 2) -> str:
    """A number for a table cell; a dash where there is none."""
    if value is None or not math.isfinite(value):
        return "–"
    return f"{value:.{digits}f}"


def table(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> Table:
    """A table whose first column is text and whose others are numbers."""
    made = Table(title=title, title_justify="left")
    for index, column in enumerate(columns):
        made.add_column(column, justify="left" if index == 0 else "right", no_wrap=True)
    for row in rows:
        made.add_row(*row)
    return made


def picture_table(title: str, summaries: Sequence[PictureSummary]) -> Table:
    """PSNR and SSIM out and back, whole and in holes."""
    low, high = GRADIENT_RANGE
    rows = []
    for s in summaries:
        mark = " ✓" if low <= s.hole_gradient <= high else ""
        rows.append(
            [
                s.method if s.picture == "baseline" else f"{s.method} · {s.picture}",
                number(s.psnr),
                f"{number(s.psnr_out)} / {number(s.psnr_back)}",
                number(s.ssim, 3),
                f"{number(s.ssim_out, 3)} / {number(s.ssim_back, 3)}",
                number(s.hole_psnr),
                f"{number(s.hole_psnr_out)} / {number(s.hole_psnr_back)}",
                number(s.hole_ssim, 3),
                number(s.hole_gradient) + mark,
                str(s.views),
            ]
        )
    columns = ["method · picture", "PSNR", "out / back", "SSIM", "out / back"]
    columns += ["hole PSNR", "out / back", "SSIM", "gradient", "views"]
    return table(title, columns, rows)


def kernel_number(found: KernelDistance | None) -> str:
    """With its standard error; a dash where the pictures were too few."""
    if found is None:
        return number(None)
    return f"{number(found.mean)} ± {number(found.standard_error)}"


def look_table(title: str, summaries: Sequence[PictureSummary]) -> Table:
    """Distances of looks out and back, whole and in holes, and kernel distances of the sets."""
    rows = [
        [
            s.method if s.picture == "baseline" else f"{s.method} · {s.picture}",
            number(s.distance, 3),
            f"{number(s.distance_out, 3)} / {number(s.distance_back, 3)}",
            number(s.hole_distance, 3),
            f"{number(s.hole_distance_out, 3)} / {number(s.hole_distance_back, 3)}",
            kernel_number(s.kernel_distance),
            kernel_number(s.hole_kernel_distance),
            str(s.views),
        ]
        for s in summaries
        if math.isfinite(s.distance)
    ]
    columns = ["less is better", "distance", "out / back", "in holes", "out / back"]
    columns += ["KID", "KID of holes", "views"]
    return table(title, columns, rows)


def boundary_cells(scores: Sequence[BoundaryScore]) -> list[str]:
    """Precision and recall of depth boundaries for each reach; dashes where none were judged."""
    if not scores:
        return [number(None)] * len(REACHES)
    return [f"{number(s.precision, 3)} / {number(s.recall, 3)}" for s in scores]


#: Over `boundary_cells`.
BOUNDARY_COLUMNS = tuple(f"edges P / R, {reach} px" for reach in REACHES)


def comparison_table(comparisons: Sequence[Comparison]) -> Table:
    """Who wins, by how much, and how surely."""
    rows = [
        [
            f"{c.method} − {c.baseline}",
            c.measure,
            f"{c.difference:+.3f}",
            number(c.standard_error, 3),
            f"{c.wins}/{c.scenes}",
        ]
        for c in comparisons
    ]
    columns = ["difference", "measure", "mean", "± s.e.", "wins"]
    return table("Against the baselines, scene by scene", columns, rows)


def pose_table(summaries: Sequence[PoseSummary]) -> Table:
    """Camera errors of drawn views."""
    rows = [
        [
            s.method,
            f"{number(s.rotation_degrees_median)} / {number(s.rotation_degrees_mean)}",
            f"{number(s.translation_median, 3)} / {number(s.translation_mean, 3)}",
            f"{s.failures}/{s.views}",
        ]
        for s in summaries
    ]
    columns = ["method · raw picture", "rotation ° (median / mean)"]
    columns += ["translation / σ (median / mean)", "failures"]
    return table("Cameras of drawn views, by matching to the true views", columns, rows)


def depth_table(summaries: Sequence[DepthSummary]) -> Table:
    """AbsRel and δ<1.25 after three kinds of alignment, and boundaries."""
    rows = [
        [
            f"{s.method} · {s.which}",
            *(
                f"{number(score.abs_rel, 3)} / {number(score.delta1, 3)}"
                for score in (s.by_scale, s.by_scale_shift, s.by_walk_scale)
            ),
            *boundary_cells(s.boundaries),
            str(s.views),
        ]
        for s in summaries
    ]
    columns = ["depth (AbsRel / δ<1.25)", "view's own scale", "own scale–shift"]
    columns += ["the photo's scale", *BOUNDARY_COLUMNS, "views"]
    return table("Depth against true depth", columns, rows)


def show(console: Console, *tables: Table) -> None:
    """Prints the tables that have rows."""
    width = console.width
    console.width = max(width, LEAST_WIDTH)
    try:
        for made in tables:
            if made.row_count:
                console.print(made)
    finally:
        console.width = width
