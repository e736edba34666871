"""The line of a session, as the exporters want it."""

from __future__ import annotations

from explorer.walk.export import ExportInput
from explorer.walk.journal import read_journal
from explorer.walk.recorded import recorded_input
from explorer.walk.session.session import Session


def session_export_input(
    session: Session, raw: bool = False, fps: float = 10.0, dense: bool = False
) -> ExportInput:
    """From the photo to the head; pictures are read from the disk one by one.

    Args:
        raw: the model's pictures instead of the final ones.
        fps: of the videos.
        dense: a point a pixel instead of the fused cloud.
    """
    views = read_journal(session.folder).views
    points = None if dense else session.points()
    return recorded_input(views, points, session.scene_scale, raw, fps)
