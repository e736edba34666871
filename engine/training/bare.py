"""Entries of pictures without depth: what they can teach is new views, cameras and completion.

Without depth there is no σ; the sequence brings a rough one (`PosedSequence.scales`), so that rays
stay in the range that they have with depth. Nothing here is warped, and no geometry is asked.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from engine.model.codecs.picture_codec import PictureCodec
from engine.model.kinds import Kind
from engine.model.pictures import PictureMaker
from engine.training.entries import EntryConfig, as_bytes, chosen_views, prepared, relative_rays
from engine.training.joint.entries import JointEntry, run_of
from engine.training.sequences import PosedSequence


@dataclass(frozen=True)
class BareWalk:
    """Context views first (slot 0 is the anchor), then targets.

    Attributes:
        rgb: (V, C, h, w) latents.
        rays: (V, 6, h/2, w/2) in the anchor's frame, in units of about its median depth.
        contexts: how many views are context.
        pictures: (V, 3, H, W) bytes of the views, where they are kept.
    """

    rgb: Tensor
    rays: Tensor
    contexts: int
    caption: str
    pictures: Tensor | None = None


@dataclass(frozen=True)
class _Encoded:
    rgb: Tensor
    rays: Tensor
    pictures: Tensor | None


@torch.no_grad()
def bare_walk_entry(
    sequence: PosedSequence,
    contexts: int,
    codec: PictureCodec,
    config: EntryConfig,
    generator: torch.Generator,
    device: torch.device,
) -> BareWalk:
    """A walk of `config.targets` new views."""
    views = chosen_views(sequence.cameras, contexts, config.targets, generator)
    found = _encoded(sequence, views, codec, config, generator, device)
    return BareWalk(found.rgb, found.rays, contexts, sequence.caption, found.pictures)


@torch.no_grad()
def bare_joint_entry(
    sequence: PosedSequence,
    views: int,
    codec: PictureCodec,
    config: EntryConfig,
    generator: torch.Generator,
    device: torch.device,
) -> JointEntry:
    """`views` views of a run, in either direction; RGB and rays only."""
    available = len(sequence.cameras)
    if views > 1:
        chosen = run_of(available, views, generator)
    else:
        chosen = [int(torch.randint(available, (), generator=generator))]
    found = _encoded(sequence, chosen, codec, config, generator, device)
    nothing = torch.zeros(views, found.rays[0, 0].numel(), dtype=torch.bool, device=device)
    latents = {Kind.RGB: found.rgb}
    return JointEntry(latents, found.rays, {}, nothing, sequence.caption, found.pictures)


def _encoded(
    sequence: PosedSequence,
    views: list[int],
    codec: PictureCodec,
    config: EntryConfig,
    generator: torch.Generator,
    device: torch.device,
) -> _Encoded:
    part = prepared(sequence, views, config, generator).to(device)
    scale = part.scales[0] if part.scales else 1.0
    rays = relative_rays(part.cameras, part.cameras[0], scale, config.size)
    picture = Kind.RGB.to_picture(part.rgb, scale)
    (latents,) = PictureMaker(codec).contents([Kind.RGB], [picture])
    return _Encoded(latents, rays.to(device), as_bytes(part.rgb, config))
