"""A short sequence as latents of every kind: what joint lessons choose their pictures from."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from engine.geometry.cameras import Camera
from engine.geometry.pictures import median_depth
from engine.geometry.rays import camera_directions
from engine.geometry.rendering import Rendering, render_surfels, surfels_from_view
from engine.model.codecs.picture_codec import PictureCodec
from engine.model.hints import fill_holes
from engine.model.kinds import Kind
from engine.model.kinds.encoded import SKY_FAR
from engine.model.pictures import TOKEN_PIXELS, PictureMaker
from engine.training.augmentation import disturbed_depth, uniform
from engine.training.entries import EntryConfig, as_bytes, prepared, relative_rays
from engine.training.sequences import PosedSequence

#: A patch counts as seen when this share of it is covered.
SEEN_SHARE = 0.8


@dataclass(frozen=True)
class JointEntry:
    """Views in the order of their walk; slot 0 is the anchor.

    Attributes:
        latents: for RGB, DEPTH and XYZ, (V, C, h, w), in units of the anchor's σ.
        rays: (V, 6, h/2, w/2).
        warped: for RGB and XYZ, (V, C, h, w): view 0 as seen from each camera, holes filled.
        seen: (V, N) bool, patches of `warped` that are covered.
        pictures: (V, 3, H, W) bytes of the views, where they are kept.
    """

    latents: dict[Kind, Tensor]
    rays: Tensor
    warped: dict[Kind, Tensor]
    seen: Tensor
    caption: str
    pictures: Tensor | None = None

    @property
    def views(self) -> int:
        return int(self.rays.shape[0])


def anchor_points(depth: Tensor, camera: Camera, anchor: Camera, scale: float) -> Tensor:
    """z-depth (H, W) of `camera` as points (3, H, W) in the anchor's frame, in units of σ.

    The sky's points lie far out along their rays: XYZ pictures have no other way to say so.
    """
    height, width = depth.shape
    relative = camera.relative_to(anchor, scale)
    T = torch.tensor(relative.T_world_camera, dtype=torch.float32, device=depth.device)
    ratio = torch.where(depth.isinf(), torch.full_like(depth, SKY_FAR), depth / scale)
    directions = camera_directions(relative, height, width, depth.device)
    return ((directions * ratio[..., None]) @ T[:3, :3].T + T[:3, 3]).permute(2, 0, 1)


@torch.no_grad()
def joint_entry(
    sequence: PosedSequence,
    views: int,
    codec: PictureCodec,
    config: EntryConfig,
    generator: torch.Generator,
    device: torch.device,
) -> JointEntry:
    """`views` views, in order, of a random part of the sequence, forwards or backwards."""
    chosen = run_of(len(sequence.cameras), views, generator)
    part = prepared(sequence, chosen, config, generator).to(device)
    anchor, scale = part.cameras[0], median_depth(part.depth[0])
    points = torch.stack(
        [
            anchor_points(d[0], c, anchor, scale)
            for d, c in zip(part.depth, part.cameras, strict=True)
        ]
    )
    warps = _warps(part, generator, config.depth_error)
    coverage = torch.stack([w.coverage for w in warps])[:, None]
    warped_rgb = torch.stack([w.rgb for w in warps]).permute(0, 3, 1, 2)
    warped_points = torch.stack(
        [anchor_points(w.depth, c, anchor, scale) for w, c in zip(warps, part.cameras, strict=True)]
    )
    known = coverage * ~warped_points.isnan().any(1, keepdim=True)
    pictures = (
        Kind.RGB.to_picture(part.rgb, scale),
        Kind.DEPTH.to_picture(part.depth, scale),
        Kind.XYZ.to_picture(points, 1.0),
        fill_holes(Kind.RGB.to_picture(warped_rgb, scale), coverage),
        fill_holes(Kind.XYZ.to_picture(warped_points, 1.0), known),
    )
    kinds = (Kind.RGB, Kind.DEPTH, Kind.XYZ, Kind.RGB, Kind.XYZ)
    rgb, depth, xyz, warp_rgb, warp_xyz = PictureMaker(codec).contents(kinds, pictures)
    return JointEntry(
        latents={Kind.RGB: rgb, Kind.DEPTH: depth, Kind.XYZ: xyz},
        rays=relative_rays(part.cameras, anchor, scale, config.size).to(device),
        warped={Kind.RGB: warp_rgb, Kind.XYZ: warp_xyz},
        seen=F.avg_pool2d(known, TOKEN_PIXELS).flatten(1) > SEEN_SHARE,
        caption=part.caption,
        pictures=as_bytes(part.rgb, config),
    )


def run_of(available: int, views: int, generator: torch.Generator) -> list[int]:
    """Indices of a run with a random step, in either direction."""
    if available < views:
        raise ValueError(f"a joint lesson of {views} views needs as many, not {available}")
    longest = (available - 1) // (views - 1)
    step = 1 + int(torch.randint(longest, (), generator=generator))
    start = int(torch.randint(available - step * (views - 1), (), generator=generator))
    run = list(range(start, start + step * (views - 1) + 1, step))
    return run[::-1] if uniform(generator, 0, 1) < 0.5 else run


def _warps(part: PosedSequence, generator: torch.Generator, depth_error: float) -> list[Rendering]:
    """View 0, by depth as wrong as a network's, from every camera."""
    strength = uniform(generator, 0.0, depth_error)
    depth = disturbed_depth(part.depth[:1], generator, strength)[0, 0]
    seen = surfels_from_view(part.rgb[0].permute(1, 2, 0), depth, part.cameras[0], 0)
    height, width = part.rgb.shape[-2:]
    return [render_surfels(seen.surfels, c, height, width, seen.sky) for c in part.cameras]
