"""What remembered views show to a camera that stands where one of them stood.

Points exist only where a depth is sure: rims, fine branches and far façades leave gaps among them,
also for the very camera that saw those. From the same place no depth is needed: the picture is
turned about its centre (the homography K R K⁻¹ of a rotation; Hartley and Zisserman, "Multiple
View Geometry", §8.4.2), and what no point carries comes back as it was.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.geometry.cameras import Camera
from memory.retrieval.query import Poses
from memory.views import View

Floats = NDArray[np.float32]

#: The nearest surface of a view may move by this many pixels between the two places.
PARALLAX = 0.5
#: A camera turned by less than this many pixels asks for the very picture that a view shows.
TURNED = 0.5
#: The id of the one view that was not drawn.
PHOTO = 0
#: What counts as a view's nearest surface: this quantile of its depth.
_NEAREST = 0.02
#: A view whose nearest surface lies farther than this, in units of the scene's scale, may be passed
#: over: so few views are read from disk to find out that they stand elsewhere.
_FARTHEST = 2.0


@dataclass(frozen=True, eq=False)
class Recalled:
    """Attributes:
    rgb: (H, W, 3) float32 in [0, 1]; 0 where no view says anything.
    weight: (H, W) float32 in [0, 1], the least share that this has beside points: 1 where the
        photo is seen from its own place, since drawn views repeat it with less detail, and where
        a drawn view is seen by its own camera, which is to show the same again; less as the two
        places part, and 0 for a drawn view that was turned, since turning it again and again
        would wash it out.
    depth: (H, W) float32, scene units; inf = sky; nan where no view says anything.
    view_ids: (H, W) int32, the view that each pixel stems from; -1 for none.
    """

    rgb: Floats
    weight: Floats
    depth: Floats
    view_ids: NDArray[np.int32]


def standing_near(
    poses: Poses, camera: Camera, width: int, scale: float, most: int
) -> NDArray[np.int64]:
    """Ids of at most `most` views that may stand where `camera` does: the photo, then those most
    alike in direction, earlier ones first among equals.

    Args:
        width: of the asked picture.
        scale: see `View`.
    """
    away = np.linalg.norm(poses.positions - camera.position, axis=1)
    within = PARALLAX * _FARTHEST * scale / (camera.intrinsics.fx * width)
    near = np.flatnonzero(away <= within)
    turned = 1.0 - poses.T_world_camera[near, :3, 2] @ camera.forward
    order = np.lexsort((poses.ids[near], turned.round(9), poses.ids[near] != PHOTO))
    return np.asarray(poses.ids[near[order[:most]]], np.int64)


def recalled(views: Sequence[View], camera: Camera, height: int, width: int) -> Recalled | None:
    """What the views show of the asked picture, the first of them first; None for nothing."""
    out = Recalled(
        np.zeros((height, width, 3), np.float32),
        np.zeros((height, width), np.float32),
        np.full((height, width), np.nan, np.float32),
        np.full((height, width), -1, np.int32),
    )
    for view in views:
        moved = parallax(view, camera, width) / PARALLAX
        if view.depth is None or moved > 1.0:
            continue
        x, y, along = _turned(view, camera, height, width)
        new = _fill(out, view, view.depth, (x, y, along))
        turned = 0.0 if view.id == PHOTO else _displacement(x, y) / TURNED
        out.weight[new] = max(0.0, 1.0 - max(moved, turned))
    return out if (out.view_ids >= 0).any() else None


def parallax(view: View, camera: Camera, width: int) -> float:
    """By how many pixels, at most, the view's nearest surface moves when seen from `camera`."""
    away = float(np.linalg.norm(view.camera.position - camera.position))
    if away == 0.0 or view.depth is None:
        return 0.0
    surfaces = view.depth[np.isfinite(view.depth)]
    nearest = float(np.quantile(surfaces, _NEAREST)) if surfaces.size else np.inf
    return away * camera.intrinsics.fx * width / max(nearest, 1e-12)


def _displacement(x: Floats, y: Floats) -> float:
    """By how many pixels, at most, a picture's pixels lie apart from columns x and rows y."""
    height, width = x.shape
    across, down = np.abs(x - np.arange(width)), np.abs(y - np.arange(height)[:, None])
    return float(max(across.max(), down.max()))


def _fill(
    out: Recalled, view: View, depth: Floats, where: tuple[Floats, Floats, Floats]
) -> NDArray[np.bool_]:
    """Writes the view's pixels (see `_turned`) to where `out` has none; returns where, (H, W)."""
    x, y, along = where
    rim = cv2.BORDER_REPLICATE
    there = cv2.remap(depth, x, y, cv2.INTER_NEAREST, borderMode=rim) / along
    inside = (along > 0) & (abs(x - (view.width - 1) / 2) <= view.width / 2)
    inside &= abs(y - (view.height - 1) / 2) <= view.height / 2
    new = inside & ~np.isnan(there) & (out.view_ids < 0)
    rgb = cv2.remap(view.rgb / np.float32(255.0), x, y, cv2.INTER_LINEAR, borderMode=rim)
    out.rgb[new] = rgb[new]
    out.depth[new] = there[new]
    out.view_ids[new] = view.id
    return np.asarray(new)


def _turned(view: View, camera: Camera, height: int, width: int) -> tuple[Floats, Floats, Floats]:
    """Where the asked pixels lie in the view's picture: column and row (0 at the first pixel's
    centre), and the depth there of a ray that is 1 deep in the asked picture; (H, W) each."""
    R_view_camera = view.camera.T_world_camera[:3, :3].T @ camera.T_world_camera[:3, :3]
    H = view.camera.intrinsics.matrix(view.width, view.height) @ R_view_camera
    H = H @ np.linalg.inv(camera.intrinsics.matrix(width, height))
    v, u = np.mgrid[:height, :width] + 0.5
    p = H @ np.stack([u.ravel(), v.ravel(), np.ones(u.size)])
    safe = np.where(p[2] > 1e-6, p[2], np.inf)
    x, y = (np.float32(p[i] / safe - 0.5).reshape(height, width) for i in (0, 1))
    return x, y, np.float32(p[2]).reshape(height, width)
