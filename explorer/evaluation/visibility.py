"""What a view shows that the observed views could not have seen, by true geometry."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.geometry.cameras import Array, Camera

Depth = NDArray[np.float32]
Mask = NDArray[np.bool_]

#: How much further than the observed surface a point may lie and still be that surface.
EXACT_TOLERANCE = 0.02
MEASURED_TOLERANCE = 0.06


@dataclass(frozen=True, eq=False)
class DepthView:
    """True z-depth (H, W) of a view (`inf` = sky, `nan` = not measured) and its camera."""

    depth: Depth
    camera: Camera


@dataclass(frozen=True, eq=False)
class Visibility:
    """Of each pixel of a view (H, W): `seen` by an observed view, or in a `hole`.

    A pixel whose depth, or whose place in the observed view, was not measured is neither.
    """

    seen: Mask
    hole: Mask


def _homogeneous_points(view: DepthView) -> Array:
    """World points (H, W, 4): w = 1 on surfaces, w = 0 for sky, which has only a direction."""
    height, width = view.depth.shape
    lens = view.camera.intrinsics
    u, v = np.meshgrid((np.arange(width) + 0.5) / width, (np.arange(height) + 0.5) / height)
    ray = np.stack([(u - lens.cx) / lens.fx, (v - lens.cy) / lens.fy, np.ones_like(u)], axis=-1)
    finite = np.isfinite(view.depth)
    ray *= np.where(finite, view.depth, 1.0)[..., None]
    homogeneous = np.concatenate([ray, finite[..., None].astype(np.float64)], axis=-1)
    return homogeneous @ view.camera.T_world_camera.T


def _seen_by(points: Array, observed: DepthView, tolerance: float) -> tuple[Mask, Mask]:
    """Which world points (H, W, 4) an observed view shows, and for which it cannot be told."""
    height, width = observed.depth.shape
    camera_points = points @ observed.camera.T_camera_world.T
    z = camera_points[..., 2]
    ahead = z > 1e-6
    divisor = np.where(ahead, z, 1.0)
    lens = observed.camera.intrinsics
    column = np.floor((camera_points[..., 0] / divisor * lens.fx + lens.cx) * width)
    row = np.floor((camera_points[..., 1] / divisor * lens.fy + lens.cy) * height)
    inside = ahead & (column >= 0) & (column < width) & (row >= 0) & (row < height)
    column = np.where(inside, column, 0).astype(np.intp)
    row = np.where(inside, row, 0).astype(np.intp)

    # The furthest depth within a pixel: a slanted surface spans a range of depths there.
    unmeasured = np.isnan(observed.depth)
    known = np.where(unmeasured, 0.0, np.minimum(observed.depth, 1e9)).astype(np.float32)
    furthest = cv2.dilate(known, np.ones((3, 3), np.uint8))[row, column]
    distance = np.where(points[..., 3] > 0.5, z, 1e9)
    seen = inside & (distance <= furthest * (1.0 + tolerance))
    return seen, inside & ~seen & unmeasured[row, column]


def visibility(
    view: DepthView, observed: Sequence[DepthView], tolerance: float = EXACT_TOLERANCE
) -> Visibility:
    """Tests every pixel's world point (or sky direction) against the observed depth maps.

    Args:
        view: the view in question, with its true depth.
        observed: what was really seen, in the same world and units.
        tolerance: relative; `EXACT_TOLERANCE` for rendered depth, `MEASURED_TOLERANCE` for
            depth sensors.
    """
    points = _homogeneous_points(view)
    seen = np.zeros(view.depth.shape, dtype=bool)
    untold = np.isnan(view.depth)
    for other in observed:
        seen_here, untold_here = _seen_by(points, other, tolerance)
        seen |= seen_here
        untold |= untold_here
    seen &= ~np.isnan(view.depth)
    return Visibility(seen=seen, hole=_without_specks(~seen & ~untold))


def _without_specks(hole: Mask) -> Mask:
    """Drops holes one pixel wide: they come from rounding to pixels, not from occlusion."""
    around = cv2.boxFilter(hole.astype(np.uint8), -1, (3, 3), normalize=False)
    return hole & (around >= 4)
