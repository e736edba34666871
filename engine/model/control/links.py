"""Zero-initialised links between two branches, on a few layers, by pixel (seed 001, eq. 9)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn


@dataclass(frozen=True)
class Place:
    """Tokens [start, stop) of a picture within its branch's sequence."""

    start: int
    stop: int


@dataclass(frozen=True)
class Pair:
    """A picture of each branch that show the same view, token by token."""

    colour: Place
    geometry: Place

    def __post_init__(self) -> None:
        sizes = [p.stop - p.start for p in (self.colour, self.geometry)]
        if sizes[0] != sizes[1]:
            raise ValueError(f"linked pictures have one size, not {sizes[0]} and {sizes[1]} tokens")


class ControlLink(nn.Module):
    """What each branch hears of the other after one layer; nothing at first."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.to_geometry = nn.Linear(width, width, bias=False)
        self.to_colour = nn.Linear(width, width, bias=False)
        for layer in (self.to_geometry, self.to_colour):
            nn.init.zeros_(layer.weight)

    def forward(
        self, colour: Tensor, geometry: Tensor, pairs: Sequence[Pair]
    ) -> tuple[Tensor, Tensor]:
        """Both sequences (B, N, D), each with what it hears of the other as it was before."""
        heard_colour, heard_geometry = torch.zeros_like(colour), torch.zeros_like(geometry)
        for pair in pairs:
            c, g = pair.colour, pair.geometry
            heard_geometry[:, g.start : g.stop] += self.to_geometry(colour[:, c.start : c.stop])
            heard_colour[:, c.start : c.stop] += self.to_colour(geometry[:, g.start : g.stop])
        return colour + heard_colour, geometry + heard_geometry


def linked_layers(layers: int, links: int) -> tuple[int, ...]:
    """Which layers have a link: `links` of them, spread evenly, never all at the end.

    Raises:
        ValueError: more links than layers, or a negative number.
    """
    if not 0 <= links <= layers:
        raise ValueError(f"{links} links do not fit {layers} layers")
    return tuple(round((i + 0.5) * layers / links - 0.5) for i in range(links))
