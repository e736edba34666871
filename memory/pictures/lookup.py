"""Where in stored pictures a new view's pixels are: iterative image warping.

For a pixel x of the new view a place p in the source is wanted whose point projects to x. From a
guess of the depth at x, p follows by projection; the source's own depth at p gives a better depth
along x's ray, that a better p, and so on (Bowles, Mitchell, Sumner, Moore and Gross 2012,
"Iterative Image Warping"). Plain repetition runs away where the new view shows a surface more than
twice as wide as the source does; so the places tried tell the slope of what is repeated, and the
root is where the secant has it. Rims are as sharp as the source's, since its depth is never mixed
across an edge; what something hides from the source has no such p, and is not found.

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

#: A surface may be so many times as wide in the new view as in the source, or the inverse.
_WIDEST = 16.0
#: cv2.remap takes maps of at most 32,767 rows and columns.
_ROW = 1024


@dataclass(frozen=True)
class IterationConfig:
    """Attributes:
    rounds: of the iteration.
    exact: pixels of the new view by which a found point may miss its pixel.
    before: what is known of the new view hides points this much (relative) behind it.
    """

    rounds: int = 5
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
        new, old = camera.intrinsics.fx * size[0], source.camera.intrinsics.fx * source.size[0]
        #: Pixels of the new view per pixel of the source, for what is as deep in both.
        self.enlargement = np.float32(new / old)
        back = K_new @ R.T @ np.linalg.inv(K_source)
        self.G, self.g = back.astype(np.float32), (-K_new @ R.T @ t).astype(np.float32)

    def rays(self, u: Plane, v: Plane) -> list[Plane]:
        """H x, three planes."""
        return [_affine(h, u, v) for h in self.H]

    def place(self, rays: list[Plane], inverse: Plane) -> tuple[Plane, Plane]:
        """p of pixels at inverse depths; not finite, or nan, where it is behind the source."""
        w = inverse * self.e[2]
        w += rays[2]
        w[w <= 1e-6] = np.nan
        places = []
        for ray, e in zip(rays, self.e[:2], strict=False):
            along = inverse * e
            along += ray
            along /= w
            places.append(along)
        return places[0], places[1]

    def depth_ratio(self, x: Plane, y: Plane, inverse: Plane) -> Plane:
        """z of source pixels with inverse depth there: their depth in the new view is z / q."""
        return self._back(2, x, y, inverse)

    def ratio_at(self, places: Places) -> Plane:
        """How many times as deep found points are in the new view as in the source."""
        # z maps the source's inverse depth to the new one's: q' = q / z, so q = q' z, and
        # z = g · p + q' z g3 is solved for z.
        direct = _affine(self.G[2], places.x, places.y)
        direct /= 1.0 - places.inverse * self.g[2]
        return direct

    def back(self, x: Plane, y: Plane, inverse: Plane) -> tuple[Plane, Plane]:
        """The pixels of the new view that source pixels with inverse depth there project to."""
        z = self.depth_ratio(x, y, inverse)
        u, v = self._back(0, x, y, inverse), self._back(1, x, y, inverse)
        u /= z
        v /= z
        return u, v

    def _back(self, row: int, x: Plane, y: Plane, inverse: Plane) -> Plane:
        found = _affine(self.G[row], x, y)
        found += inverse * self.g[row]
        return found


def _affine(h: Plane, u: Plane, v: Plane) -> Plane:
    """h · (u, v, 1)."""
    found: Plane = u * h[0]
    found += v * h[1]
    found += h[2]
    return found


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
    config: IterationConfig | None = None,
) -> Places:
    """
    Args:
        pixels: u, v of the new view, of one 2-D shape.
        guess: inverse depth there.
    """
    config = config or IterationConfig()
    u, v = pixels
    rays, inverse, before = ray.rays(u, v), guess, None
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        for _ in range(config.rounds):
            x, y = ray.place(rays, inverse)
            there = sampled_depth(source, x, y)
            z = ray.depth_ratio(x, y, there)
            z[z <= 0] = np.nan
            tried, inverse = inverse, there / z
            off = inverse - tried
            if before is not None:
                inverse = _secant(before, (tried, off), inverse)
            before = (tried, off)
        # What is found must be at x: the last place's own point, seen from the new view.
        at_u, at_v = ray.back(x, y, there)
        at_u -= u
        at_v -= v
        missed = np.maximum(np.abs(at_u, out=at_u), np.abs(at_v, out=at_v), out=at_u)
        # Depth is known once a pixel of the source, which may be several of the new view.
        exact = np.maximum(ray.enlargement / z, 1.0)
        exact *= np.float32(config.exact)
        W, H = source.size
        found = (missed < exact) & (inverse >= 0)
        found &= (x > -0.5) & (x < W - 0.5) & (y > -0.5) & (y < H - 0.5)
        x, y = ray.place(rays, inverse)  # half a pixel better than the place that was looked at
    return Places(x, y, inverse, found)


def surface_at(source: Source, ray: Ray, pixels: tuple[Plane, Plane], inverse: Plane) -> Plane:
    """Inverse depth, in the new view, of what the source shows where it would show the points of
    pixels at inverse depths; infinite where these are outside of it."""
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        x, y = ray.place(ray.rays(*pixels), inverse)
        W, H = source.size
        inside = (x > -0.5) & (x < W - 0.5) & (y > -0.5) & (y < H - 0.5)
        there = sampled_depth(source, x, y)
        found = there / ray.depth_ratio(x, y, there)
    return np.where(inside & (found >= 0), found, np.float32(np.inf))


def _secant(before: tuple[Plane, Plane], now: tuple[Plane, Plane], repeated: Plane) -> Plane:
    """The inverse depth at which what is found is what was tried.

    Args:
        before, now: what was tried in two rounds, and how far off it was.
        repeated: what plain repetition gives, where the two tell no slope.
    """
    slope = (now[1] - before[1]) / (now[0] - before[0])
    # As wide in the new view as in the source is −1; what is seen at all is below 0.
    np.clip(slope, -_WIDEST, -1.0 / _WIDEST, out=slope)
    better = now[0] - now[1] / slope
    return np.where(np.isfinite(better), better, repeated)


def sampled_depth(source: Source, x: Plane, y: Plane) -> Plane:
    """Inverse depth at places of a source, linearly between pixels, but never across an edge;
    beyond its border, its border's."""
    W, H = source.size
    x, y = np.fmax(x, np.float32(0)), np.fmax(y, np.float32(0))
    np.minimum(x, np.float32(W - 1), out=x)
    np.minimum(y, np.float32(H - 1), out=y)
    found = cv2.remap(source.surface, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    depth = np.ascontiguousarray(found[..., 0], np.float32)
    edge = np.flatnonzero(found[..., 1])
    if len(edge):
        columns = np.rint(x.reshape(-1)[edge]).astype(np.int64)
        rows = np.rint(y.reshape(-1)[edge]).astype(np.int64)
        depth.reshape(-1)[edge] = source.inverse[rows, columns]
    return depth


def as_rows(values: Plane) -> Plane:
    """(N,) as (rows, 1024), the last value repeated."""
    rows = -(-len(values) // _ROW)
    return np.pad(values, (0, rows * _ROW - len(values)), mode="edge").reshape(rows, _ROW)
