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
from engine.geometry.splatting import LARGEST_HALF, SMALLEST_HALF, Discs, splat
from engine.geometry.surfels import (
    Seen,
    SkyDirections,
    Surfels,
    dot,
    surfels_from_view,
)

__all__ = [
    "RenderSettings",
    "Rendering",
    "Seen",
    "SkyDirections",
    "Surfels",
    "footprints",
    "render_surfels",
    "surfels_from_view",
    "warp_views",
]


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
        view_ids: (H, W) int32, the view whose disc counts most; −1 where nothing is known.
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
    lens = _Lens.of(camera, height, width, surfels.positions.device)
    front = _render_front(surfels, lens, settings)
    if sky is not None and len(sky):
        front = _over_sky(front, sky, lens, settings)
    return Rendering(
        rgb=front.rgb.T.reshape(height, width, 3),
        depth=front.depth.view(height, width),
        coverage=front.coverage.view(height, width),
        view_ids=front.view_ids.view(height, width),
        surfel_ids=front.surfel_ids.view(height, width),
        footprint=front.footprint.view(height, width),
    )


def footprints(surfels: Surfels, camera: Camera, height: int, width: int) -> Tensor:
    """(N,) how many pixels wide each disc is in a picture, as `Rendering.footprint` counts."""
    lens = _Lens.of(camera, height, width, surfels.positions.device)
    return _project_discs(surfels, lens, RenderSettings()).half.amax(0)


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


@dataclass(frozen=True)
class _Lens:
    """A camera in pixels: R (3, 3) and t (3, 1) from world to camera, focal and centre (2, 1)."""

    R: Tensor
    t: Tensor
    focal: Tensor
    centre: Tensor
    height: int
    width: int

    @staticmethod
    def of(camera: Camera, height: int, width: int, device: torch.device) -> _Lens:
        T = torch.tensor(camera.T_camera_world, dtype=torch.float32, device=device)
        k = camera.intrinsics
        focal = torch.tensor([[k.fx * width], [k.fy * height]], device=device)
        centre = torch.tensor([[k.cx * width], [k.cy * height]], device=device)
        return _Lens(T[:3, :3], T[:3, 3:], focal, centre, height, width)


def _render_front(surfels: Surfels, lens: _Lens, settings: RenderSettings) -> Rendering:
    """The surfels alone; rgb is (3, P), the other pictures (P,)."""
    discs = _project_discs(surfels, lens, settings)
    out = splat(discs, lens.height, lens.width, settings.core, settings.depth_tolerance)
    seen = out.finest >= 0
    if len(surfels):
        disc = out.finest.clamp_min(0)
        view_ids = torch.where(seen, surfels.view_ids.index_select(0, disc), -1)
        footprint = torch.where(seen, discs.half.amax(0).index_select(0, disc), 0.0)
    else:
        view_ids = out.finest.to(torch.int32)
        footprint = torch.zeros_like(out.coverage)
    return Rendering(out.rgb, out.depth, out.coverage, view_ids, out.finest, footprint)


def _project_discs(surfels: Surfels, lens: _Lens, settings: RenderSettings) -> Discs:
    points = torch.addmm(lens.t, lens.R, surfels.positions.T)  # (3, N)
    normals = lens.R @ surfels.normals.T
    long_axes = lens.R @ surfels.long_axes.T
    z = points[2]
    towards = -dot(normals, points)
    visible = (z > 2 * surfels.radii) & (towards > 0)
    if settings.least_cosine > 0:
        visible &= towards > settings.least_cosine * dot(points, points).sqrt()
    safe = z.clamp_min(1e-9)  # those behind the camera are not visible
    ratio = surfels.radii * dot(long_axes, long_axes).clamp_min(1e-30).rsqrt()
    a = _project_vectors(long_axes, points, safe, lens.focal)
    b = _project_vectors(_cross(normals, long_axes) * ratio, points, safe, lens.focal)
    half = torch.hypot(a, b).clamp(SMALLEST_HALF, LARGEST_HALF)
    return Discs(
        centre=points[:2] / safe * lens.focal + lens.centre,
        half=half,
        inverse_depth=1 / safe,
        # Inverse depth on the disc's plane is linear in pixels: n·d / n·p for a pixel's ray d.
        slope=normals[:2] / lens.focal / -towards.clamp_min(1e-20),
        colours=surfels.colours.T,
        # A tent holds its area in weight: fine discs must count as much per pixel as coarse ones
        # do per stamp, so that near views outweigh far ones.
        share=surfels.confidence / (half[0] * half[1]),
        visible=visible,
    )


def _cross(a: Tensor, b: Tensor) -> Tensor:
    return torch.stack(
        [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]]
    )


def _project_vectors(vectors: Tensor, points: Tensor, z: Tensor, focal: Tensor) -> Tensor:
    """Small vectors (3, N) at points (3, N) of depth z, as pixels (2, N)."""
    return (vectors[:2] - points[:2] / z * vectors[2]) / z * focal


def _over_sky(
    front: Rendering, sky: SkyDirections, lens: _Lens, settings: RenderSettings
) -> Rendering:
    """The flat picture `front` over the sky; pixels that are mostly sky get depth inf."""
    out = splat(_project_sky(sky, lens), lens.height, lens.width, settings.core, 1.0)
    behind = out.coverage * (1 - front.coverage)
    coverage = front.coverage + behind
    rgb = (front.rgb * front.coverage + out.rgb * behind) / coverage.clamp_min(1e-20)
    is_sky = (behind > front.coverage) & (out.finest >= 0)
    return Rendering(
        rgb=rgb,
        depth=torch.where(is_sky, torch.inf, front.depth),
        coverage=coverage.clamp(0, 1),
        view_ids=torch.where(
            is_sky, sky.view_ids.index_select(0, out.finest.clamp_min(0)), front.view_ids
        ),
        surfel_ids=torch.where(is_sky, -1, front.surfel_ids),
        footprint=torch.where(is_sky, 1.0, front.footprint),
    )


def _project_sky(sky: SkyDirections, lens: _Lens) -> Discs:
    d = lens.R @ sky.directions.T
    visible = d[2] > 0.02
    z = torch.where(visible, d[2], 1.0)
    ones = torch.ones_like(z)
    half = (sky.radii / z * lens.focal).clamp(SMALLEST_HALF, LARGEST_HALF)
    return Discs(
        centre=d[:2] / z * lens.focal + lens.centre,
        half=half,
        inverse_depth=ones,
        slope=torch.zeros_like(d[:2]),
        colours=sky.colours.T,
        share=ones / (half[0] * half[1]),
        visible=visible,
    )
