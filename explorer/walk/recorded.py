"""What a journal recorded, as the exporters want it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.geometry.surfels import Surfels
from explorer.walk.export import ExportInput, PointCloud
from explorer.walk.export.dense_points import DenseViews, dense_cloud
from explorer.walk.journal import RecordedViews
from explorer.walk.shown import ShownDepths, ShownFrames, picture_size


def recorded_input(
    views: RecordedViews,
    points: Surfels | None,
    scale: float = 1.0,
    raw: bool = False,
    fps: float = 10.0,
) -> ExportInput:
    """Pictures are read from the disk one by one, when they are written, all at one size.

    Args:
        points: the fused cloud of these views, `Memory.points` of a memory that was given them;
            None for the dense one, a point a pixel.
        scale: σ, the photo's median depth, in scene units.
        raw: the model's pictures instead of the final ones.
        fps: of the videos.
    """
    size = picture_size(views)
    frames, depths = ShownFrames(views, raw, size), ShownDepths(views, size)
    return ExportInput(
        cameras=views.cameras,
        frames=frames,
        depths=depths,
        points=PointCloud.from_surfels(points)
        if points is not None
        else dense_cloud(
            DenseViews(views.cameras, ShownFrames(views, False, size), depths, _Added(views))
        ),
        png_of=frames.png,
        names=[picture_name(i) for i in range(len(views))],
        labels=[_label(entry) for entry in views.descriptions],
        scale=scale,
        fps=fps,
    )


class _Added(Sequence[NDArray[np.bool_]]):
    """(h, w) bool of each view: what the memory knew nothing of when it was drawn."""

    def __init__(self, views: RecordedViews) -> None:
        self._sources, self._coverage = views.arrays("source_ids"), views.arrays("coverage")

    def __len__(self) -> int:
        return len(self._coverage)

    def __getitem__(self, index: Any) -> Any:
        sources = self._sources[index]
        return self._coverage[index] == 0 if sources is None else sources < 0


def picture_name(view_id: int) -> str:
    """Stem of a view's picture files."""
    return f"{view_id:04d}"


def _label(entry: Mapping[str, Any]) -> str:
    if entry["view"] == 0:
        return "photo"
    return f"view {entry['view']}, {entry['coverage']:.0%} known"
