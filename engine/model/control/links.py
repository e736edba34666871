"""Zero-initialised links between two branches, on a few layers, pixel by pixel (001, eq. 9)."""

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
class Heard:
    """A listener hears a speaker of the other branch, token by token."""

    listener: Place
    speaker: Place

    def __post_init__(self) -> None:
        sizes = [p.stop - p.start for p in (self.listener, self.speaker)]
        if sizes[0] != sizes[1]:
            raise ValueError(f"linked pictures have one size, not {sizes[0]} and {sizes[1]} tokens")


@dataclass(frozen=True)
class Wiring:
    """Who hears whom: by geometry of colours, and by colours of geometry."""

    to_geometry: tuple[Heard, ...]
    to_colour: tuple[Heard, ...]


class ControlLink(nn.Module):
    """What each branch hears of the other after one layer; nothing at first."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.to_geometry = nn.Linear(width, width, bias=False)
        self.to_colour = nn.Linear(width, width, bias=False)
        for layer in (self.to_geometry, self.to_colour):
            nn.init.zeros_(layer.weight)

    def forward(self, colour: Tensor, geometry: Tensor, wiring: Wiring) -> tuple[Tensor, Tensor]:
        """Both sequences (B, N, D), each with what it hears of the other as it was before."""
        return (
            _hearing(colour, geometry, self.to_colour, wiring.to_colour),
            _hearing(geometry, colour, self.to_geometry, wiring.to_geometry),
        )


def _hearing(own: Tensor, other: Tensor, link: nn.Linear, heard: Sequence[Heard]) -> Tensor:
    if not heard:
        return own
    said = torch.zeros_like(own)
    for one in heard:
        to, of = one.listener, one.speaker
        said[:, to.start : to.stop] += link(other[:, of.start : of.stop])
    return own + said


def linked_layers(layers: int, links: int) -> tuple[int, ...]:
    """Which layers have a link: `links` of them, spread evenly.

    Raises:
        ValueError: more links than layers, or a negative number.
    """
    if not 0 <= links <= layers:
        raise ValueError(f"{links} links do not fit {layers} layers; give 0 to {layers}")
    return tuple(round((i + 0.5) * layers / links - 0.5) for i in range(links))
