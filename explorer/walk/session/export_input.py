"""The line of a session, as the exporters want it."""

from __future__ import annotations

from explorer.walk.export import ExportInput, PointCloud
from explorer.walk.journal import read_journal
from explorer.walk.output import picture_name
from explorer.walk.session.session import Session


def session_export_input(session: Session, raw: bool = False, fps: float = 10.0) -> ExportInput:
    """From the photo to the head; pictures are read from the disk one by one.

    Args:
        raw: the model's pictures instead of the final ones.
        fps: of the videos.
    """
    views = read_journal(session.folder).views
    return ExportInput(
        cameras=views.cameras,
        frames=views.arrays("raw_rgb" if raw else "rgb"),
        depths=views.arrays("depth"),
        points=PointCloud.from_surfels(session.points()),
        names=[picture_name(i) for i in range(len(views))],
        scale=session.scene_scale,
        fps=fps,
    )
