"""Image encoders: networks that look at a picture before the transformer does.

An encoder is named in the checkpoint that was trained with it, and its weights lie there. What it
sees joins the tokens of every picture that it looks at (`engine.model.encoders.conditioning`).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

from torch import Tensor, nn

from engine.model.encoders.features import EncoderDescription, Features


class ImageEncoder(nn.Module, ABC):
    """Attributes:
    description: its name, source, strides and widths.
    class_name: by which checkpoints find the class in `registry.ENCODERS`.
    """

    class_name: str
    description: EncoderDescription

    @abstractmethod
    def levels(self, picture: Tensor) -> list[Tensor]:
        """Features of pictures (B, 3, H, W) in [−1, 1], one tensor for each level described."""

    def early(self, stride: int) -> list[nn.Parameter]:
        """What the levels up to a stride are made with; none where that cannot be told apart."""
        return []

    def forward(self, picture: Tensor) -> Features:
        """
        Raises:
            ValueError: what the encoder gave is not what its description says.
        """
        found = self.levels(picture)
        height, width = picture.shape[-2:]
        for level, values in zip(self.description.levels, found, strict=True):
            rows, columns = -(-height // level.stride), -(-width // level.stride)
            told = (level.channels, rows, columns)
            if tuple(values.shape[1:]) != told:
                raise ValueError(
                    f"the encoder {self.description.name} gives {tuple(values.shape[1:])} at "
                    f"stride {level.stride} of {width}x{height} pixels, not {told}"
                )
        return Features(self.description.name, tuple(found), self.description.strides)

    def header(self) -> dict[str, Any]:
        """What a checkpoint says of it, as JSON."""
        told = self.description
        return {
            "class": self.class_name,
            "source": told.source,
            "levels": [[level.stride, level.channels] for level in told.levels],
        }
