"""Autoencoders of `diffusers` as codecs; diffusers itself is imported by `folder` alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import torch
from torch import Tensor, nn

from engine.model.codecs.normalisation import (
    Normalisation,
    image_normalisation,
    video_normalisation,
)
from engine.model.codecs.picture_codec import PictureCodec


@dataclass(frozen=True)
class DiffusersCodecConfig:
    """Which autoencoder it is; a checkpoint's header has these fields.

    Attributes:
        class_name: of diffusers.
        normalisation: from its own latents to ours.
        sha256: of its weights file; of all their hashes, where there are several.
        source: the folder that it was read from, for the user; another may hold the same weights.
    """

    name: str
    class_name: str
    latent_channels: int
    normalisation: Normalisation
    sha256: str
    source: str

    def is_same_codec(self, other: DiffusersCodecConfig) -> bool:
        """The same latents, wherever it lies and whatever it is called."""
        return (self.class_name, self.sha256, self.normalisation) == (
            other.class_name,
            other.sha256,
            other.normalisation,
        )


@dataclass(frozen=True)
class AutoencoderKind:
    """How a class of diffusers is asked.

    Attributes:
        channels: the config's field with the number of latent channels.
        normalisation: from its config and that number.
        encode: (B, C, h, w), its own latents of pictures (B, 3, H, W).
        decode: pictures from its own latents, not clamped where that can be had.
    """

    channels: str
    normalisation: Callable[[Mapping[str, Any], int], Normalisation]
    encode: Callable[[Any, Tensor], Tensor]
    decode: Callable[[Any, Tensor], Tensor]


def _encode_kl(autoencoder: Any, picture: Tensor) -> Tensor:
    mode: Tensor = autoencoder.encode(picture).latent_dist.mode()
    return mode


def _decode_image(autoencoder: Any, raw: Tensor) -> Tensor:
    picture: Tensor = autoencoder.decode(raw).sample
    return picture


def _encode_tiny(autoencoder: Any, picture: Tensor) -> Tensor:
    # Not by its `encode`: that one's tiles have four channels, whatever the model has.
    size = 1 if autoencoder.use_slicing else len(picture)
    return torch.cat([autoencoder.encoder(part) for part in torch.split(picture, size)])


def _encode_frame(autoencoder: Any, picture: Tensor) -> Tensor:
    return _encode_kl(autoencoder, picture[:, :, None])[:, :, 0]


def _decode_frame(autoencoder: Any, raw: Tensor) -> Tensor:
    if autoencoder.use_tiling or autoencoder.use_slicing:
        return _decode_image(autoencoder, raw[:, :, None])[:, :, 0]
    # Its `decode` clamps, and copies features for frames that never come.
    frames: Tensor = autoencoder.decoder(
        autoencoder.post_quant_conv(raw[:, :, None]), first_chunk=True
    )
    return frames[:, :, 0]


#: The classes that can be codecs. All take pictures in [−1, 1].
KINDS: Mapping[str, AutoencoderKind] = MappingProxyType(
    {
        "AutoencoderKL": AutoencoderKind(
            "latent_channels", image_normalisation, _encode_kl, _decode_image
        ),
        "AutoencoderTiny": AutoencoderKind(
            "latent_channels", image_normalisation, _encode_tiny, _decode_image
        ),
        "AutoencoderKLWan": AutoencoderKind(
            "z_dim", video_normalisation, _encode_frame, _decode_frame
        ),
    }
)


class DiffusersCodec(PictureCodec):
    """One autoencoder; a video autoencoder gets pictures as videos of one frame.

    Encoding takes the posterior's mode, no sample. Latents and pictures are float32 whatever the
    weights are kept in.

    Args:
        autoencoder: a model of the class that the configuration names.
    """

    config: DiffusersCodecConfig

    def __init__(self, autoencoder: nn.Module, config: DiffusersCodecConfig) -> None:
        super().__init__()
        self.autoencoder = autoencoder
        self.config = config

    @property
    def _kind(self) -> AutoencoderKind:
        return KINDS[self.config.class_name]

    def _weights_type(self) -> torch.dtype:
        return next(self.autoencoder.parameters()).dtype

    def encode_checked(self, picture: Tensor) -> Tensor:
        raw = self._kind.encode(self.autoencoder, picture.to(self._weights_type()))
        return self.config.normalisation.apply(raw.float())

    def decode_unclamped(self, latent: Tensor) -> Tensor:
        raw = self.config.normalisation.undo(latent.float())
        return self._kind.decode(self.autoencoder, raw.to(self._weights_type())).float()

    def enable_tiling(self, on: bool = True) -> None:
        """Pictures beyond the autoencoder's own tile size in overlapping tiles, blended."""
        autoencoder: Any = self.autoencoder
        autoencoder.use_tiling = on
