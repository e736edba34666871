"""What a journal recorded, as the exporters want it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engine.geometry.surfels import Surfels
from explorer.walk.export import ExportInput, PointCloud
from explorer.walk.journal import RecordedViews


def recorded_input(
    views: RecordedViews, points: Surfels, scale: float = 1.0, raw: bool = False, fps: float = 10.0
) -> ExportInput:
    """Pictures are read from the disk one by one, when they are written.

    Args:
        points: the fused cloud of these views, `Memory.points` of a memory that was given them.
        scale: σ, the photo's median depth, in scene units.
        raw: the model's pictures instead of the final ones.
        fps: of the videos.
    """
    return ExportInput(
        cameras=views.cameras,
        frames=views.arrays("raw_rgb" if raw else "rgb"),
        depths=views.arrays("depth"),
        points=PointCloud.from_surfels(points),
        names=[picture_name(i) for i in range(len(views))],
        labels=[_label(entry) for entry in views.descriptions],
        scale=scale,
        fps=fps,
    )


def picture_name(view_id: int) -> str:
    """Stem of a view's picture files."""
    return f"{view_id:04d}"


def _label(entry: Mapping[str, Any]) -> str:
    if entry["view"] == 0:
        return "photo"
    return f"view {entry['view']}, {entry['coverage']:.0%} known"
