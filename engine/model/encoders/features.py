"""What an image encoder sees in a picture, at one or more strides."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True)
class FeatureLevel:
    """Attributes:
    stride: pixels of the picture to one of the features, on each axis; sides round up.
    channels: numbers at each place.
    """

    stride: int
    channels: int


@dataclass(frozen=True)
class EncoderDescription:
    """What a checkpoint states of an encoder, and a network must know to read its features.

    Attributes:
        name: how it is called in checkpoints and in `Features`.
        source: where its weights come from, and under which licence.
        levels: what it gives, from fine to coarse.
    """

    name: str
    source: str
    levels: tuple[FeatureLevel, ...]


@dataclass(frozen=True)
class Features:
    """Attributes:
    encoder: the name of the encoder that they are of.
    levels: (B, channels, H/stride, W/stride) each, in the order of its description.
    """

    encoder: str
    levels: tuple[Tensor, ...]
