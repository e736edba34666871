"""What is left of the photo when a walk in laps comes back to its camera.

Nothing that the photo shows should be resampled twice: there, every pixel should be the photo's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from rich.table import Table

from explorer.evaluation.picture_metrics import psnr, unit_colours
from explorer.evaluation.scenes import Scene
from explorer.evaluation.tables import number, table
from explorer.evaluation.traces import WalkTrace


@dataclass(frozen=True)
class ReturnRecord:
    """The view at the photo's camera that ends a lap, against the photo.

    Attributes:
        lap: from 1; `views`: drawn since the photo.
        equal: share of pixels whose three colours are the photo's, 0–1.
        most, mean: difference of colours in 8-bit levels.
        psnr: dB.
    """

    scene: str
    lap: int
    views: int
    equal: float
    most: int
    mean: float
    psnr: float


def photo_returns(scene: Scene, trace: WalkTrace, views: int) -> list[ReturnRecord]:
    """Of a walk of laps with `views` views out and as many back, at the size people get.

    Args:
        scene: its photo has that size.
    """
    records = []
    for index, drawn in enumerate(trace.views):
        if camera_of(index, views) != 0:
            continue
        levels = np.abs(drawn.shown.astype(np.int16) - scene.photo.rgb)
        records.append(
            ReturnRecord(
                scene.name,
                index // (2 * views) + 1,
                index + 1,
                float((levels.max(axis=2) == 0).mean()),
                int(levels.max()),
                float(levels.mean()),
                psnr(unit_colours(drawn.shown), scene.photo.colours),
            )
        )
    return records


def camera_of(index: int, views: int) -> int:
    """Which camera the view `index` of a walk in laps stands at; 0 is the photo's."""
    within = index % (2 * views)
    return within + 1 if within < views else 2 * views - 1 - within


def return_table(records: Sequence[ReturnRecord]) -> Table:
    """The worst and the mean of all worlds, lap by lap."""
    rows = []
    for lap in sorted({record.lap for record in records}):
        of_lap = [record for record in records if record.lap == lap]
        rows.append(
            [
                f"after {of_lap[0].views} views",
                f"{100 * float(np.mean([r.equal for r in of_lap])):.3f} %",
                str(max(r.most for r in of_lap)),
                number(float(np.mean([r.mean for r in of_lap])), 4),
                number(min(r.psnr for r in of_lap)),
                str(len(of_lap)),
            ]
        )
    columns = ["back at the photo", "pixels equal", "most levels", "mean", "worst PSNR", "worlds"]
    return table("What is left of the photo at its own camera", columns, rows)
