"""The forth-and-back test: fly out and back, and see whether the place is still the same."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from engine.geometry.cameras import Camera
from engine.geometry.paths import FORTH_AND_BACK, named_path, room_ahead, way_out_views
from engine.geometry.pictures import median_depth
from engine.geometry.rendering import render_surfels
from engine.geometry.surfels import surfels_from_view
from explorer.walk.agreement import agreement
from explorer.walk.motion.nearness import nearness
from explorer.walk.session.records import Node
from explorer.walk.session.session import Session
from explorer.walk.walk import WalkError
from memory.views import View


@dataclass(frozen=True)
class RevisitScore:
    """Attributes:
    psnr_db: of each view of the way back against the nearest view of the way out, which is
        warped to it by its own depth and compared where it is seen; None where it is not.
    """

    psnr_db: tuple[float | None, ...]


def forth_and_back_cameras(session: Session, views: int, name: str = "forward") -> list[Camera]:
    """Cameras out from the head's and back between them.

    Raises:
        WalkError: the head has no depth that says how far one may go.
        PathError: no such path.
    """
    head = session.line()[-1]
    depth = session.read(head.id).view.depth
    if depth is None:
        raise WalkError("this view has no depth yet; ask for its geometry first (G)")
    known = torch.as_tensor(np.array(depth))
    path = f"{FORTH_AND_BACK}:{name}"
    return named_path(path, views, head.camera, median_depth(known), room_ahead(known))


def revisit_score(session: Session, nodes: Sequence[Node], name: str = "forward") -> RevisitScore:
    """Of a flight forth and back.

    Args:
        nodes: the view it began at, then those of the flight.
    """
    out = 1 + way_out_views(f"{FORTH_AND_BACK}:{name}", len(nodes) - 1)
    before = [n for n in nodes[:out] if session.read(n.id).view.depth is not None]
    scores = []
    for node in nodes[out:]:
        earlier = min(before, key=lambda n: nearness(n.camera, node.camera, 1.0).shift)
        scores.append(_compared(session.read(earlier.id).view, session.read(node.id).view))
    return RevisitScore(tuple(scores))


def _compared(earlier: View, later: View) -> float | None:
    """PSNR of the later picture against the earlier one, seen from the later camera."""
    rgb = torch.as_tensor(earlier.rgb.astype(np.float32) / np.float32(255))
    depth: NDArray[np.float32] = np.array(earlier.depth)
    seen = surfels_from_view(rgb, torch.as_tensor(depth), earlier.camera, earlier.id)
    warped = render_surfels(seen.surfels, later.camera, later.height, later.width, sky=seen.sky)
    return agreement(torch.tensor(later.rgb), warped.rgb, warped.coverage)
