"""Image encoders: networks that look at a picture before the transformer does.

An encoder is named in the checkpoint that was trained with it, and its weights lie there. What it
sees joins the tokens of every picture that it looks at (`engine.model.encoders.conditioning`).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Any

from torch import Tensor, nn

from engine.model.encoders.features import EncoderDescription, FeatureLevel, Features
from engine.model.errors import CheckpointError


class ImageEncoder(nn.Module, ABC):
    """Attributes:
    description: its name, source, strides and widths.
    class_name: by which checkpoints find the class in `ENCODERS`.
    """

    class_name: str
    description: EncoderDescription

    @abstractmethod
    def levels(self, picture: Tensor) -> list[Tensor]:
        """Features of pictures (B, 3, H, W) in [−1, 1], one tensor for each level described."""

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
        return Features(self.description.name, tuple(found))

    def header(self) -> dict[str, Any]:
        """What a checkpoint says of it, as JSON."""
        told = self.description
        return {
            "class": self.class_name,
            "source": told.source,
            "levels": [[level.stride, level.channels] for level in told.levels],
        }


#: How an encoder is built again, by its class's name, from its description.
ENCODERS: dict[str, Callable[[EncoderDescription], ImageEncoder]] = {}


def restored_encoder(
    name: str, header: Mapping[str, Any], tensors: Mapping[str, Tensor]
) -> ImageEncoder:
    """The encoder that a checkpoint names, with its weights.

    Raises:
        CheckpointError: this version knows no such class.
        KeyError, RuntimeError: header or weights are of another version.
    """
    if header["class"] not in ENCODERS:
        known = ", ".join(ENCODERS) or "none"
        raise CheckpointError(
            f"the weights see through the image encoder {name} ({header['class']}), which this "
            f"version does not have (it has {known}); install the version that wrote them"
        )
    levels = tuple(FeatureLevel(int(s), int(c)) for s, c in header["levels"])
    encoder = ENCODERS[header["class"]](EncoderDescription(name, str(header["source"]), levels))
    encoder.load_state_dict(dict(tensors))
    return encoder.eval()
