"""What a codec loses: pictures and depth through it and back, whichever codec it is."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from engine.geometry.metrics import depth_metrics
from engine.geometry.pictures import depth_to_picture, median_depth, picture_to_depth
from engine.model.codecs.picture_codec import PictureCodec


@dataclass(frozen=True)
class CodecQuality:
    """Attributes:
    psnr: mean over pictures, dB; nan where none was given.
    abs_rel: mean over depth maps of |d − d*| / d* where depth is known; nan where none was given.
    latent_std: of all latents; about 1 in codecs whose numbers are right.
    """

    psnr: float
    abs_rel: float
    latent_std: float


@torch.no_grad()
def codec_quality(
    codec: PictureCodec, rgb: Sequence[Tensor], depth: Sequence[Tensor] = ()
) -> CodecQuality:
    """Encodes and decodes everything once, one picture at a time, on the codec's device.

    Args:
        rgb: pictures (3, H, W) in [0, 1], H and W multiples of 8.
        depth: z-depth maps (H, W), inf = sky, all pixels known; coded in units of their median.

    Raises:
        ValueError: nothing was given, or shapes do not fit.
    """
    if not rgb and not depth:
        raise ValueError("a codec is measured on pictures or depth maps; give some")
    device = next(codec.parameters()).device
    latents: list[Tensor] = []
    psnrs, errors = [], []
    for picture in rgb:
        there = _through(codec, picture.to(device) * 2 - 1, latents)
        mean = float(((there + 1) / 2 - picture.to(device)).square().mean())
        psnrs.append(-10 * math.log10(max(mean, 1e-10)))
    for known in depth:
        scale = median_depth(known)
        shown = depth_to_picture(known.to(device), scale).expand(3, -1, -1)
        there = _through(codec, shown, latents).mean(0)
        read = picture_to_depth(there, scale).cpu().numpy()
        errors.append(depth_metrics(read, known.cpu().numpy()).abs_rel)
    spread = float(torch.cat([latent.flatten() for latent in latents]).std())
    return CodecQuality(_mean(psnrs), _mean(errors), spread)


def _through(codec: PictureCodec, picture: Tensor, latents: list[Tensor]) -> Tensor:
    latent = codec.encode(picture[None])
    latents.append(latent.cpu())
    return codec.decode(latent)[0]


def _mean(values: list[float]) -> float:
    return sum(values) / len(values) if values else math.nan
