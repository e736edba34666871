"""Decoders of single kinds, which see what was observed of the same view at finer strides."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar

from torch import Tensor, nn

from engine.model.codecs.picture_codec import PictureCodec
from engine.model.encoders.features import Features


@dataclass(frozen=True)
class Observed:
    """The RGB picture of a view, as it is known when another kind of that view is decoded.

    Attributes:
        picture: (B, 3, H, W) in [−1, 1], as encoders looked at it (`PictureDecoder.looks_at`).
        features: what the model's encoders saw in it.
    """

    picture: Tensor
    features: tuple[Features, ...] = ()


class PictureDecoder(nn.Module, ABC):
    """Decodes one kind. Where nothing was observed in its slot, it must do without.

    Attributes:
        alone: it helps views that stand alone; where other views are known beside one, the
            network has more to go by than the decoder has.
        class_name: by which checkpoints find the class in `registry.DECODERS`.
    """

    class_name: str
    alone: ClassVar[bool] = False

    @abstractmethod
    def forward(self, latent: Tensor, codec: PictureCodec, observed: Observed | None) -> Tensor:
        """(B, 3, H, W) in [−1, 1] from latents (B, C, H/8, W/8)."""

    def looks_at(self, size: tuple[int, int]) -> tuple[int, int]:
        """(H, W) at which encoders look for it at a picture of `size`; as it is, unless told."""
        return size

    @abstractmethod
    def header(self) -> dict[str, Any]:
        """What it is built from, as JSON; `class` names it."""
