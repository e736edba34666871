"""Do two seeds agree where the memory knows, and differ where they must invent?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from explorer.evaluation.judging import JudgedScene
from explorer.evaluation.picture_metrics import SMALLEST_HOLE_SHARE, psnr, unit_colours
from explorer.evaluation.traces import WalkTrace


@dataclass(frozen=True)
class SeedRecord:
    """Two pictures of one view, drawn with different seeds, against each other.

    Attributes:
        covered_rmse, hole_rmse: root mean squared colour difference (colours in [0, 1]) where the
            photo shows the surface and where it does not; None where that part is too small.
    """

    scene: str
    picture: str
    index: int
    covered_rmse: float | None
    hole_rmse: float | None


@dataclass(frozen=True)
class SeedSummary:
    """Means over views; `ratio` is hole over covered: above 1, seeds differ where they should."""

    picture: str
    views: int
    covered_rmse: float
    hole_rmse: float
    covered_psnr: float
    hole_psnr: float
    ratio: float


def compare_seeds(judged: JudgedScene, one: WalkTrace, other: WalkTrace) -> list[SeedRecord]:
    """Final and raw pictures of every view of two walks that differ only in their seed."""
    records = []
    for index, (a, b) in enumerate(zip(one.views, other.views, strict=True)):
        masks = (judged.seen[index], judged.holes[index])
        for picture, first, second in (("final", a.final, b.final), ("raw", a.raw, b.raw)):
            distances = [
                None
                if mask is None or mask.mean() < SMALLEST_HOLE_SHARE
                else 10.0 ** (-psnr(unit_colours(first), unit_colours(second), mask) / 20.0)
                for mask in masks
            ]
            records.append(
                SeedRecord(judged.scene.name, picture, index + 1, distances[0], distances[1])
            )
    return records


def summarise_seeds(records: Sequence[SeedRecord]) -> list[SeedSummary]:
    """One summary per kind of picture, over the views that have both parts."""
    summaries = []
    for picture in dict.fromkeys(record.picture for record in records):
        pairs = np.array(
            [
                (record.covered_rmse, record.hole_rmse)
                for record in records
                if record.picture == picture
                and record.covered_rmse is not None
                and record.hole_rmse is not None
            ]
        )
        if not len(pairs):
            continue
        covered, hole = pairs.mean(axis=0)
        psnrs = (-20.0 * np.log10(np.maximum(pairs, 1e-6))).mean(axis=0)
        summaries.append(
            SeedSummary(
                picture,
                len(pairs),
                float(covered),
                float(hole),
                float(psnrs[0]),
                float(psnrs[1]),
                float(hole / max(covered, 1e-9)),
            )
        )
    return summaries
