"""Latents of about unit variance: (z − shift) · scale, by what an autoencoder's config states."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from engine.model.codecs.picture_codec import CodecError


@dataclass(frozen=True)
class Normalisation:
    """One number for each latent channel.

    Attributes:
        shift: what is subtracted from the autoencoder's own latent.
        scale: what the difference is multiplied by.
    """

    shift: tuple[float, ...]
    scale: tuple[float, ...]

    def apply(self, raw: Tensor) -> Tensor:
        """(B, C, h, w) of about unit variance from the autoencoder's own latents."""
        return (raw - _per_channel(self.shift, raw)) * _per_channel(self.scale, raw)

    def undo(self, latent: Tensor) -> Tensor:
        return latent / _per_channel(self.scale, latent) + _per_channel(self.shift, latent)


def _per_channel(values: tuple[float, ...], like: Tensor) -> Tensor:
    return torch.tensor(values, dtype=like.dtype, device=like.device)[:, None, None]


def image_normalisation(config: Mapping[str, Any], channels: int) -> Normalisation:
    """Of `AutoencoderKL` (diffusers' FLUX, SDXL and Playground pipelines) and `AutoencoderTiny`.

    FLUX: (z − shift_factor) · scaling_factor. Where a mean and a deviation of each channel are
    stated, those take the place of the shift. TAEF1's own factors are 0 and 1: its latents are
    FLUX's after scaling.

    Raises:
        CodecError: numbers that make no normalisation.
    """
    factor = config.get("scaling_factor")
    factor = 1.0 if factor is None else factor
    mean, std = config.get("latents_mean"), config.get("latents_std")
    if mean is None or std is None:
        shift = config.get("shift_factor")
        return _checked([shift or 0.0] * channels, [factor] * channels, channels)
    scales = [factor / s if s else 0.0 for s in std]
    return _checked(mean, scales, channels)


def video_normalisation(config: Mapping[str, Any], channels: int) -> Normalisation:
    """Of `AutoencoderKLWan` (diffusers' `WanImageToVideoPipeline`): (z − mean) / std.

    Raises:
        CodecError: numbers that make no normalisation.
    """
    std = config["latents_std"]
    return _checked(config["latents_mean"], [1.0 / s if s else 0.0 for s in std], channels)


def _checked(shift: Sequence[Any], scale: Sequence[Any], channels: int) -> Normalisation:
    found = Normalisation(tuple(map(float, shift)), tuple(map(float, scale)))
    if len(found.shift) != channels or len(found.scale) != channels:
        raise CodecError(
            f"its config.json normalises {len(found.scale)} latent channels, but it has {channels}"
        )
    if not all(s > 0 for s in found.scale):
        raise CodecError("its config.json scales a latent channel by nothing or less")
    return found
