"""How a new view enters the cloud.

Point-based fusion by projection (after Keller et al., "Real-time 3D reconstruction in dynamic
scenes using point-based fusion", 2013), changed for pictures that are drawn and not measured: what
is already known well enough is kept as it is, since drawn views repeat it with less detail, and
only what was unknown, or known more coarsely, is added.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from engine.geometry.cameras import Camera
from engine.geometry.rendering import Rendering, RenderSettings, footprints, render_surfels
from engine.geometry.surfels import LEAST_CONFIDENCE, Seen, Surfels, surfels_from_view
from memory.cloud import SurfelCloud, unseen, with_view


@dataclass(frozen=True)
class FusionConfig:
    """When two things seen are one.

    Attributes:
        tolerance: relative difference in depth up to which a surfel and a pixel are one surface.
        coarse: a known disc wider than this many pixels of the new view is replaced.
        doubtful: a known disc this much less sure (ratio) than the new pixel is replaced.
        floating: surfels less sure than this vanish when a view looks through them with
            confidence of at least `certain`.
        certain: see above.
    """

    tolerance: float = 0.05
    coarse: float = 1.6
    doubtful: float = 0.5
    floating: float = 0.5
    certain: float = 0.6


@dataclass(frozen=True)
class Observation:
    """A view on the memory's device: rgb (H, W, 3) in [0, 1], depth (H, W), confidence (H, W)."""

    view_id: int
    camera: Camera
    rgb: Tensor
    depth: Tensor
    confidence: Tensor


@dataclass(frozen=True)
class _Projected:
    """Selected surfels in a picture: pixel (M,) int64 (0 where outside), depth (M,), inside (M,)
    bool, cosine (M,) of the angle they are seen at."""

    pixel: Tensor
    depth: Tensor
    inside: Tensor
    cosine: Tensor


def fuse(cloud: SurfelCloud, picture: Observation, config: FusionConfig) -> Seen:
    """Add what `picture` newly shows; returns what was added, with the whole sky."""
    height, width = picture.depth.shape
    selection = cloud.select_before(picture.camera, picture.depth, 2 * config.tolerance)
    surfels = cloud.surfels(selection)
    projected = _project(surfels, picture.camera, height, width)
    matched = _matched(projected, picture.depth, config.tolerance)
    there = surfels[matched]
    known = render_surfels(
        there,
        picture.camera,
        height,
        width,
        settings=RenderSettings(depth_tolerance=config.tolerance),
    )
    wanted = _wanted(known, there.confidence, picture, config)
    new = _new(picture, wanted)
    index = selection.index[matched]
    well = _resolution(picture.camera, width, projected.depth, projected.cosine)
    cloud.observe(index, picture.view_id, well[matched])
    gone = torch.zeros_like(projected.inside)
    gone[matched] = _superseded(there, projected, matched, wanted, picture, config)
    gone |= _floating(projected, surfels, picture, config)
    seen = _inherited(cloud, new, known, index, picture)
    cloud.remove(selection.index[gone])
    depth = picture.depth.reshape(-1)[new.surfel_pixels]
    cloud.append(new.surfels, new.surfel_pixels, depth, width, seen)
    return new


def observe(cloud: SurfelCloud, camera: Camera, view_id: int, depth: Tensor) -> None:
    """Note what a view without a depth of its own sees of the cloud; `depth` is the cloud's."""
    height, width = depth.shape
    selection = cloud.select_before(camera, depth, 2 * FusionConfig.tolerance)
    projected = _project(cloud.surfels(selection), camera, height, width)
    matched = _matched(projected, depth, FusionConfig.tolerance)
    well = _resolution(camera, width, projected.depth, projected.cosine)
    cloud.observe(selection.index[matched], view_id, well[matched])


def _project(surfels: Surfels, camera: Camera, height: int, width: int) -> _Projected:
    T = torch.tensor(camera.T_camera_world, dtype=torch.float32, device=surfels.radii.device)
    k = camera.intrinsics
    points = torch.addmm(T[:3, 3:], T[:3, :3], surfels.positions.T)
    normals = T[:3, :3] @ surfels.normals.T
    z = points[2]
    front = z > 2 * surfels.radii
    safe = torch.where(front, z, 1.0)
    column = ((points[0] / safe * k.fx + k.cx) * width).floor()
    row = ((points[1] / safe * k.fy + k.cy) * height).floor()
    cosine = -(normals * points).sum(0) / points.square().sum(0).sqrt().clamp_min(1e-20)
    inside = front & (column >= 0) & (column < width) & (row >= 0) & (row < height) & (cosine > 0)
    pixel = torch.where(inside, row * width + column, 0.0).to(torch.int64)
    return _Projected(pixel, z, inside, cosine)


def _matched(projected: _Projected, depth: Tensor, tolerance: float) -> Tensor:
    """Indices of surfels on the surface that the picture shows at their pixel."""
    there = depth.reshape(-1).index_select(0, projected.pixel)
    same = (projected.depth - there).abs() <= tolerance * there  # inf and nan compare false
    return (same & projected.inside & torch.isfinite(there)).nonzero()[:, 0]


def _wanted(
    known: Rendering, confidence: Tensor, picture: Observation, config: FusionConfig
) -> Tensor:
    """(H, W) bool: pixels whose surface is unknown, or known worse than this view shows it."""
    if len(confidence):
        sure = confidence[known.surfel_ids.clamp_min(0)]
        sure = torch.where(known.surfel_ids >= 0, sure, 0.0)
    else:
        sure = torch.zeros_like(known.coverage)
    good = (
        (known.coverage > 0.7)
        & (known.footprint <= config.coarse)
        & (sure >= config.doubtful * picture.confidence)
    )
    return ~good


def _new(picture: Observation, wanted: Tensor) -> Seen:
    confidence = torch.where(wanted, picture.confidence, 0.0)
    return surfels_from_view(
        picture.rgb, picture.depth, picture.camera, picture.view_id, confidence
    )


def _resolution(camera: Camera, width: int, depth: Tensor, cosine: Tensor) -> Tensor:
    """Pixels per world unit with which a view sees surfels at `depth` (N,) under `cosine` (N,)."""
    return camera.intrinsics.fx * width / depth.clamp_min(1e-12) * cosine


def _superseded(
    surfels: Surfels,
    projected: _Projected,
    matched: Tensor,
    wanted: Tensor,
    picture: Observation,
    config: FusionConfig,
) -> Tensor:
    """(len(matched),) bool: discs all of whose pixels finer ones show, new or known."""
    height, width = wanted.shape
    added = wanted & (picture.confidence > LEAST_CONFIDENCE) & torch.isfinite(picture.depth)
    finer = (added | ~wanted).view(-1)
    pixels = footprints(surfels, picture.camera, height, width)
    reach = pixels.ceil().clamp(1, 8).to(torch.int64)
    at = projected.pixel[matched]
    row, column = at // width, at % width
    unsure = surfels.confidence < config.doubtful * picture.confidence.view(-1)[at]
    gone: Tensor = (finer[at] & (pixels > config.coarse)) | (added.view(-1)[at] & unsure)
    for y, x in ((-1, -1), (-1, 1), (1, -1), (1, 1)):
        r, c = row + y * reach, column + x * reach
        inside = (r >= 0) & (r < height) & (c >= 0) & (c < width)
        there = r.clamp(0, height - 1) * width + c.clamp(0, width - 1)
        gone &= inside & finer[there]
    return gone


def _floating(
    projected: _Projected, surfels: Surfels, picture: Observation, config: FusionConfig
) -> Tensor:
    """(N,) bool: unsure surfels in air that this view sees through for certain."""
    finite = torch.where(torch.isnan(picture.depth), 0.0, picture.depth)
    nearest = -F.max_pool2d(-finite[None, None], 3, stride=1, padding=1)[0, 0]
    sure = -F.max_pool2d(-picture.confidence[None, None], 3, stride=1, padding=1)[0, 0]
    behind = nearest.view(-1).index_select(0, projected.pixel)
    certain = sure.view(-1).index_select(0, projected.pixel) >= config.certain
    in_air = projected.depth < behind * (1 - 2 * config.tolerance)
    return projected.inside & in_air & certain & (surfels.confidence < config.floating)


def _inherited(
    cloud: SurfelCloud, new: Seen, known: Rendering, index: Tensor, picture: Observation
) -> tuple[Tensor, Tensor]:
    """Who sees the new surfels: this view, and all who saw what they lie upon."""
    seen_by, seen_well = unseen(len(new.surfels), new.surfels.radii.device)
    if len(index):
        below = known.surfel_ids.view(-1)[new.surfel_pixels]
        upon = below >= 0
        old_by, old_well = cloud.seen(index[below.clamp_min(0)])
        seen_by = torch.where(upon[:, None], old_by, seen_by)
        seen_well = torch.where(upon[:, None], old_well, seen_well)
        # The old surfels were just told of this view: it must not be noted twice.
        fresh = seen_by == picture.view_id
        seen_by = torch.where(fresh, -1, seen_by)
        seen_well = torch.where(fresh, -1.0, seen_well)
    depth = picture.depth.reshape(-1)[new.surfel_pixels]
    width = picture.depth.shape[1]
    towards = torch.tensor(picture.camera.position, dtype=torch.float32, device=depth.device)
    rays = F.normalize(towards - new.surfels.positions, dim=-1)
    cosine = (rays * new.surfels.normals).sum(-1).clamp_min(0)
    return with_view(
        seen_by, seen_well, picture.view_id, _resolution(picture.camera, width, depth, cosine)
    )
