"""What every codec has: pictures (3 channels in [−1, 1]) to latents, 8× smaller, and back."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Protocol

import torch
from torch import Tensor, nn

from engine.model.errors import CheckpointError

DOWNSCALE = 8


class CodecError(CheckpointError):
    """A codec that cannot be used; the message says what, where and what to do."""


class CodecDescription(Protocol):
    """What is known of any codec by its configuration."""

    @property
    def name(self) -> str: ...

    @property
    def latent_channels(self) -> int: ...


class PictureCodec(nn.Module, ABC):
    """RGB, DEPTH, XYZ and WARP pictures ↔ latents of about unit variance per channel.

    `encode` gives the same latent for the same picture, always. Transformers are trained on the
    latents of one codec and mean nothing with another's.
    """

    config: CodecDescription
    #: Side in pixels of the patches that are decoded almost apart, so that their borders can show;
    #: 0 where neighbours are decoded together.
    patch: int = 0

    def encode(self, picture: Tensor) -> Tensor:
        """(B, C, H/8, W/8) from pictures (B, 3, H, W) in [−1, 1].

        Raises:
            ValueError: another shape, or H and W no multiples of 8.
        """
        if (
            picture.ndim != 4
            or picture.shape[1] != 3
            or any(s % DOWNSCALE for s in picture.shape[2:])
        ):
            raise ValueError(
                f"pictures must be (B, 3, H, W) with H and W multiples of {DOWNSCALE}, "
                f"not {tuple(picture.shape)}"
            )
        return self.encode_checked(picture)

    def decode(self, latent: Tensor) -> Tensor:
        """(B, 3, H, W) in [−1, 1] from (B, C, H/8, W/8)."""
        return self.decode_unclamped(latent).clamp(-1.0, 1.0)

    @abstractmethod
    def encode_checked(self, picture: Tensor) -> Tensor:
        """`encode` of pictures whose shape is right."""

    @abstractmethod
    def decode_unclamped(self, latent: Tensor) -> Tensor:
        """What training compares with the picture: clamping would stop gradients."""

    def channel_gains(self) -> Tensor:
        """(C,) how much each latent channel moves the picture; only ratios mean something.

        Alike unless a codec knows better: autoencoders trained under a prior of unit variance do
        not order their channels, and the models published for them weigh all alike.
        """
        return torch.ones(self.config.latent_channels)

    def enable_tiling(self, on: bool = True) -> None:
        """Large pictures in tiles, for less memory, where a codec can; ours needs none."""
