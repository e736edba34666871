"""Sequences as latents: what a training step draws its queries from.

Encoding and warping cost as much as a training pass, so one encoded entry serves several queries
(a replay buffer); noise, dropped context and corruption differ each time.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from engine.geometry.cameras import Camera
from engine.geometry.pictures import median_depth
from engine.geometry.rays import plucker_rays
from engine.geometry.rendering import (
    Rendering,
    SkyDirections,
    Surfels,
    render_surfels,
    surfels_from_view,
)
from engine.model.codecs.picture_codec import PictureCodec
from engine.model.hints import filled_colours, hint_latents
from engine.model.kinds import Kind
from engine.model.pictures import TOKEN_PIXELS, PictureMaker
from engine.training.augmentation import (
    Crop,
    cut,
    disturbed_depth,
    photometric,
    random_crop,
    random_rolled_crop,
    rolled_cut,
    unevenly_lit,
    uniform,
)
from engine.training.painting import odd_colours, painted_planes
from engine.training.sequences import PosedSequence


@dataclass(frozen=True)
class EntryConfig:
    """Attributes:
    size: (H, W) of the pictures, multiples of 16.
    least_crop: smallest share of a sequence's picture that is used.
    roll: most that a single view is turned about the camera's axis, degrees.
    targets: views drawn from each entry of a walk.
    depth_error: largest standard deviation of log depth in context and hints.
    keep_pictures: entries hold the pictures beside their latents, for image encoders that are
        trained with the network, or asked anew of what it has become.
    """

    size: tuple[int, int] = (144, 256)
    least_crop: float = 0.7
    roll: float = 10.0
    targets: int = 2
    depth_error: float = 0.12
    keep_pictures: bool = False


@dataclass(frozen=True)
class PhotoEntry:
    """One view alone: (C, h, w) latents of its RGB and DEPTH (in units of its own σ), its rays;
    and (3, H, W) bytes of its picture, where they are kept."""

    rgb: Tensor
    depth: Tensor
    rays: Tensor
    caption: str
    picture: Tensor | None = None


@dataclass(frozen=True)
class WalkEntry:
    """Context views first (slot 0 is the anchor), then targets.

    Attributes:
        rgb, depth: (V, C, h, w) latents; depth in units of the anchor's σ. The context's depth is
            disturbed, the targets' is true.
        rays: (V, 6, h/2, w/2) in the anchor's frame.
        hints: (T, 2C + 1, h, w), one a target.
        contexts: how many views are context.
        pictures: (V, 3, H, W) bytes of the views, where they are kept.
        warps: (T, 3, H, W) bytes of what the context shows from each target, holes filled.
    """

    rgb: Tensor
    depth: Tensor
    rays: Tensor
    hints: Tensor
    contexts: int
    caption: str
    pictures: Tensor | None = None
    warps: Tensor | None = None


def as_bytes(rgb: Tensor, config: EntryConfig) -> Tensor | None:
    """Pictures (…, 3, H, W) in [0, 1] as entries keep them; None where they do not."""
    return (rgb * 255).round().to(torch.uint8) if config.keep_pictures else None


def _mirrored(sequence: PosedSequence) -> PosedSequence:
    """The mirror image of a scene: pictures flip, and so does the world's x axis."""
    cameras = tuple(camera.mirrored() for camera in sequence.cameras)
    flipped = (sequence.rgb.flip(-1), sequence.depth.flip(-1))
    return replace(sequence, rgb=flipped[0], depth=flipped[1], cameras=cameras)


def _cropped(
    sequence: PosedSequence, crop: Crop, size: tuple[int, int], views: list[int]
) -> PosedSequence:
    cameras = tuple(
        Camera(sequence.cameras[v].T_world_camera, crop.intrinsics(sequence.cameras[v].intrinsics))
        for v in views
    )
    return PosedSequence(
        cut(sequence.rgb[views], crop, size),
        cut(sequence.depth[views], crop, size, nearest=True),
        cameras,
        sequence.caption,
        tuple(sequence.scales[v] for v in views) if sequence.scales else (),
    )


def prepared(
    sequence: PosedSequence, views: list[int], config: EntryConfig, generator: torch.Generator
) -> PosedSequence:
    """Chosen views, cropped, perhaps mirrored, as one random camera would show them."""
    if uniform(generator, 0, 1) < 0.5:
        sequence = _mirrored(sequence)
    height, width = sequence.rgb.shape[-2:]
    crop = random_crop(generator, (height, width), config.size, config.least_crop)
    part = _cropped(sequence, crop, config.size, views)
    return replace(part, rgb=photometric(part.rgb, generator))


def single_view(
    sequence: PosedSequence, view: int, config: EntryConfig, generator: torch.Generator
) -> PosedSequence:
    """One view as a camera held askew would show it, perhaps mirrored, lit or coloured anew."""
    alone = sequence.only(view)
    if uniform(generator, 0, 1) < 0.5:
        alone = _mirrored(alone)
    whole: tuple[int, int] = (alone.rgb.shape[-2], alone.rgb.shape[-1])
    bounds = (config.least_crop, math.radians(config.roll))
    crop = random_rolled_crop(generator, whole, config.size, *bounds)
    rgb = rolled_cut(alone.rgb, crop, config.size)
    depth = rolled_cut(alone.depth, crop, config.size, nearest=True)
    lens = crop.intrinsics(alone.cameras[0].intrinsics, whole)
    lit = unevenly_lit(painted_planes(rgb, depth, generator), generator)
    return replace(
        alone,
        rgb=odd_colours(photometric(lit, generator), generator),
        depth=depth,
        cameras=(Camera(np.eye(4), lens),),
    )


def relative_rays(
    cameras: tuple[Camera, ...], anchor: Camera, scale: float, size: tuple[int, int]
) -> Tensor:
    """(V, 6, h/2, w/2) Plücker rays in the anchor's frame, in units of σ = `scale`."""
    rows, columns = size[0] // TOKEN_PIXELS, size[1] // TOKEN_PIXELS
    relative = [camera.relative_to(anchor, scale) for camera in cameras]
    return torch.stack([plucker_rays(camera, rows, columns) for camera in relative])


def _encode(codec: PictureCodec, rgb: Tensor, depth: Tensor, scale: float) -> list[Tensor]:
    kinds = (Kind.RGB, Kind.DEPTH)
    pictures = [k.to_picture(v, scale) for k, v in zip(kinds, (rgb, depth), strict=True)]
    return PictureMaker(codec).contents(kinds, pictures)


@torch.no_grad()
def photo_entry(
    sequence: PosedSequence,
    codec: PictureCodec,
    config: EntryConfig,
    generator: torch.Generator,
    device: torch.device,
) -> PhotoEntry:
    view = int(torch.randint(len(sequence.cameras), (), generator=generator))
    part = single_view(sequence, view, config, generator).to(device)
    scale = median_depth(part.depth)
    rgb, depth = _encode(codec, part.rgb, part.depth, scale)
    rays = relative_rays(part.cameras, part.cameras[0], scale, config.size)
    picture = as_bytes(part.rgb[0], config)
    return PhotoEntry(rgb[0], depth[0], rays[0].to(device), part.caption, picture)


def chosen_views(
    cameras: tuple[Camera, ...], contexts: int, targets: int, generator: torch.Generator
) -> list[int]:
    """Random context and target views; the anchor is the context view nearest to the target.

    Raises:
        ValueError: there are fewer views than that.
    """
    if len(cameras) < contexts + targets:
        raise ValueError(
            f"a walk of {contexts} + {targets} views needs as many, not {len(cameras)}"
        )
    order = torch.randperm(len(cameras), generator=generator).tolist()
    goal, rest = order[:targets], order[targets : targets + contexts]

    def distance(view: int) -> float:
        a, b = cameras[view], cameras[goal[0]]
        return float(np.linalg.norm(a.position - b.position) + 1.0 - a.forward @ b.forward)

    return sorted(rest, key=distance) + goal


@torch.no_grad()
def walk_entry(
    sequence: PosedSequence,
    contexts: int,
    codec: PictureCodec,
    config: EntryConfig,
    generator: torch.Generator,
    device: torch.device,
) -> WalkEntry:
    views = chosen_views(sequence.cameras, contexts, config.targets, generator)
    part = prepared(sequence, views, config, generator).to(device)
    strength = uniform(generator, 0.0, config.depth_error)
    seen = disturbed_depth(part.depth[:contexts], generator, strength)
    scale = median_depth(seen[0])
    depth = torch.cat([seen, part.depth[contexts:]])
    rgb, depth_latents = _encode(codec, part.rgb, depth, scale)
    rays = relative_rays(part.cameras, part.cameras[0], scale, config.size)
    warps = _warps(part, seen)
    hints = _hints(warps, codec, scale)
    return WalkEntry(
        rgb,
        depth_latents,
        rays.to(device),
        hints,
        contexts,
        part.caption,
        as_bytes(part.rgb, config),
        as_bytes(_filled(warps), config) if config.keep_pictures else None,
    )


def _warps(part: PosedSequence, seen: Tensor) -> list[Rendering]:
    """The context by its disturbed depth, from the camera of every target."""
    contexts = len(seen)
    known = [
        surfels_from_view(part.rgb[i].permute(1, 2, 0), seen[i, 0], part.cameras[i], i)
        for i in range(contexts)
    ]
    surfels = Surfels.concatenated([k.surfels for k in known])
    sky = SkyDirections.concatenated([k.sky for k in known])
    height, width = part.rgb.shape[-2:]
    return [
        render_surfels(surfels, camera, height, width, sky) for camera in part.cameras[contexts:]
    ]


def _filled(warps: list[Rendering]) -> Tensor:
    """(T, 3, H, W) in [0, 1]."""
    rgb = torch.stack([w.rgb for w in warps]).permute(0, 3, 1, 2)
    return filled_colours(rgb, torch.stack([w.coverage for w in warps])[:, None])


def _hints(warps: list[Rendering], codec: PictureCodec, scale: float) -> Tensor:
    return hint_latents(
        codec,
        torch.stack([w.rgb for w in warps]).permute(0, 3, 1, 2),
        torch.stack([w.depth for w in warps])[:, None],
        torch.stack([w.coverage for w in warps])[:, None],
        torch.full((len(warps), 1, 1, 1), scale, device=warps[0].rgb.device),
    )
