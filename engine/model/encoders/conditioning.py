"""How a network reads the features of image encoders: as something added to a picture's tokens."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from einops import rearrange
from torch import Tensor, nn

from engine.model.encoders.features import EncoderDescription, Features


class FeatureInputs(nn.Module):
    """One projection for each level that is read of each encoder, all zero at first: weights that
    were trained without an encoder draw the same with it, and learn from there.

    Finer features than the tokens are averaged over a token, coarser ones interpolated.
    """

    def __init__(self, encoders: Sequence[EncoderDescription], width: int) -> None:
        super().__init__()
        self.read = {told.name: told for told in encoders}
        self.projections = nn.ModuleDict(
            {
                told.name: nn.ModuleList([nn.Linear(n.channels, width) for n in told.levels])
                for told in encoders
            }
        )
        for parameter in self.parameters():
            nn.init.zeros_(parameter)

    def forward(self, features: Features, grid: tuple[int, int]) -> Tensor:
        """(B, N, D) for a picture with `grid` rows and columns of tokens.

        Raises:
            ValueError: the network reads no encoder of that name, or a level that is not there.
        """
        if features.encoder not in self.projections:
            known = ", ".join(self.projections) or "none"
            raise ValueError(
                f"a picture brings features of {features.encoder}; this network reads {known}"
            )
        layers = self.projections[features.encoder]
        assert isinstance(layers, nn.ModuleList)
        read = features.read_by(self.read[features.encoder])
        told = [
            layer(_even(rearrange(at_tokens(level, grid), "b c h w -> b (h w) c")))
            for layer, level in zip(layers, read.levels, strict=True)
        ]
        return torch.stack(told).sum(0)


def _even(tokens: Tensor) -> Tensor:
    """(B, N, C) without mean and of length 1: an optimiser's step, as large for every weight,
    would move a token by the sum of its features, hundreds of times a token's own unit."""
    channels = tokens.shape[-1]
    even: Tensor = F.layer_norm(tokens, (channels,)) * channels**-0.5
    return even


def at_tokens(level: Tensor, grid: tuple[int, int]) -> Tensor:
    """Features (B, C, h, w) at the places of tokens, (B, C, rows, columns).

    Sides of coarse levels are rounded up: the last of their places may reach over the picture's
    end, and what lies there is cut off, so that the others stay where they are.
    """
    rows, columns = grid
    height, width = level.shape[-2:]
    if height >= rows and width >= columns:
        return F.adaptive_avg_pool2d(level, grid)
    whole = (height * -(-rows // height), width * -(-columns // width))
    fine = F.interpolate(level, whole, mode="bilinear", align_corners=False)
    return fine[..., :rows, :columns]
