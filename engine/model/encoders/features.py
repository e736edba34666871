"""What an image encoder sees in a picture, at one or more strides."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace

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
    """What a checkpoint states of an encoder, and a network of those levels of it that it reads.

    Attributes:
        name: how it is called in checkpoints and in `Features`.
        source: where its weights come from, and under which licence.
        levels: what it gives, or what of that is read, from fine to coarse.
    """

    name: str
    source: str
    levels: tuple[FeatureLevel, ...]

    @property
    def strides(self) -> tuple[int, ...]:
        """Of its levels."""
        return tuple(level.stride for level in self.levels)

    def reading(self, strides: Collection[int]) -> EncoderDescription:
        """What a network states that reads the levels of some strides alone.

        Raises:
            ValueError: the encoder gives no such level, or none is named.
        """
        unknown = [stride for stride in strides if stride not in self.strides]
        if unknown or not strides:
            wanted = ", ".join(map(str, unknown)) or "none"
            raise ValueError(
                f"the encoder {self.name} gives features at the strides "
                f"{', '.join(map(str, self.strides))}, not {wanted}"
            )
        chosen = tuple(level for level in self.levels if level.stride in strides)
        return replace(self, levels=chosen)


@dataclass(frozen=True)
class Features:
    """Attributes:
    encoder: the name of the encoder that they are of.
    levels: (B, channels, H/stride, W/stride) each, in the order of its description.
    strides: of the levels.
    """

    encoder: str
    levels: tuple[Tensor, ...]
    strides: tuple[int, ...]

    def read_by(self, reader: EncoderDescription) -> Features:
        """The levels alone that a network reads.

        Raises:
            ValueError: one of them is not among these.
        """
        missing = [str(stride) for stride in reader.strides if stride not in self.strides]
        if missing:
            raise ValueError(
                f"features of {self.encoder} have no level of stride {', '.join(missing)}, which "
                "the network reads"
            )
        chosen = tuple(self.levels[self.strides.index(stride)] for stride in reader.strides)
        return Features(self.encoder, chosen, reader.strides)
