"""What each retrieved view saw of a new picture: the picture's points, z-tested in that view."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from engine.geometry.projection import project, unproject
from explorer.walk.records import DrawnView
from explorer.walk.session.records import ContextPart
from memory.views import View

#: A point this much (relative) behind what a view saw there was hidden from it.
SLACK = 0.06
#: Masks are found on every n-th pixel, and enlarged.
STEP = 2
#: The sky is so many median depths away.
SKY = 1e4


def context_parts(
    drawn: DrawnView, depth: NDArray[np.float32], view_of: Callable[[int], View]
) -> tuple[ContextPart, ...]:
    """The retrieved views of `drawn`, best first.

    Args:
        depth: (H, W) of the new picture in scene units, inf = sky, nan = unknown.
        view_of: a remembered view by its id.
    """
    if not drawn.retrieved:
        return ()
    height, width = depth.shape
    finite = depth[np.isfinite(depth)]
    far = SKY * float(np.median(finite)) if len(finite) else SKY
    placed = torch.as_tensor(np.where(np.isposinf(depth), np.float32(far), depth))
    points = unproject(placed, drawn.view.camera)[STEP // 2 :: STEP, STEP // 2 :: STEP]
    rows, columns = points.shape[:2]
    parts = []
    for found in drawn.retrieved:
        view = view_of(found.view_id)
        seen = _seen(points.reshape(-1, 3), view).reshape(rows, columns)
        mask = cv2.resize(seen.astype(np.uint8), (width, height), interpolation=cv2.INTER_NEAREST)
        parts.append(ContextPart(found.view_id, found.share, view.rgb, mask > 0))
    return tuple(parts)


def _seen(points: torch.Tensor, view: View) -> NDArray[np.bool_]:
    """Which points (N, 3) of the world a view saw; nan points nobody saw."""
    projected = project(points, view.camera, view.height, view.width)
    uv, z = projected.uv.numpy(), projected.depth.numpy()
    with np.errstate(invalid="ignore"):
        inside = (z > 0) & (uv >= 0).all(1) & (uv[:, 0] < view.width) & (uv[:, 1] < view.height)
    if view.depth is None:
        return np.asarray(inside)
    seen = np.zeros(len(z), bool)
    column, row = uv[inside].astype(int).T
    there = view.depth[row, column]
    seen[inside] = z[inside] <= there * (1.0 + SLACK)
    return seen
