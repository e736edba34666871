"""What a drawn depth picture needs before it becomes points: no speckle, and edges that are steps.

A network draws depth with soft edges and leaves the guide's texture (leaves, print) in it. Both
tear surfaces apart: each slope and each speckle is a place where nothing is sure, so that a tree
comes back as a blur. Pictures are inverse depth on any scale, (H, W).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from engine.geometry.filters import dilated, disc, eroded, median


@dataclass(frozen=True)
class EdgeConfig:
    """Attributes:
    window: side of the median's window, pixels, odd; what is thinner than half of it goes.
    reach: pixels by which an edge is gathered each time.
    step: differences within reach that are half an edge, in the picture's units; twice as much
        is a whole one, and less than this is left as it is.
    times: how often edges are gathered.
    """

    window: int = 7
    reach: int = 2
    step: float = 0.1
    times: int = 3

    def __post_init__(self) -> None:
        if self.window < 1 or self.window % 2 == 0:
            raise ValueError(f"a median's window is odd, not {self.window} pixels")


def clean_depth_picture(picture: Tensor, config: EdgeConfig | None = None) -> Tensor:
    """(H, W) without speckle (the median of a window), with steep edges."""
    config = config or EdgeConfig()
    return with_steep_edges(median(picture, config.window), config)


def with_steep_edges(picture: Tensor, config: EdgeConfig) -> Tensor:
    """Slopes of strong edges become steps where they are steepest.

    Each pixel takes the nearer of the lowest and highest value within reach (toggle contrast,
    Kramer and Bruckner 1975), as far as these two are an edge apart.
    """
    around = disc(2 * config.reach + 1)
    for _ in range(config.times):
        low, high = eroded(picture, around), dilated(picture, around)
        nearer = torch.where(high - picture < picture - low, high, low)
        edge = ((high - low) / config.step - 1.0).clamp(0.0, 1.0)
        picture = picture + edge * (nearer - picture)
    return picture
