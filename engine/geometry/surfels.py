"""Surfels: small coloured discs on the surfaces that a view has seen, and the sky behind them.

A view's pixel becomes one disc as large as the pixel looks on the surface: on a floor seen at a
grazing angle it is long along the line of sight and narrow across it, so it stays sharp when the
camera comes closer. The discs carry that shape (surface splatting, Zwicker et al. 2001), not only
a radius.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import torch
from torch import Tensor

from engine.geometry.cameras import Camera
from engine.geometry.projection import depth_confidence, normals_from_depth
from engine.geometry.rays import camera_directions

#: Discs get no longer than 1 / this: a steeper surface was hardly seen at all.
_LEAST_COSINE = 0.12
#: Pixels that are surer than this become surfels.
LEAST_CONFIDENCE = 0.15
#: Ramps between two depths are up to about this many pixels wide, change inverse depth by more than
#: this share a pixel, and by more than this in all.
_RAMP, _RAMP_SLOPE, _RAMP_JUMP = 9, 0.02, 0.12


@dataclass(frozen=True)
class Surfels:
    """N discs. All tensors lie on one device.

    Attributes:
        positions: (N, 3) float32, world units.
        normals: (N, 3) unit vectors, towards the side that was seen.
        radii: (N,) the short half axis, world units: one pixel of the view that saw it.
        long_axes: (N, 3) the long half axis as a vector in the disc's plane, world units.
        colours: (N, 3) float32 RGB in [0, 1].
        view_ids: (N,) int32, the view that drew it.
        confidence: (N,) float32 in (0, 1].
    """

    positions: Tensor
    normals: Tensor
    radii: Tensor
    long_axes: Tensor
    colours: Tensor
    view_ids: Tensor
    confidence: Tensor

    def __len__(self) -> int:
        return int(self.positions.shape[0])

    def __getitem__(self, chosen: Tensor) -> Surfels:
        """Those of a boolean mask (N,) or an index (M,)."""
        index = _as_index(chosen)
        return Surfels(*(getattr(self, f.name).index_select(0, index) for f in fields(self)))

    def to(self, device: torch.device | str) -> Surfels:
        return Surfels(*(getattr(self, f.name).to(device) for f in fields(self)))

    @staticmethod
    def concatenated(parts: Sequence[Surfels]) -> Surfels:
        """All discs of at least one part, in order."""
        return Surfels(*(torch.cat([getattr(p, f.name) for p in parts]) for f in fields(Surfels)))

    @staticmethod
    def empty(device: torch.device | str = "cpu") -> Surfels:
        def zeros(*shape: int) -> Tensor:
            return torch.zeros(shape, device=device)

        ids = torch.zeros(0, dtype=torch.int32, device=device)
        return Surfels(zeros(0, 3), zeros(0, 3), zeros(0), zeros(0, 3), zeros(0, 3), ids, zeros(0))


@dataclass(frozen=True)
class SkyDirections:
    """M coloured directions at infinity.

    Attributes:
        directions: (M, 3) unit vectors in the world.
        radii: (M,) radians: one pixel of the view that saw it.
        colours: (M, 3) float32 RGB in [0, 1].
        view_ids: (M,) int32.
    """

    directions: Tensor
    radii: Tensor
    colours: Tensor
    view_ids: Tensor

    def __len__(self) -> int:
        return int(self.directions.shape[0])

    def __getitem__(self, chosen: Tensor) -> SkyDirections:
        """Those of a boolean mask (M,) or an index."""
        index = _as_index(chosen)
        return SkyDirections(*(getattr(self, f.name).index_select(0, index) for f in fields(self)))

    def to(self, device: torch.device | str) -> SkyDirections:
        return SkyDirections(*(getattr(self, f.name).to(device) for f in fields(self)))

    @staticmethod
    def concatenated(parts: Sequence[SkyDirections]) -> SkyDirections:
        """All directions of at least one part, in order."""
        return SkyDirections(
            *(torch.cat([getattr(p, f.name) for p in parts]) for f in fields(SkyDirections))
        )

    @staticmethod
    def empty(device: torch.device | str = "cpu") -> SkyDirections:
        ids = torch.zeros(0, dtype=torch.int32, device=device)
        zeros = torch.zeros(0, 3, device=device)
        return SkyDirections(zeros, zeros[:, 0], zeros.clone(), ids)


def _as_index(chosen: Tensor) -> Tensor:
    return chosen.nonzero()[:, 0] if chosen.dtype == torch.bool else chosen


@dataclass(frozen=True)
class Seen:
    """What one view saw: a disc for each of `surfel_pixels` (N,), a direction for each of
    `sky_pixels` (M,), both row · W + column."""

    surfels: Surfels
    sky: SkyDirections
    surfel_pixels: Tensor
    sky_pixels: Tensor


def surfels_from_view(
    rgb: Tensor,
    depth: Tensor,
    camera: Camera,
    view_id: int = 0,
    confidence: Tensor | None = None,
) -> Seen:
    """One disc for every pixel whose depth can be trusted, one direction for every sky pixel.

    Args:
        rgb: (H, W, 3) float in [0, 1].
        depth: (H, W) z-depth in world units; inf = sky, nan = unknown.
        camera: where the view was taken from.
        view_id: written to every disc.
        confidence: (H, W) in [0, 1]; by default `depth_confidence`. It is lowered by `ramp_trust`,
            and pixels of `LEAST_CONFIDENCE` or less are left out: those between a near and a far
            surface belong to neither and would smear.

    Raises:
        ValueError: when the shapes do not fit each other.
    """
    height, width = depth.shape
    if rgb.shape != (height, width, 3):
        raise ValueError(f"rgb is {tuple(rgb.shape)} but depth is {(height, width)}")
    depth = depth.float()
    if confidence is None:
        confidence = depth_confidence(depth, camera)
    elif confidence.shape != depth.shape:
        raise ValueError(f"confidence is {tuple(confidence.shape)}, not {(height, width)}")
    T = torch.tensor(camera.T_world_camera, dtype=torch.float32, device=depth.device)
    R, t = T[:3, :3], T[:3, 3]
    directions = camera_directions(camera, height, width, depth.device)
    confidence = confidence * ramp_trust(depth)
    known = torch.isfinite(depth) & (depth > 0) & (confidence > LEAST_CONFIDENCE)
    picked = known.view(-1).nonzero()[:, 0]

    def rows(picture: Tensor) -> Tensor:  # (H, W, 3) to (3, N): whole rows are quick to work on
        return picture.reshape(-1, 3).T.contiguous().index_select(1, picked)

    normals = rows(normals_from_depth(depth, camera))
    z = depth.reshape(-1).index_select(0, picked)
    rays = R @ rows(directions)
    steps = (R[:, :1] / (camera.intrinsics.fx * width), R[:, 1:2] / (camera.intrinsics.fy * height))
    long_axes, radii = _footprints(normals, rays, z, steps)
    surfels = Surfels(
        positions=(rays * z + t[:, None]).T,
        normals=normals.T,
        radii=radii,
        long_axes=long_axes.T,
        colours=rows(rgb.float()).T,
        view_ids=torch.full((len(z),), view_id, dtype=torch.int32, device=depth.device),
        confidence=confidence.reshape(-1).index_select(0, picked).float(),
    )
    sky_pixels = torch.isposinf(depth).view(-1).nonzero()[:, 0]
    sky = _sky_at(sky_pixels, rgb, (directions.view(-1, 3) @ R.T), camera, view_id)
    return Seen(surfels, sky, picked, sky_pixels)


def ramp_trust(depth: Tensor) -> Tensor:
    """(H, W) in [0, 1], low where a depth edge is drawn as a short ramp.

    Drawn depth seldom jumps; it slides from near to far over a few pixels, a sheet that no one
    sees until the camera moves. Inverse depth has the same slope all over a plane, so a slope that
    is found neither a few pixels before nor a few pixels after, and leads from one depth to
    another, is such a ramp (or the side of something, which is hardly seen either).
    """
    inverse = torch.where(depth > 0, 1 / depth, torch.nan)
    trust = torch.ones_like(depth)
    for dim in (0, 1):
        if depth.shape[dim] <= 2 * _RAMP + 2:
            continue
        slope = (_shifted(inverse, dim, 1) - _shifted(inverse, dim, -1)).abs() / 2
        beside = torch.maximum(_shifted(slope, dim, _RAMP), _shifted(slope, dim, -_RAMP))
        jump = (_shifted(inverse, dim, _RAMP) - _shifted(inverse, dim, -_RAMP)).abs()
        excess = ((slope - 2 * beside) / inverse).clamp_min(0)
        ramp = torch.exp(-((excess / _RAMP_SLOPE) ** 2))
        trust = torch.where(jump > _RAMP_JUMP * inverse, torch.minimum(trust, ramp), trust)
    return trust.nan_to_num(1.0)


def _shifted(values: Tensor, dim: int, by: int) -> Tensor:
    """The value `by` pixels further on, nan beyond the picture."""
    size = values.shape[dim] - abs(by)
    rim = torch.full_like(values.narrow(dim, 0, abs(by)), torch.nan)
    if by > 0:
        return torch.cat([values.narrow(dim, by, size), rim], dim)
    return torch.cat([rim, values.narrow(dim, 0, size)], dim)


def _footprints(
    normals: Tensor, rays: Tensor, z: Tensor, steps: tuple[Tensor, Tensor]
) -> tuple[Tensor, Tensor]:
    """Long axes (3, N) and short half-widths (N,) of one pixel on the planes it sees.

    A point z·r stays on its plane n·X = c when the ray changes by s (one pixel to the right, or
    down) if z changes by −z (n·s)/(n·r). The two moves u and v span an ellipse; turning them by
    φ, with tan 2φ = 2 u·v/(u·u − v·v), gives its axes.
    """
    # Rays meet the plane from its front, so n·r is negative.
    facing = torch.minimum(dot(normals, rays), -_LEAST_COSINE * dot(rays, rays).sqrt())
    u, v = (z * (s - rays * ((normals.T @ s)[:, 0] / facing)) for s in steps)
    turn = 0.5 * torch.atan2(2 * dot(u, v), dot(u, u) - dot(v, v))
    cosine, sine = turn.cos(), turn.sin()
    short_axes = v * cosine - u * sine
    return u * cosine + v * sine, dot(short_axes, short_axes).sqrt()


def dot(a: Tensor, b: Tensor) -> Tensor:
    """Scalar products of the columns of two (3, N)."""
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]


def _sky_at(
    pixels: Tensor, rgb: Tensor, rays: Tensor, camera: Camera, view_id: int
) -> SkyDirections:
    height, width = rgb.shape[:2]
    pixel = 0.5 * (1 / (camera.intrinsics.fx * width) + 1 / (camera.intrinsics.fy * height))
    rays = rays.index_select(0, pixels)
    length = rays.norm(dim=-1)
    return SkyDirections(
        directions=rays / length[:, None],
        radii=pixel / length,
        colours=rgb.reshape(-1, 3).index_select(0, pixels).float(),
        view_ids=torch.full((len(pixels),), view_id, dtype=torch.int32, device=rgb.device),
    )
