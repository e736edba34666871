"""What remembered views show to a camera that stands where one of them stood.

Points exist only where a depth is sure: rims, fine branches and far façades leave gaps among them,
also for the very camera that saw those. From the same place no depth is needed: the picture is
turned about its centre (the homography K R K⁻¹ of a rotation; Hartley and Zisserman, "Multiple
View Geometry", §8.4.2), and what no point carries comes back as it was.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from engine.geometry.cameras import Camera
from engine.geometry.filters import precision, read_linear, read_nearest
from engine.geometry.rays import pixel_centres
from memory.retrieval.query import Poses
from memory.views import View

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
    """Tensors on the memory's device.

    Attributes:
    rgb: (H, W, 3) float32 in [0, 1]; 0 where no view says anything.
    weight: (H, W) float32 in [0, 1], the least share that this has beside points: 1 where the
        photo is seen from its own place, since drawn views repeat it with less detail, and where
        a drawn view is seen by its own camera, which is to show the same again; less as the two
        places part, and 0 for a drawn view that was turned, since turning it again and again
        would wash it out.
    depth: (H, W) float32, scene units; inf = sky; nan where no view says anything.
    view_ids: (H, W) int32, the view that each pixel stems from; -1 for none.
    """

    rgb: Tensor
    weight: Tensor
    depth: Tensor
    view_ids: Tensor


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


def recalled(
    views: Sequence[View],
    camera: Camera,
    height: int,
    width: int,
    device: torch.device | str = "cpu",
) -> Recalled | None:
    """What the views show of the asked picture, the first of them first; None for nothing."""
    out = Recalled(
        torch.zeros(height, width, 3, device=device),
        torch.zeros(height, width, device=device),
        torch.full((height, width), torch.nan, device=device),
        torch.full((height, width), -1, dtype=torch.int32, device=device),
    )
    for view in views:
        moved = parallax(view, camera, width) / PARALLAX
        if view.depth is None or moved > 1.0:
            continue
        x, y, along = _turned(view, camera, out.depth)
        turned = 0.0 if view.id == PHOTO else _displacement(x, y) / TURNED
        out = _filled(out, view, (x, y, along), max(0.0, 1.0 - max(moved, turned)))
    return out if (out.view_ids >= 0).any() else None


def parallax(view: View, camera: Camera, width: int) -> float:
    """By how many pixels, at most, the view's nearest surface moves when seen from `camera`."""
    away = float(np.linalg.norm(view.camera.position - camera.position))
    if away == 0.0 or view.depth is None:
        return 0.0
    surfaces = view.depth[np.isfinite(view.depth)]
    nearest = float(np.quantile(surfaces, _NEAREST)) if surfaces.size else np.inf
    return away * camera.intrinsics.fx * width / max(nearest, 1e-12)


def _displacement(x: Tensor, y: Tensor) -> float:
    """By how many pixels, at most, a picture's pixels lie apart from columns x and rows y."""
    height, width = x.shape
    across = (x - torch.arange(width, device=x.device)).abs().max()
    down = (y - torch.arange(height, device=x.device)[:, None]).abs().max()
    return float(torch.maximum(across, down))


def _filled(
    out: Recalled, view: View, where: tuple[Tensor, Tensor, Tensor], weight: float
) -> Recalled:
    """`out` with the view's pixels (see `_turned`), as much as `weight`, where it has none."""
    x, y, along = where
    depth = torch.tensor(view.depth, device=x.device)
    colours = torch.tensor(view.rgb, device=x.device) / 255.0
    there = read_nearest(depth, x, y) / along
    inside = (along > 0) & ((x - (view.width - 1) / 2).abs() <= view.width / 2)
    inside &= (y - (view.height - 1) / 2).abs() <= view.height / 2
    new = inside & ~there.isnan() & (out.view_ids < 0)
    return Recalled(
        rgb=torch.where(new[..., None], read_linear(colours, x, y), out.rgb),
        weight=torch.where(new, weight, out.weight),
        depth=torch.where(new, there, out.depth),
        view_ids=torch.where(new, view.id, out.view_ids),
    )


def _turned(view: View, camera: Camera, like: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Where the asked pixels lie in the view's picture: column and row (0 at the first pixel's
    centre), and the depth there of a ray that is 1 deep in the asked picture; (H, W) each, as
    `like` is."""
    height, width = like.shape
    R_view_camera = view.camera.T_world_camera[:3, :3].T @ camera.T_world_camera[:3, :3]
    H = view.camera.intrinsics.matrix(view.width, view.height) @ R_view_camera
    H = H @ np.linalg.inv(camera.intrinsics.matrix(width, height))
    p = torch.tensor(H, dtype=precision(like.device), device=like.device)
    p = (p @ pixel_centres(height, width, like.device)).view(3, height, width)
    safe = torch.where(p[2] > 1e-6, p[2], torch.inf)
    return (p[0] / safe - 0.5).float(), (p[1] / safe - 0.5).float(), p[2].float()
