"""Layers of the transformer: modulated attention and MLP, and the blending of patches."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engine.model.attention import CameraGatedAttention, KeyValue, Span


@dataclass(frozen=True)
class Embedded:
    """A pass as one token sequence: (B, N, D) tokens and rays.

    `modulations` has (B, 1 or n, 6, D) for each picture or prompt of n = `sizes` tokens: most have
    one noise level, and adding six wide tensors at every token would cost as much as attention.
    """

    tokens: Tensor
    rays: Tensor
    conditions: tuple[Tensor, ...]
    modulations: tuple[Tensor, ...]
    sizes: tuple[int, ...]
    rotary: tuple[Tensor, Tensor]
    spans: tuple[Span, ...]


class Layer(nn.Module):
    """Attention and MLP, each shifted, scaled and gated by its part's noise level (DiT)."""

    def __init__(self, width: int, heads: int, mlp_ratio: int, camera_gate: bool) -> None:
        super().__init__()
        self.attention = CameraGatedAttention(width, heads, camera_gate)
        self.mlp_in = nn.Linear(width, mlp_ratio * width)
        self.mlp_out = nn.Linear(mlp_ratio * width, width)
        self.offset = nn.Parameter(torch.zeros(6, width))

    def forward(
        self, x: Tensor, embedded: Embedded, past: KeyValue | None
    ) -> tuple[Tensor, KeyValue]:
        parts, sizes = self._parts(embedded), embedded.sizes
        normed = shifted(_normed(x), [(p[0], p[1]) for p in parts], sizes)
        update, own = self.attention(normed, embedded.rays, embedded.rotary, embedded.spans, past)
        x = added(x, update, [p[2] for p in parts], sizes)
        normed = shifted(_normed(x), [(p[3], p[4]) for p in parts], sizes)
        update = self.mlp_out(gelu(self.mlp_in(normed)))
        return added(x, update, [p[5] for p in parts], sizes), own

    def keys_values(self, x: Tensor, embedded: Embedded) -> KeyValue:
        """The keys and values of x alone: where no layer follows, nobody sees more of it."""
        parts = [(p[0], p[1]) for p in self._parts(embedded)]
        normed = shifted(_normed(x), parts, embedded.sizes)
        return self.attention.keys_values(normed, embedded.rotary)

    def _parts(self, embedded: Embedded) -> list[tuple[Tensor, ...]]:
        """Shift, scale and gate of attention, then of the MLP, for each part of the pass."""
        return [(part + self.offset).unbind(-2) for part in embedded.modulations]


def gelu(x: Tensor) -> Tensor:
    """The GELU's tanh form (Hendrycks and Gimpel 2016).

    Compiled it is written by the logistic function, to which it is equal: CPU kernels made of tanh
    take twice as long.
    """
    if torch.compiler.is_compiling():
        return x * torch.sigmoid(2 * math.sqrt(2 / math.pi) * x * (1 + 0.044715 * x * x))
    return F.gelu(x, approximate="tanh")


def _normed(x: Tensor) -> Tensor:
    return F.layer_norm(x, (x.shape[-1],))


def shifted(x: Tensor, parts: Sequence[tuple[Tensor, Tensor]], sizes: tuple[int, ...]) -> Tensor:
    """x · (1 + scale) + shift of normalised x (B, N, D), each part with its own (shift, scale)."""
    pieces = [
        torch.addcmul(shift, piece, 1 + scale)
        for piece, (shift, scale) in zip(torch.split(x, list(sizes), dim=1), parts, strict=True)
    ]
    return pieces[0] if len(pieces) == 1 else torch.cat(pieces, dim=1)


def added(x: Tensor, update: Tensor, gates: Sequence[Tensor], sizes: tuple[int, ...]) -> Tensor:
    """x + gate · update, each part with its own gate."""
    pieces = [
        torch.addcmul(old, new, gate)
        for old, new, gate in zip(
            torch.split(x, list(sizes), dim=1),
            torch.split(update, list(sizes), dim=1),
            gates,
            strict=True,
        )
    ]
    return pieces[0] if len(pieces) == 1 else torch.cat(pieces, dim=1)


class Blend(nn.Module):
    """Lets neighbouring patches agree at their borders; starts as no change."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(channels, 2 * channels, 3, padding=1)
        self.second = nn.Conv2d(2 * channels, channels, 3, padding=1)
        nn.init.zeros_(self.second.weight)
        nn.init.zeros_(self.second.bias)  # type: ignore[arg-type]

    def forward(self, latent: Tensor) -> Tensor:
        change: Tensor = self.second(F.silu(self.first(latent)))
        return latent + change
