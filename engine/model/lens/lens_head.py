"""The focal length of a whole photo, from what an image encoder sees where in it.

Where walls and floors run together and how high the horizon lies say it, so the head keeps the
places of what was seen: a grid of the encoder's coarser features, each place a token of a small
transformer. Its answer is a distribution, since many photos leave it open (as in Workman et al.
2015, "DeepFocal", and Hold-Geoffroy et al. 2018).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from einops import rearrange
from torch import Tensor, nn

from engine.model.errors import CheckpointError
from engine.model.lens.belief import FocalBins

#: Sides of what the encoder looks at are multiples of this.
_STRIDE = 16


class LensHead(nn.Module):
    """See the module.

    Attributes:
        encoder: the name of the encoder whose features it reads.
        skipped: so many of the encoder's finest levels are not read.
        grid: rows and columns of places; features are averaged over each.
        pixels: of the pictures that it learnt from; others are looked at in that size.
        bins: of its answer.
    """

    class_name = "LensHead"
    usual: Tensor
    scatter: Tensor

    def __init__(self, header: Mapping[str, Any]) -> None:
        super().__init__()
        self.encoder = str(header["encoder"])
        self.skipped, self.channels = int(header["skipped"]), int(header["channels"])
        self.grid, self.width = int(header["grid"]), int(header["width"])
        self.layers, self.pixels = int(header["layers"]), int(header["pixels"])
        low, high, count = header["bins"]
        self.bins = FocalBins(float(low), float(high), int(count))
        dropout = float(header["dropout"])
        self.dropout = nn.Dropout(dropout)
        # What the features of photos are like, so that none of them drowns the others.
        self.register_buffer("usual", torch.zeros(self.channels))
        self.register_buffer("scatter", torch.ones(self.channels))
        self.into = nn.Linear(self.channels, self.width)
        self.shape = nn.Linear(1, self.width)
        self.places = nn.Parameter(0.02 * torch.randn(self.grid**2, self.width))
        self.asking = nn.Parameter(0.02 * torch.randn(1, self.width))
        # Dropout of attention would cost as much as all else that a step computes.
        layer = nn.TransformerEncoderLayer(
            self.width, 4, 2 * self.width, 0.0, "gelu", batch_first=True, norm_first=True
        )
        self.transformer = nn.TransformerEncoder(layer, self.layers, enable_nested_tensor=False)
        self.out = nn.Linear(self.width, self.bins.count)

    def header(self) -> dict[str, Any]:
        """What it is built from, as JSON."""
        return {
            "class": self.class_name,
            "encoder": self.encoder,
            "skipped": self.skipped,
            "channels": self.channels,
            "grid": self.grid,
            "width": self.width,
            "layers": self.layers,
            "pixels": self.pixels,
            "bins": [self.bins.low, self.bins.high, self.bins.count],
            "dropout": self.dropout.p,
        }

    @torch.no_grad()
    def learn_what_is_usual(self, pooled: Tensor) -> None:
        """Sets mean and deviation of features from those of many photos (N, grid², channels)."""
        deviation, mean = torch.std_mean(pooled.float(), (0, 1))
        self.usual.copy_(mean)
        self.scatter.copy_(deviation.clamp_min(1e-3))

    def looks_at(self, size: tuple[int, int]) -> tuple[int, int]:
        """(H, W) of about `pixels` pixels, about as a picture of `size` is shaped."""
        factor = math.sqrt(self.pixels / (size[0] * size[1]))
        rows, columns = (max(_STRIDE, round(s * factor / _STRIDE) * _STRIDE) for s in size)
        return rows, columns

    def pooled(self, levels: Sequence[Tensor]) -> Tensor:
        """(B, grid², channels) of the encoder's levels (B, C, h, w), from fine to coarse."""
        places = [F.adaptive_avg_pool2d(level, self.grid) for level in levels[self.skipped :]]
        return rearrange(torch.cat(places, 1), "b c h w -> b (h w) c")

    def forward(self, pooled: Tensor, aspect: Tensor) -> Tensor:
        """Logits (B, bins) of log(f/d), see `FocalBins`.

        Args:
            pooled: what `pooled` gives.
            aspect: (B,) log of width over height.
        """
        seen = self.into((pooled.float() - self.usual) / self.scatter)
        seen = self.dropout(seen + self.places) + self.shape(aspect[:, None, None])
        asking = self.asking.expand(len(seen), -1, -1)
        answer = self.transformer(torch.cat([asking, seen], 1))[:, 0]
        logits: Tensor = self.out(answer)
        return logits


def restored_lens(header: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> LensHead:
    """The head that a checkpoint has, with its weights.

    Raises:
        CheckpointError: this version knows no such class.
        KeyError, RuntimeError: header or weights are of another version.
    """
    if header["class"] != LensHead.class_name:
        raise CheckpointError(
            f"the weights tell the lens by a {header['class']}, which this version does not have; "
            "install the version that wrote them"
        )
    head = LensHead(header)
    head.load_state_dict(dict(tensors))
    return head.eval()
