"""Camera-gated attention (seed 003, eq. 13–16) with rotary positions over slot, row and column."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from einops import rearrange
from torch import Tensor, nn

#: Rotary pairs given to slot, row and column, as shares of a head.
_AXIS_SHARES = (0.25, 0.375, 0.375)


@dataclass(frozen=True)
class KeyValue:
    """Keys and values of one layer, (B, heads, N, head width); keys are normalised and turned."""

    key: Tensor
    value: Tensor

    def alone(self) -> KeyValue:
        """The same in memory of its own: views would keep the whole projection alive."""
        return KeyValue(self.key.contiguous(), self.value.contiguous())

    @staticmethod
    def joined(parts: Sequence[KeyValue]) -> KeyValue:
        if len(parts) == 1:
            return parts[0]
        return KeyValue(
            torch.cat([p.key for p in parts], dim=2), torch.cat([p.value for p in parts], dim=2)
        )


@dataclass(frozen=True)
class Span:
    """Tokens [start, stop) of a pass; they attend to the spans in `sees` and to the cache."""

    start: int
    stop: int
    sees: tuple[int, ...]


def rotary_angles(positions: Tensor, head_width: int) -> Tensor:
    """(N, 3) positions to (N, head_width / 2) angles; wavelengths run from 2 to about 60 units."""
    pairs = head_width // 2
    counts = [round(pairs * share) for share in _AXIS_SHARES[:2]]
    counts.append(pairs - sum(counts))
    angles = []
    for axis, count in enumerate(counts):
        wavelength = 2.0 * 30.0 ** torch.linspace(0, 1, count, device=positions.device)
        angles.append(positions[:, axis : axis + 1] * (2 * torch.pi / wavelength))
    return torch.cat(angles, dim=-1)


def turn(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Rotates pairs of x (B, heads, N, width) by angles given as cos, sin (N, width / 2)."""
    a, b = x.chunk(2, dim=-1)
    return torch.cat([a * cos - b * sin, a * sin + b * cos], dim=-1)


class CameraGatedAttention(nn.Module):
    """Self-attention whose query and output gate are told where each token looks from.

    Q, K, V = L1(F); Qres, G = L2(Q + r); O = SDPA(Q + Qres, K, V); out = L3(O · σ(G)).
    The camera enters before query normalisation and rotary turn. With `gated=False` the same
    layer adds r to the query and leaves the gate open: the plain conditioning that seed 003's
    table 5 compares with.
    """

    def __init__(self, width: int, heads: int, gated: bool = True) -> None:
        super().__init__()
        self.heads, self.gated = heads, gated
        self.qkv = nn.Linear(width, 3 * width)
        self.camera = nn.Linear(width, 2 * width) if gated else None
        self.out = nn.Linear(width, width)
        self.query_norm = nn.RMSNorm(width // heads, eps=1e-6)
        self.key_norm = nn.RMSNorm(width // heads, eps=1e-6)

    def forward(
        self,
        x: Tensor,
        rays: Tensor,
        rotary: tuple[Tensor, Tensor],
        spans: Sequence[Span],
        past: KeyValue | None,
    ) -> tuple[Tensor, KeyValue]:
        """x, rays (B, N, D) to the update (B, N, D) and this pass's keys and values."""
        query, key, value = self.qkv(x).chunk(3, dim=-1)
        if self.camera is not None:
            residual, gate = self.camera(query + rays).chunk(2, dim=-1)
            query = query + residual
        else:
            query, gate = query + rays, None
        query = turn(normed(self._split(query), self.query_norm), *rotary)
        own = self._own(key, value, rotary)
        out = rearrange(attend(query, own, spans, past), "b h n d -> b n (h d)")
        if gate is not None:
            out = out * gate.sigmoid()
        return self.out(out), own

    def keys_values(self, x: Tensor, rotary: tuple[Tensor, Tensor]) -> KeyValue:
        """The keys and values of x (B, N, D) alone, as `forward` returns them."""
        _, key, value = self.qkv(x).chunk(3, dim=-1)
        return self._own(key, value, rotary)

    def _own(self, key: Tensor, value: Tensor, rotary: tuple[Tensor, Tensor]) -> KeyValue:
        return KeyValue(turn(normed(self._split(key), self.key_norm), *rotary), self._split(value))

    def _split(self, x: Tensor) -> Tensor:
        return rearrange(x, "b n (h d) -> b h n d", h=self.heads)


def attend(query: Tensor, own: KeyValue, spans: Sequence[Span], past: KeyValue | None) -> Tensor:
    """Each span attends to whole earlier spans, so no mask is ever built."""
    sizes = [span.stop - span.start for span in spans]
    queries, keys, values = (torch.split(t, sizes, dim=2) for t in (query, own.key, own.value))
    answers = []
    for index, span in enumerate(spans):
        parts = [] if past is None else [past]
        parts += [KeyValue(keys[seen], values[seen]) for seen in (*span.sees, index)]
        seen_kv = KeyValue.joined(parts)
        answers.append(attention(queries[index], seen_kv.key, seen_kv.value))
    return answers[0] if len(answers) == 1 else torch.cat(answers, dim=2)


def attention(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    """softmax(Q Kᵀ / √width) V of (B, heads, N, width).

    With a gradient in bfloat16 on a CPU it is written out: torch's fused backward does not use
    the matrix units there and takes two to eight times as long at our sizes.
    """
    if query.requires_grad and query.device.type == "cpu" and query.dtype is torch.bfloat16:
        scores = (query * query.shape[-1] ** -0.5) @ key.mT
        answer: Tensor = scores.softmax(dim=-1) @ value
        return answer
    return F.scaled_dot_product_attention(query, key, value)


def normed(x: Tensor, norm: nn.RMSNorm) -> Tensor:
    """x normalised in the weight's type, which torch needs for its fused form, in its own type.

    The module itself is called: its weight may wait elsewhere until then.
    """
    assert norm.weight is not None
    answer: Tensor = norm(x.to(norm.weight.dtype)).to(x.dtype)
    return answer
