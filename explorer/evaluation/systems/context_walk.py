"""Seed 003: the walk there and back, with one part of its context switched off at a time."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from io import StringIO
from pathlib import Path

from rich.console import Console

from explorer.evaluation.systems.published import GEOMETRY_AS_CONTEXT
from explorer.evaluation.systems.tables import SystemRow, SystemTable
from explorer.evaluation.worlds import evaluate_worlds
from explorer.evaluation.worlds_report import WorldsOptions, WorldsReport
from explorer.walk.ready import EngineOptions

#: What the switches of `evaluate worlds` are called in the document.
_NAMES = {
    "walk": "geometry and warp as context",
    "hint off": "geometry as context (variant 1)",
    "depth context off": "warp, no geometry as context (near variant 2)",
    "hint off, depth context off": "pictures alone (variant 3)",
    "depth every 4": "geometry dropout, 3 of 4 views",
}


@dataclass(frozen=True)
class WalkOptions(EngineOptions):
    """`views` of each walk, half there and half back."""

    out: Path
    count: int
    views: int = 12
    seed: int = 0


def variants_table(options: WalkOptions, tell: Callable[[], None]) -> SystemTable:
    """Tables 1 to 3 and 6 of the document, by switches of one set of weights."""
    report = evaluate_worlds(
        WorldsOptions(
            out=options.out,
            views=options.views,
            count=options.count,
            switches=options.count,
            seeds=0,
            steps=0,
            sheets=0,
            walk_seed=options.seed,
            **vars(options.engine_options),
        ),
        Console(file=StringIO()),
    )
    for _ in range(options.count):
        tell()
    published = [
        replace(row, values=(*row.values, math.nan, math.nan, math.nan))
        for row in GEOMETRY_AS_CONTEXT
    ]
    return SystemTable(
        3,
        f"{options.views} views there and back in {options.count} unseen worlds, raw pictures",
        (
            *("PSNR out ↑", "PSNR back ↑", "R_err, rad ↓", "T_err / σ ↓", "s a view ↓"),
            *("distance ↓", "in holes ↓", "KID ↓"),
        ),
        (2, 2, 3, 3, 2, 3, 3, 2),
        (*_rows(report), *published),
        (
            "Switches of one set of weights that was trained with all of them; the document "
            "trains a model for each row.",
        ),
    )


def _rows(report: WorldsReport) -> list[SystemRow]:
    poses = {p.method: p for p in (*report.poses, *report.switch_poses)}
    rows = []
    for summary in report.switches:
        if summary.picture != "raw" or summary.method not in _NAMES:
            continue
        pose = poses.get(summary.method)
        turned = math.radians(pose.rotation_degrees_mean) if pose else math.nan
        moved = pose.translation_mean if pose else math.nan
        kernel = summary.kernel_distance
        looks = (
            summary.distance,
            summary.hole_distance,
            kernel.mean if kernel else math.nan,
        )
        rows.append(
            SystemRow(
                _NAMES[summary.method],
                (summary.psnr_out, summary.psnr_back, turned, moved, math.nan, *looks),
            )
        )
    return rows
