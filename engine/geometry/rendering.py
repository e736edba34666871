"""What is known of a scene, seen from any camera: a vectorised z-buffer renderer of surfels.

Every disc is stamped on the k × k pixels that it can touch. A first pass keeps the nearest disc of
each pixel, a second blends all discs that lie within a small tolerance of it. The stamp is a tent
as wide as the spacing of the discs: over a surface seen by one view the weights of the tents sum
to one from any distance, so there are no pinholes when the camera comes closer, and the sum itself
is a soft coverage. Discs are never joined, so nothing is drawn across a depth edge.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from engine.geometry.cameras import Camera
from engine.geometry.surfels import (
    Seen,
    SkyDirections,
    Surfels,
    edge_confidence,
    surfels_from_view,
)

__all__ = [
    "RenderSettings",
    "Rendering",
    "Seen",
    "SkyDirections",
    "Surfels",
    "edge_confidence",
    "render_surfels",
    "surfels_from_view",
    "warp_view",
    "warp_views",
]

#: Widths of the square stamps; a disc takes the smallest that holds it.
_STAMPS = (2, 3, 4, 6, 8, 12, 16, 24)
_INDEX_BITS = 32


@dataclass(frozen=True)
class RenderSettings:
    """How discs become pixels.

    Attributes:
        depth_tolerance: discs this much behind the nearest one (relative) still blend with it.
        core: share of a stamp's half-width that hides what lies behind; below one, so that a
            near surface does not grow over a far one. Above 0.5, else a surface has gaps.
        least_cosine: discs seen more from behind than this are left out.
    """

    depth_tolerance: float = 0.03
    core: float = 0.6
    least_cosine: float = 0.0


@dataclass(frozen=True)
class Rendering:
    """A picture of what is known.

    Attributes:
        rgb: (H, W, 3) float32 in [0, 1]; 0 where nothing is known.
        depth: (H, W) float32 z-depth in world units; inf = sky, nan = unknown.
        coverage: (H, W) float32 in [0, 1].
        view_ids: (H, W) int32, the view whose disc is nearest; −1 where nothing is known.
        surfel_ids: (H, W) int64, the index of that disc; −1 for sky and unknown.
        footprint: (H, W) float32, how many pixels wide that disc is; 1 or less is as sharp as the
            picture, 0 where nothing is known.
    """

    rgb: Tensor
    depth: Tensor
    coverage: Tensor
    view_ids: Tensor
    surfel_ids: Tensor
    footprint: Tensor


@dataclass(frozen=True)
class _Discs:
    """Discs in the picture: centre (N, 2) and half-widths (N, 2) in pixels, inverse depth (N,) and
    its slope (N, 2) per pixel, index (N,) of each among all surfels."""

    uv: Tensor
    half: Tensor
    inverse_depth: Tensor
    slope: Tensor
    index: Tensor


@dataclass(frozen=True)
class _Fragments:
    """Stamped pixels: index (M,) of pixel and of disc, weight (M,), depth (M,), core (M,) bool."""

    pixel: Tensor
    disc: Tensor
    weight: Tensor
    depth: Tensor
    core: Tensor


def render_surfels(
    surfels: Surfels,
    camera: Camera,
    height: int,
    width: int,
    sky: SkyDirections | None = None,
    settings: RenderSettings | None = None,
) -> Rendering:
    """See `surfels` and, behind them, `sky` from `camera`, on the surfels' device."""
    settings = settings or RenderSettings()
    discs = _project_discs(surfels, camera, height, width, settings)
    fragments = _stamp(discs, height, width, settings.core)
    front, nearest = _nearest(fragments, height * width)
    rgb, depth, coverage = _blend(fragments, front, discs, surfels, settings.depth_tolerance)
    seen = nearest >= 0
    disc = nearest.clamp_min(0)
    if len(discs.index):
        surfel_ids = torch.where(seen, discs.index[disc], -1)
        view_ids = torch.where(seen, surfels.view_ids[discs.index[disc]], -1)
        footprint = torch.where(seen, discs.half[disc].amax(-1), 0.0)
    else:
        surfel_ids, view_ids = nearest, nearest.to(torch.int32)
        footprint = torch.zeros_like(depth)
    flat = Rendering(rgb, depth, coverage, view_ids, surfel_ids, footprint)
    if sky is not None and len(sky):
        flat = _over_sky(flat, sky, camera, height, width)
    return Rendering(
        rgb=flat.rgb.view(height, width, 3),
        depth=flat.depth.view(height, width),
        coverage=flat.coverage.view(height, width),
        view_ids=flat.view_ids.view(height, width),
        surfel_ids=flat.surfel_ids.view(height, width),
        footprint=flat.footprint.view(height, width),
    )


def warp_view(
    rgb: Tensor,
    depth: Tensor,
    camera_from: Camera,
    camera_to: Camera,
    height: int,
    width: int,
    confidence: Tensor | None = None,
) -> Rendering:
    """One view (H, W, 3) with its depth (H, W), seen from another camera at height × width."""
    seen = surfels_from_view(rgb, depth, camera_from, 0, confidence)
    return render_surfels(seen.surfels, camera_to, height, width, seen.sky)


def warp_views(
    rgb: Tensor,
    depth: Tensor,
    cameras_from: list[Camera],
    camera_to: Camera,
    height: int,
    width: int,
) -> Rendering:
    """Several views (V, H, W, 3) with depths (V, H, W) in one picture; view ids are 0 … V − 1."""
    seen = [surfels_from_view(rgb[i], depth[i], camera, i) for i, camera in enumerate(cameras_from)]
    return render_surfels(
        Surfels.concatenated([s.surfels for s in seen]),
        camera_to,
        height,
        width,
        SkyDirections.concatenated([s.sky for s in seen]),
    )


def _project_discs(
    surfels: Surfels, camera: Camera, height: int, width: int, settings: RenderSettings
) -> _Discs:
    """Discs in front of the camera, facing it and touching the picture."""
    T = torch.tensor(camera.T_camera_world, dtype=torch.float32, device=surfels.positions.device)
    k = camera.intrinsics
    focal = torch.tensor([k.fx * width, k.fy * height], device=T.device)
    centre = torch.tensor([k.cx * width, k.cy * height], device=T.device)
    points = surfels.positions @ T[:3, :3].T + T[:3, 3]
    z = points[:, 2]
    uv = points[:, :2] / z[:, None] * focal + centre
    margin = _STAMPS[-1] / 2
    size = torch.tensor([width, height], device=T.device)
    inside = (z > 2 * surfels.radii) & ((uv > -margin) & (uv < size + margin)).all(-1)
    index = inside.nonzero()[:, 0]
    points, z, uv = points[index], z[index], uv[index]
    normals = surfels.normals[index] @ T[:3, :3].T
    towards = -(normals * points).sum(-1)
    keep = towards > settings.least_cosine * points.norm(dim=-1)
    index, points, z, uv = index[keep], points[keep], z[keep], uv[keep]
    normals, towards = normals[keep], towards[keep]
    long_axes = surfels.long_axes[index] @ T[:3, :3].T
    short_axes = torch.linalg.cross(normals, long_axes)
    ratio = surfels.radii[index] / long_axes.norm(dim=-1).clamp_min(1e-20)
    a = _project_vectors(long_axes, points, focal)
    b = _project_vectors(short_axes * ratio[:, None], points, focal)
    half = (a.square() + b.square()).sqrt().clamp(1.0, margin)
    # Inverse depth on the disc's plane is linear in pixels: n·d / n·p for the ray d of a pixel.
    slope = normals[:, :2] / focal / -towards[:, None].clamp_min(1e-20)
    return _Discs(uv, half, 1 / z, slope, index)


def _project_vectors(vectors: Tensor, points: Tensor, focal: Tensor) -> Tensor:
    """Small vectors (N, 3) at points (N, 3), as pixels (N, 2)."""
    z = points[:, 2:]
    return (vectors[:, :2] - points[:, :2] / z * vectors[:, 2:]) / z * focal


def _stamp(discs: _Discs, height: int, width: int, core: float) -> _Fragments:
    reach = discs.half.amax(-1)
    parts = []
    smallest = 0.0
    for k in _STAMPS:
        chosen = ((reach > smallest) & (reach <= k / 2)).nonzero()[:, 0]
        smallest = k / 2
        if len(chosen):
            parts.append(_stamp_class(discs, chosen, k, (height, width), core))
    if not parts:
        device = discs.uv.device
        none, real = torch.zeros(0, dtype=torch.int64, device=device), discs.inverse_depth[:0]
        return _Fragments(none, none, real, real, none.bool())
    if len(parts) == 1:
        return parts[0]
    return _Fragments(
        torch.cat([p.pixel for p in parts]),
        torch.cat([p.disc for p in parts]),
        torch.cat([p.weight for p in parts]),
        torch.cat([p.depth for p in parts]),
        torch.cat([p.core for p in parts]),
    )


def _stamp_class(
    discs: _Discs, chosen: Tensor, k: int, size: tuple[int, int], core: float
) -> _Fragments:
    """The pixels of the discs that fit stamps of k × k."""
    height, width = size
    uv, half = discs.uv[chosen], discs.half[chosen]
    first = torch.ceil(uv - half - 0.5)  # the first pixel centre inside, per axis
    steps = torch.arange(k, device=uv.device, dtype=torch.float32)
    pixels = first[:, :, None] + steps  # (n, 2, k)
    away = pixels + 0.5 - uv[:, :, None]
    near = away.abs() / half[:, :, None]
    tent = (1 - near).clamp_min(0)
    limit = torch.tensor([width, height], device=uv.device)[:, None]
    tent = tent * ((pixels >= 0) & (pixels < limit))
    weight = tent[:, 1, :, None] * tent[:, 0, None, :]  # (n, k rows, k columns)
    inverse = discs.inverse_depth[chosen]
    rise = away * discs.slope[chosen][:, :, None]
    shift = rise[:, 1, :, None] + rise[:, 0, None, :]
    # A wrong normal must not throw a disc's rim far from its centre.
    bound = 0.25 * inverse[:, None, None]
    depth = 1 / (inverse[:, None, None] + shift.clamp(-bound, bound))
    inner = near <= core
    is_core = inner[:, 1, :, None] & inner[:, 0, None, :]
    columns = pixels[:, 0].to(torch.int64)
    rows = pixels[:, 1].to(torch.int64)
    pixel = rows[:, :, None] * width + columns[:, None, :]
    touched = weight.reshape(-1).nonzero()[:, 0]
    return _Fragments(
        pixel=pixel.reshape(-1)[touched],
        disc=chosen.repeat_interleave(k * k)[touched],
        weight=weight.reshape(-1)[touched],
        depth=depth.reshape(-1)[touched],
        core=is_core.reshape(-1)[touched],
    )


def _nearest(fragments: _Fragments, pixels: int) -> tuple[Tensor, Tensor]:
    """Depth (P,) and index of the nearest disc (P,) per pixel; inf and −1 where there is none.

    The bits of a positive float order like the float, so one integer holds depth and index and the
    smallest of them is the same in any order of work.
    """
    device = fragments.pixel.device
    most = torch.iinfo(torch.int64).max
    best = torch.full((pixels,), most, dtype=torch.int64, device=device)
    core = fragments.core.nonzero()[:, 0]
    bits = fragments.depth[core].view(torch.int32).to(torch.int64)
    key = (bits << _INDEX_BITS) | fragments.disc[core]
    best.scatter_reduce_(0, fragments.pixel[core], key, "amin")
    hit = best < most
    front = (best >> _INDEX_BITS).to(torch.int32).view(torch.float32)
    front = torch.where(hit, front, torch.inf)
    nearest = torch.where(hit, best & ((1 << _INDEX_BITS) - 1), -1)
    return front, nearest


def _blend(
    fragments: _Fragments, front: Tensor, discs: _Discs, surfels: Surfels, tolerance: float
) -> tuple[Tensor, Tensor, Tensor]:
    """Colour (P, 3), depth (P,) and coverage (P,) from the discs at the front of each pixel.

    Rims of nearer discs may blend over a farther core: that is the soft outline of the near
    surface. They do not enter the depth. Finer discs count more, by the area of their stamps.
    """
    limit = front[fragments.pixel]
    chosen = (fragments.depth <= limit * (1 + tolerance)).nonzero()[:, 0]
    pixel, disc = fragments.pixel[chosen], fragments.disc[chosen]
    weight, depth, limit = fragments.weight[chosen], fragments.depth[chosen], limit[chosen]
    index = discs.index[disc]
    share = weight * surfels.confidence[index] / discs.half.prod(-1)[disc]
    solid = share * (depth >= limit * (1 - tolerance))
    values = torch.cat(
        [
            surfels.colours[index] * share[:, None],
            torch.stack([share, solid * depth, solid, weight], dim=-1),
        ],
        dim=-1,
    )
    sums = torch.zeros(len(front), 7, device=front.device).index_add_(0, pixel, values)
    rgb = sums[:, :3] / sums[:, 3:4].clamp_min(1e-20)
    coverage = sums[:, 6].clamp(0, 1)
    known = sums[:, 5] > 0
    depth_out = torch.where(known, sums[:, 4] / sums[:, 5].clamp_min(1e-20), torch.nan)
    return rgb, depth_out, coverage


def _over_sky(
    front: Rendering, sky: SkyDirections, camera: Camera, height: int, width: int
) -> Rendering:
    """The flat picture `front` over the sky; pixels that are mostly sky get depth inf."""
    R = torch.tensor(
        camera.T_camera_world[:3, :3], dtype=torch.float32, device=sky.directions.device
    )
    k = camera.intrinsics
    focal = torch.tensor([k.fx * width, k.fy * height], device=R.device)
    centre = torch.tensor([k.cx * width, k.cy * height], device=R.device)
    d = sky.directions @ R.T
    uv = d[:, :2] / d[:, 2:] * focal + centre
    margin = _STAMPS[-1] / 2
    size = torch.tensor([width, height], device=R.device)
    index = ((d[:, 2] > 0.05) & ((uv > -margin) & (uv < size + margin)).all(-1)).nonzero()[:, 0]
    half = (sky.radii[index] / d[index, 2])[:, None] * focal
    discs = _Discs(
        uv[index],
        half.clamp(1.0, margin),
        torch.ones(len(index), device=R.device),
        torch.zeros(len(index), 2, device=R.device),
        index,
    )
    fragments = _stamp(discs, height, width, core=0.6)
    values = torch.cat([sky.colours[discs.index[fragments.disc]], fragments.depth[:, None]], -1)
    sums = torch.zeros(height * width, 4, device=R.device).index_add_(
        0, fragments.pixel, values * fragments.weight[:, None]
    )
    _, nearest = _nearest(fragments, height * width)
    rgb = sums[:, :3] / sums[:, 3:].clamp_min(1e-20)
    behind = sums[:, 3].clamp(0, 1) * (1 - front.coverage)
    coverage = front.coverage + behind
    mixed = front.rgb * front.coverage[:, None] + rgb * behind[:, None]
    is_sky = (behind > front.coverage) & (nearest >= 0)
    ids = sky.view_ids[discs.index[nearest.clamp_min(0)]] if len(index) else front.view_ids
    return Rendering(
        rgb=mixed / coverage[:, None].clamp_min(1e-20),
        depth=torch.where(is_sky, torch.inf, front.depth),
        coverage=coverage.clamp(0, 1),
        view_ids=torch.where(is_sky, ids, front.view_ids),
        surfel_ids=torch.where(is_sky, -1, front.surfel_ids),
        footprint=torch.where(is_sky, 1.0, front.footprint),
    )
