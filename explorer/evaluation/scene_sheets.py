"""The sheet and the curves of judged walks."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from explorer.evaluation.baselines import WARP_AND_TELEA, WarpedView
from explorer.evaluation.curves import Curve, Panel
from explorer.evaluation.judging import JudgedScene
from explorer.evaluation.results import ViewRecord
from explorer.evaluation.sheets import (
    SheetRow,
    depth_colours,
    draw_sheet,
    evenly,
    hole_overlay,
)
from explorer.evaluation.traces import WalkTrace

_COLUMNS = 6


def scene_sheet(
    judged: JudgedScene, trace: WalkTrace, warped: Sequence[WarpedView]
) -> NDArray[np.uint8]:
    """Truth, holes, final, raw, warp, repeated photo and depth of a few views, (H, W, 3) uint8."""
    scene = judged.scene
    shown = evenly(len(scene.views), _COLUMNS)
    truths = [scene.views[i] for i in shown]
    drawn = [trace.views[i] for i in shown]
    holes = [judged.holes[i] for i in shown]
    photo_depth = trace.photo_depth
    finite = photo_depth[np.isfinite(photo_depth)]
    near, far = np.percentile(finite, [1, 99]) if finite.size else (1.0, 10.0)

    def depth(picture: NDArray[np.float32] | None) -> NDArray[np.uint8] | None:
        return None if picture is None else depth_colours(picture, float(near), float(far))

    rows = [
        SheetRow("truth", tuple(view.rgb for view in truths)),
        SheetRow(
            "holes",
            tuple(
                None if hole is None else hole_overlay(view.rgb, hole)
                for view, hole in zip(truths, holes, strict=True)
            ),
        ),
        SheetRow("final", tuple(view.final for view in drawn)),
        SheetRow("raw", tuple(view.raw for view in drawn)),
        SheetRow(WARP_AND_TELEA, tuple(warped[i].rgb for i in shown)),
        SheetRow("photo", tuple(scene.photo.rgb for _ in shown)),
        SheetRow("drawn depth", tuple(depth(view.depth) for view in drawn)),
        SheetRow("true depth", tuple(depth(view.depth) for view in truths)),
        SheetRow("photo's depth, drawn and true", (depth(photo_depth), depth(scene.photo.depth))),
    ]
    columns = [f"{i + 1} {scene.ways[i].value}" for i in shown]
    full = [
        SheetRow(row.label, row.pictures + (None,) * (len(columns) - len(row.pictures)))
        for row in rows
        if any(picture is not None for picture in row.pictures)
    ]
    return draw_sheet(columns, full)


def walk_panels(records: Sequence[ViewRecord]) -> list[Panel]:
    """PSNR, SSIM and PSNR in holes along the walk, means over scenes."""
    keys = dict.fromkeys((record.method, record.picture) for record in records)
    indices = sorted({record.index for record in records})

    def curve(key: tuple[str, str], measure: str) -> Curve:
        means = []
        for index in indices:
            values = [
                value
                for record in records
                if (record.method, record.picture) == key and record.index == index
                for value in [_measure(record, measure)]
                if value is not None
            ]
            means.append(float(np.mean(values)) if values else float("nan"))
        label = key[0] if key[1] == "baseline" else key[1]
        return Curve(label, tuple(float(i) for i in indices), tuple(means))

    titles = {
        "psnr": "PSNR (dB)",
        "ssim": "SSIM",
        "distance": "distance of looks",
        "hole_psnr": "PSNR in holes (dB)",
        "hole_distance": "distance of looks in holes",
    }
    return [
        Panel(title, "view (way out, then way back)", tuple(curve(key, name) for key in keys))
        for name, title in titles.items()
    ]


def _measure(record: ViewRecord, measure: str) -> float | None:
    name = measure.removeprefix("hole_")
    judged = record.score if name == measure else record.score.holes
    return None if judged is None else float(getattr(judged, name))
