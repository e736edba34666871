"""The kind that is no picture to the eye: where each token of a view looks from, and where to."""

from __future__ import annotations

from typing import ClassVar

from torch import Tensor

from engine.model.kinds.kind import Kind

RAY_CHANNELS = 6


class Rays(Kind):
    """Values are Plücker rays (o × d, d), (B, 6, h/2, w/2) at token resolution, in the anchor's
    frame and in units of σ. They are their own contents."""

    encoded: ClassVar[bool] = False
    patch: ClassVar[int] = 1

    def channels(self, latent_channels: int) -> int:
        """See `Kind.channels`."""
        return RAY_CHANNELS

    def to_picture(self, values: Tensor, scale: float | Tensor = 1.0) -> Tensor:
        """The rays themselves."""
        return values

    def from_picture(self, picture: Tensor, scale: float | Tensor = 1.0) -> Tensor:
        """The rays themselves."""
        return picture.float()
