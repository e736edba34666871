"""The dense cloud of a walk: every pixel of the photo, and of each drawn view what it added."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from engine.geometry.cameras import Camera
from engine.geometry.projection import normals_from_depth, unproject
from engine.geometry.upsampling import STEP, depth_steps, inverse_depth, nearest_kept
from explorer.walk.export.point_cloud import PointCloud

Plane = NDArray[np.float32]

#: Normals are found in pictures of at most this width.
_NORMALS_WIDTH = 320


@dataclass(frozen=True, eq=False)
class DenseViews:
    """What is put together, one of each a view; the sequences may read from disk.

    Attributes:
        cameras: in the world of the first one.
        frames: (H, W, 3) uint8.
        depths: (H, W) float32, inf = sky, nan = unknown; None where there is none.
        new: (h, w) bool at any size, what no earlier view had shown; None for all.
    """

    cameras: Sequence[Camera]
    frames: Sequence[NDArray[np.uint8]]
    depths: Sequence[Plane | None]
    new: Sequence[NDArray[np.bool_] | None]


def dense_cloud(views: DenseViews) -> PointCloud:
    """A point a pixel, where its depth is known, finite, and not that of an edge between two
    surfaces; of each view only what was new in it."""
    parts = [PointCloud.none()]
    for index, camera in enumerate(views.cameras):
        depth = views.depths[index]
        if depth is not None:
            part = _points(camera, depth, views.frames, index, views.new[index])
            if part is not None:
                parts.append(part)
    return PointCloud(
        np.concatenate([p.positions for p in parts]),
        np.concatenate([p.colours for p in parts]),
        np.concatenate([p.normals for p in parts]),
    )


def _points(
    camera: Camera,
    depth: Plane,
    frames: Sequence[NDArray[np.uint8]],
    index: int,
    new: NDArray[np.bool_] | None,
) -> PointCloud | None:
    chosen = np.isfinite(depth)
    if new is not None:
        size = depth.shape[::-1]
        chosen &= cv2.resize(new.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST) > 0
    if not chosen.any():
        return None
    inverse = inverse_depth(depth)
    chosen &= depth_steps(inverse, STEP) == 0
    return PointCloud(
        unproject(torch.tensor(depth), camera).numpy()[chosen].astype(np.float32),
        frames[index][chosen],
        _normals(inverse, camera)[chosen],
    )


def _normals(inverse: Plane, camera: Camera) -> Plane:
    """(H, W, 3). From means over many pixels: recorded depths are rounded to 0.05 %, which is as
    much as a slope is from one pixel to the next."""
    size = inverse.shape[::-1]
    factor = min(1.0, _NORMALS_WIDTH / size[0])
    small = (max(2, round(size[0] * factor)), max(2, round(size[1] * factor)))
    means = cv2.resize(inverse, small, interpolation=cv2.INTER_AREA)
    with np.errstate(divide="ignore"):
        normals = normals_from_depth(torch.from_numpy(np.float32(1.0) / means), camera).numpy()
    filled = nearest_kept(normals, np.isfinite(normals).all(-1))
    return np.asarray(cv2.resize(filled, size, interpolation=cv2.INTER_NEAREST), np.float32)
