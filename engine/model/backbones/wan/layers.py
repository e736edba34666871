"""Wan's layers over groups of pictures: its own weights, our spans, cache and camera gates.

What is computed follows `WanTransformerBlock` and `WanAttnProcessor` of diffusers (0.36 to 0.42,
`models/transformers/transformer_wan.py`) step by step, so that one group of colours alone gives
diffusers' own numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from einops import rearrange
from torch import Tensor, nn

from engine.model.attention import KeyValue, Span, attend, normed
from engine.model.layers import added, shifted


@dataclass(frozen=True)
class Text:
    """A prompt as cross attention reads it.

    Attributes:
        tokens: (B or 1, T, D).
        bias: (B or 1, 1, 1, T), added to the logits of each token; see `padded_text`.
    """

    tokens: Tensor
    bias: Tensor


@dataclass(frozen=True)
class WanPass:
    """A pass as one token sequence.

    Attributes:
        tokens, rays: (B, N, D).
        conditions: for each picture (B, 1 or n, D), its noise level as Wan embeds it.
        modulations: for each picture (B, 1 or n, 6, D).
        sizes: tokens of each picture.
        rotary: cosines and sines, (N, head width / 2).
        spans: one a group.
        texts: the distinct prompts.
        text_of: for each span, which of `texts` it reads.
    """

    tokens: Tensor
    rays: Tensor
    conditions: tuple[Tensor, ...]
    modulations: tuple[Tensor, ...]
    sizes: tuple[int, ...]
    rotary: tuple[Tensor, Tensor]
    spans: tuple[Span, ...]
    texts: tuple[Text, ...]
    text_of: tuple[int, ...]


class CameraGate(nn.Module):
    """L2 of seed 003 (eq. 14), beside an attention that was trained without cameras.

    The seed multiplies the answer of attention by σ(G) (eq. 16). A fresh gate would halve it: here
    it is 2σ(G), which is exactly 1 where L2 is zero, and can close or double what comes through.
    With the residual of the query at zero as well, a fresh gate changes nothing.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.camera = nn.Linear(width, 2 * width)
        nn.init.zeros_(self.camera.weight)
        nn.init.zeros_(self.camera.bias)

    def forward(self, query: Tensor, rays: Tensor) -> tuple[Tensor, Tensor]:
        """(B, N, D) each to what is added to the query, and what the answer is multiplied by."""
        residual, gate = through(self.camera, query + rays).chunk(2, dim=-1)
        return residual, 2.0 * gate.sigmoid()


def through(layer: nn.Linear, x: Tensor) -> Tensor:
    """A layer of ours, which stays in float32, beside Wan's, which need not."""
    y: Tensor = layer(x.to(layer.weight.dtype))
    return y.to(x.dtype)


def turn_pairs(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Rotates neighbouring numbers of x (B, heads, N, width) by angles (N, width / 2)."""
    a, b = rearrange(x, "b h n (d two) -> two b h n d", two=2)
    turned = torch.stack([a * cos - b * sin, a * sin + b * cos], dim=-1)
    return turned.flatten(-2).type_as(x)


class WanLayer(nn.Module):
    """One `WanTransformerBlock` and its camera gate: called as a whole, so that it can be sharded.

    Attributes:
        block: as diffusers made it; its weights are used, its `forward` is not.
        gate: ours.
    """

    def __init__(self, block: Any, gate: CameraGate) -> None:
        super().__init__()
        self.block, self.gate = block, gate

    def forward(
        self, x: Tensor, embedded: WanPass, past: KeyValue | None
    ) -> tuple[Tensor, KeyValue]:
        """x (B, N, D) after the layer, and its keys and values."""
        block, sizes = self.block, embedded.sizes
        table = block.scale_shift_table.float()
        parts = [(table + part).unbind(-2) for part in embedded.modulations]

        normed = shifted(block.norm1(x.float()), [(p[0], p[1]) for p in parts], sizes).type_as(x)
        update, own = _self_attention(block.attn1, self.gate, normed, embedded, past)
        x = added(x.float(), update.float(), [p[2] for p in parts], sizes).type_as(x)

        normed = block.norm2(x.float()).type_as(x)
        x = x + _cross_attention(block.attn2, normed, embedded).type_as(x)

        normed = shifted(block.norm3(x.float()), [(p[3], p[4]) for p in parts], sizes).type_as(x)
        update = block.ffn(normed)
        return added(x.float(), update.float(), [p[5] for p in parts], sizes).type_as(x), own


def _heads(x: Tensor, heads: int) -> Tensor:
    return rearrange(x, "b n (h d) -> b h n d", h=heads)


def _out(attention: Any, x: Tensor) -> Tensor:
    """Wan's projection of what its heads say, with the dropout behind it."""
    out: Tensor = attention.to_out[1](attention.to_out[0](x))
    return out


def _self_attention(
    attention: Any, gate: CameraGate, x: Tensor, embedded: WanPass, past: KeyValue | None
) -> tuple[Tensor, KeyValue]:
    query, key, value = attention.to_q(x), attention.to_k(x), attention.to_v(x)
    residual, opening = gate(query, embedded.rays)
    # Wan normalises over all heads at once; the camera enters before that, as in our own layers.
    query, key = normed(query + residual, attention.norm_q), normed(key, attention.norm_k)
    query, key, value = (_heads(t, attention.heads).type_as(value) for t in (query, key, value))
    own = KeyValue(turn_pairs(key, *embedded.rotary), value)
    answer = attend(turn_pairs(query, *embedded.rotary), own, embedded.spans, past)
    return _out(attention, rearrange(answer, "b h n d -> b n (h d)") * opening), own


def _cross_attention(attention: Any, x: Tensor, embedded: WanPass) -> Tensor:
    heads = attention.heads
    value_of = [_heads(attention.to_v(text.tokens), heads) for text in embedded.texts]
    key_of = [
        _heads(normed(attention.to_k(text.tokens), attention.norm_k), heads)
        for text in embedded.texts
    ]
    queries = _heads(normed(attention.to_q(x), attention.norm_q), heads).type_as(value_of[0])
    sizes = [span.stop - span.start for span in embedded.spans]
    answers = []
    for query, which in zip(torch.split(queries, sizes, dim=2), embedded.text_of, strict=True):
        key, value, bias = (
            t.type_as(query).expand(len(query), -1, -1, -1)
            for t in (key_of[which], value_of[which], embedded.texts[which].bias)
        )
        answers.append(F.scaled_dot_product_attention(query, key, value, attn_mask=bias))
    answer = rearrange(torch.cat(answers, dim=2), "b h n d -> b n (h d)")
    return _out(attention, answer)


def padded_text(rows: Sequence[Tensor], length: int) -> tuple[Tensor, Tensor]:
    """Encoded prompts as Wan was trained on them, without computing its padding.

    Wan's pipeline fills every prompt with zeros to 512 tokens, and attention does see them. All of
    them have one key and one value, so one of them stands for n by ln n on its logit: the softmax
    is the same, and a prompt of four words costs five tokens.

    Args:
        rows: one (n, D) for each member of the batch.
        length: to which Wan pads.

    Returns: (B, T, D), and the bias (B, 1, 1, T).
    """
    longest = max(len(row) for row in rows) + 1
    tokens = rows[0].new_zeros(len(rows), longest, rows[0].shape[-1])
    bias = torch.full((len(rows), longest), -torch.inf, device=tokens.device)
    for index, row in enumerate(rows):
        tokens[index, : len(row)] = row
        bias[index, : len(row)] = 0.0
        if len(row) < length:
            bias[index, len(row)] = torch.tensor(float(length - len(row))).log()
    return tokens, bias[:, None, None]
