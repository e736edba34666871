"""Camera-gated attention against a slow reference that follows seed 003, eq. 13–16."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from engine.model.attention import (
    CameraGatedAttention,
    KeyValue,
    Span,
    attention,
    normed,
    rotary_angles,
    turn,
)


def reference(
    layer: CameraGatedAttention, x: Tensor, rays: Tensor, angles: Tensor, spans: list[Span]
) -> Tensor:
    """Loops over heads, queries and keys with an explicit visibility test."""
    batch, count, width = x.shape
    head = width // layer.heads
    q, k, v = layer.qkv(x).split(width, dim=-1)
    assert layer.camera is not None
    residual, gate = layer.camera(q + rays).split(width, dim=-1)
    q = q + residual
    span_of = [i for i, s in enumerate(spans) for _ in range(s.start, s.stop)]
    out = torch.zeros_like(x)
    for b in range(batch):
        for h in range(layer.heads):
            part = slice(h * head, (h + 1) * head)
            queries = _turned(layer.query_norm(q[b, :, part]), angles)
            keys = _turned(layer.key_norm(k[b, :, part]), angles)
            for i in range(count):
                own = spans[span_of[i]]
                seen = [j for j in range(count) if span_of[j] in (*own.sees, span_of[i])]
                scores = torch.stack([queries[i] @ keys[j] for j in seen]) / head**0.5
                weights = scores.softmax(0)
                out[b, i, part] = sum(w * v[b, j, part] for w, j in zip(weights, seen, strict=True))
    return layer.out(out * gate.sigmoid())


def _turned(x: Tensor, angles: Tensor) -> Tensor:
    """As multiplication of complex numbers."""
    half = x.shape[-1] // 2
    turned = torch.complex(x[:, :half], x[:, half:]) * torch.polar(torch.ones_like(angles), angles)
    return torch.cat([turned.real, turned.imag], dim=-1)


@pytest.mark.parametrize("seed", [0, 1])
def test_against_the_reference(seed: int) -> None:
    torch.manual_seed(seed)
    layer = CameraGatedAttention(32, 2).requires_grad_(False)
    x, rays = torch.randn(2, 7, 32), torch.randn(2, 7, 32)
    angles = rotary_angles(torch.randn(7, 3) * 5, 16)
    spans = [Span(0, 3, ()), Span(3, 5, (0,)), Span(5, 7, (0, 1))]
    fast, _ = layer(x, rays, (angles.cos(), angles.sin()), spans, None)
    torch.testing.assert_close(fast, reference(layer, x, rays, angles, spans), atol=1e-5, rtol=1e-4)


def test_rotary_scores_depend_on_differences_only() -> None:
    generator = torch.Generator().manual_seed(0)
    q, k = torch.randn(2, 1, 1, 5, 16, generator=generator)
    positions = torch.randn(5, 3, generator=generator) * 4

    def scores(offset: float) -> Tensor:
        angles = rotary_angles(positions + offset, 16)
        a, b = (turn(t, angles.cos(), angles.sin()) for t in (q, k))
        return a @ b.mT

    torch.testing.assert_close(scores(0.0), scores(11.0), atol=1e-4, rtol=1e-4)


def test_the_ungated_layer_ignores_no_input() -> None:
    torch.manual_seed(0)
    layer = CameraGatedAttention(32, 2, gated=False).requires_grad_(False)
    x, rays = torch.randn(1, 4, 32), torch.randn(1, 4, 32)
    angles = rotary_angles(torch.zeros(4, 3), 16)
    rotary, spans = (angles.cos(), angles.sin()), [Span(0, 4, ())]
    with_rays, _ = layer(x, rays, rotary, spans, None)
    without, _ = layer(x, torch.zeros_like(rays), rotary, spans, None)
    assert (with_rays - without).abs().max() > 1e-4


def test_joined_keys_keep_their_order() -> None:
    parts = [KeyValue(torch.full((1, 1, n, 2), float(n)), torch.zeros(1, 1, n, 2)) for n in (1, 2)]
    assert KeyValue.joined(parts).key[0, 0, :, 0].tolist() == [1.0, 2.0, 2.0]


def test_written_out_with_a_gradient_in_bfloat16() -> None:
    """Answer and gradients are as close to float32 as torch's own fused attention."""
    generator = torch.Generator().manual_seed(0)
    parts = [torch.randn(2, 3, n, 16, generator=generator) for n in (5, 9, 9)]
    seen = torch.randn(2, 3, 5, 16, generator=generator)

    def answers(dtype: torch.dtype) -> list[Tensor]:
        given = [part.to(dtype).requires_grad_() for part in parts]
        out = attention(*given)
        out.backward(seen.to(dtype))
        return [out.float(), *(part.grad.float() for part in given if part.grad is not None)]

    found, exact = answers(torch.bfloat16), answers(torch.float32)
    assert len(found) == 4
    for a, b in zip(found, exact, strict=True):
        torch.testing.assert_close(a, b, atol=0.03, rtol=0.03)


def test_a_norm_under_autocast_is_fused() -> None:
    """torch warns where weight and input differ in type, and takes its slow path."""
    norm = torch.nn.RMSNorm(16, eps=1e-6)
    x = torch.randn(2, 3, 5, 16, generator=torch.Generator().manual_seed(0))
    with torch.autocast("cpu", torch.bfloat16):
        found = normed(x.bfloat16(), norm)
    assert found.dtype is torch.bfloat16
    torch.testing.assert_close(found.float(), norm(x), atol=0.03, rtol=0.03)
