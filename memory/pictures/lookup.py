"""Where in stored pictures a new view's pixels are: iterative image warping.

For a pixel x of the new view a place p in the source is wanted whose point projects to x. From a
guess of the depth at x, p follows by projection; the source's own depth at p gives a better depth
along x's ray, that a better p, and so on (Bowles, Mitchell, Sumner, Moore and Gross 2012,
"Iterative Image Warping"). Rims are as sharp as the source's, since its depth is never mixed across
an edge; what something hides from the source has no such p, and is not found.

All is in inverse depth q, so that the sky (q = 0) is as finite as the rest. With x = (u, v, 1) in
pixels of the new view and p likewise in the source's,

    p ~ H x + q e            q is the inverse depth of x's point, H the homography at infinity
    z = h · p' + q' t        its depth in the new view per depth in the source; q = q' / z
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.geometry.cameras import Camera
from memory.pictures.source import Source

Plane = NDArray[np.float32]

#: cv2.remap takes maps of at most 32,767 rows and columns.
_ROW = 1024


@dataclass(frozen=True)
class LookupConfig:
    """Attributes:
    rounds: of the iteration.
    exact: pixels of the new view by which a found point may miss its pixel.
    before: what is known of the new view hides points this much (relative) behind it.
    """

    rounds: int = 4
    exact: float = 0.6
    before: float = 0.08


@dataclass(frozen=True, eq=False)
class Places:
    """Where pixels are in a source; all arrays of one shape.

    Attributes:
        x, y: float32, pixels, integer centres as OpenCV has them.
        inverse: float32, inverse depth in the new view.
        found: bool.
    """

    x: Plane
    y: Plane
    inverse: Plane
    found: NDArray[np.bool_]


class Ray:
    """Between the pixels of a new view and of a source, as affine functions."""

    def __init__(self, source: Source, camera: Camera, size: tuple[int, int]) -> None:
        T = source.camera.T_camera_world @ camera.T_world_camera  # T_source_new
        K_new = _centred(camera.intrinsics.matrix(*size))
        K_source = _centred(source.camera.intrinsics.matrix(*source.size))
        R, t = T[:3, :3], T[:3, 3]
        self.H = (K_source @ R @ np.linalg.inv(K_new)).astype(np.float32)
        self.e = (K_source @ t).astype(np.float32)
        back = K_new @ R.T @ np.linalg.inv(K_source)
        new, old = camera.intrinsics.fx * size[0], source.camera.intrinsics.fx * source.size[0]
        #: Pixels of the new view per pixel of the source, for what is as deep in both.
        self.enlargement = np.float32(new / old)
        self.G, self.g = back.astype(np.float32), (-K_new @ R.T @ t).astype(np.float32)

    def rays(self, u: Plane, v: Plane) -> list[Plane]:
        """H x, three planes."""
        return [h[0] * u + h[1] * v + h[2] for h in self.H]

    def place(self, rays: list[Plane], inverse: Plane) -> tuple[Plane, Plane]:
        """p of pixels at inverse depths; far outside where it is behind the source."""
        w = rays[2] + inverse * self.e[2]
        w = np.where(w > 1e-6, w, np.float32(np.nan))
        return (rays[0] + inverse * self.e[0]) / w, (rays[1] + inverse * self.e[1]) / w

    def depth_ratio(self, x: Plane, y: Plane, inverse: Plane) -> Plane:
        """z of source pixels with inverse depth there: their depth in the new view is z / q."""
        g = self.G[2]
        return g[0] * x + g[1] * y + g[2] + inverse * self.g[2]

    def ratio_at(self, places: Places) -> Plane:
        """How many times as deep found points are in the new view as in the source."""
        # z maps the source's inverse depth to the new one's: q' = q / z, so q = q' z, and
        # z = g · p + q' z g3 is solved for z.
        g = self.G[2]
        direct = g[0] * places.x + g[1] * places.y + g[2]
        return direct / (1.0 - places.inverse * self.g[2])

    def back(self, x: Plane, y: Plane, inverse: Plane) -> tuple[Plane, Plane]:
        """The pixels of the new view that source pixels with inverse depth there project to."""
        z = self.depth_ratio(x, y, inverse)
        g, h = self.G[0], self.G[1]
        u = g[0] * x + g[1] * y + g[2] + inverse * self.g[0]
        v = h[0] * x + h[1] * y + h[2] + inverse * self.g[1]
        return u / z, v / z


def _centred(K: NDArray[np.float64]) -> NDArray[np.float64]:
    """K for integer pixel centres, as OpenCV's sampling has them."""
    K = K.copy()
    K[:2, 2] -= 0.5
    return K


def find(
    source: Source,
    ray: Ray,
    pixels: tuple[Plane, Plane],
    guess: Plane,
    config: LookupConfig | None = None,
) -> Places:
    """
    Args:
        pixels: u, v of the new view, of one 2-D shape.
        guess: inverse depth there.
    """
    config = config or LookupConfig()
    u, v = pixels
    rays = ray.rays(u, v)
    inverse = guess
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        for _ in range(config.rounds):
            x, y = ray.place(rays, inverse)
            there = sampled_depth(source, x, y)
            z = ray.depth_ratio(x, y, there)
            inverse = there / np.where(z > 0, z, np.nan)
        # What is found must be at x: the last place's own point, seen from the new view.
        at_u, at_v = ray.back(x, y, there)
        missed = np.maximum(np.abs(at_u - u), np.abs(at_v - v))
        W, H = source.size
        inside = (x > -0.5) & (x < W - 0.5) & (y > -0.5) & (y < H - 0.5)
        # Depth is known once a pixel of the source, which may be several of the new view.
        exact = config.exact * np.maximum(1.0, ray.enlargement / z)
        found = inside & (missed < exact) & (inverse >= 0)
        x, y = ray.place(rays, inverse)  # half a pixel better than the place that was looked at
    return Places(x, y, inverse, found)


def sampled_depth(source: Source, x: Plane, y: Plane) -> Plane:
    """Inverse depth at places of a source, linearly between pixels, but never across an edge;
    beyond its border, its border's."""
    W, H = source.size
    x, y = np.clip(np.nan_to_num(x, nan=-9.0), 0, W - 1), np.clip(np.nan_to_num(y), 0, H - 1)
    nearest = cv2.remap(source.inverse, x, y, cv2.INTER_NEAREST, borderMode=cv2.BORDER_REPLICATE)
    linear = cv2.remap(source.inverse, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    edge = cv2.remap(source.edges, x, y, cv2.INTER_NEAREST, borderMode=cv2.BORDER_REPLICATE)
    return np.where(edge > 0, nearest, linear)


def as_rows(values: Plane) -> Plane:
    """(N,) as (rows, 1024), the last value repeated; `flat` undoes it."""
    rows = -(-len(values) // _ROW)
    return np.pad(values, (0, rows * _ROW - len(values)), mode="edge").reshape(rows, _ROW)
