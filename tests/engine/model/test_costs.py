"""Bytes and operations of passes, against tensors alive and operations counted in real ones."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from engine.model.costs import (
    NetworkShape,
    Pass,
    ViewWork,
    cache_bytes,
    pass_bytes,
    pass_flops,
    tokens_of,
    view_bytes,
)
from engine.model.kinds import Kind
from engine.model.tokens import Group, Picture
from engine.model.transformer import Cache, Transformer, TransformerConfig

Peak = Callable[[Callable[[], Any]], int]
#: (width, layers, heads): a tiny and a medium network of random weights.
OWN = [(64, 2, 2), (256, 6, 4)]


def own_shape(width: int, layers: int) -> NetworkShape:
    return NetworkShape(width, layers, 4 * width)


def picture(kind: Kind, slot: int, grid: tuple[int, int]) -> Picture:
    rows, columns = grid
    content = torch.randn(1, 32, 2 * rows, 2 * columns)
    return Picture(kind, slot, content, torch.zeros(1), torch.randn(1, 6, rows, columns))


def context(views: int, grid: tuple[int, int]) -> Group:
    kinds = (Kind.RGB, Kind.DEPTH)
    return Group(tuple(picture(kind, slot, grid) for slot in range(views) for kind in kinds))


@pytest.mark.parametrize(("width", "layers", "heads"), OWN)
def test_memory_of_our_own_context_pass(
    width: int, layers: int, heads: int, peak_bytes: Peak
) -> None:
    network = Transformer(TransformerConfig(width, layers, heads))
    group, tokens = context(4, (5, 8)), 8 * 5 * 8
    measured = peak_bytes(lambda: network.remember(group, Cache()))
    shape = own_shape(width, layers)
    estimate = pass_bytes(shape, tokens, 4) + cache_bytes(shape, tokens, 4)
    assert estimate == pytest.approx(measured, rel=0.25)


def test_what_is_remembered_keeps_nothing_else_alive() -> None:
    network = Transformer(TransformerConfig(64, 2, 2))
    cache = network.remember(context(1, (5, 8)), Cache())
    for tokens in (80, 120):
        tensors = [t for layer in cache.layers for t in (layer.key, layer.value)]
        held = {t.untyped_storage().data_ptr(): t.untyped_storage().nbytes() for t in tensors}
        assert sum(held.values()) == cache_bytes(own_shape(64, 2), tokens, 4)
        cache = network.remember(Group((picture(Kind.RGB, 1, (5, 8)),)), cache)


@pytest.mark.parametrize(("width", "layers", "heads"), OWN)
def test_memory_of_a_whole_view(width: int, layers: int, heads: int, peak_bytes: Peak) -> None:
    network = Transformer(TransformerConfig(width, layers, heads))
    grid, prompt = (5, 8), torch.zeros(1, 4, dtype=torch.long)
    group = context(4, grid)
    own = Group((picture(Kind.RGB, 4, grid),))
    asked = Group((picture(Kind.DEPTH, 4, grid),), prompt, asked=True)

    def view() -> object:
        cache = network.remember(group, Cache())
        return network.predict(asked, network.remember(own, cache))

    estimate = view_bytes(own_shape(width, layers), ViewWork(40, 8), 4)
    assert estimate == pytest.approx(peak_bytes(view), rel=0.25)


@pytest.mark.parametrize(("width", "layers", "heads"), OWN)
def test_operations_of_our_own_passes(width: int, layers: int, heads: int) -> None:
    network = Transformer(TransformerConfig(width, layers, heads))
    grid = (6, 10)
    cache = Cache()
    shape = own_shape(width, layers)
    for group, tokens, seen in (
        (context(2, grid), 240, 240),
        (Group((picture(Kind.RGB, 2, grid),)), 60, 300),
    ):
        with torch.no_grad(), sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as count:
            cache = network.remember(group, cache)
        # The layers alone are estimated; embedding pictures is the rest.
        estimate = pass_flops(shape, Pass(tokens, seen, remembered=True))
        assert 1.0 <= count.get_total_flops() / estimate < 1.25
    assert cache.layers is not None


WAN = [(2, 32, 2, 160), (4, 64, 4, 1024)]


@pytest.mark.parametrize(("heads", "head", "layers", "mlp"), WAN)
@pytest.mark.parametrize("grid", [(9, 16), (18, 32)])
def test_memory_and_operations_of_wan(
    heads: int, head: int, layers: int, mlp: int, grid: tuple[int, int], peak_bytes: Peak
) -> None:
    diffusers = pytest.importorskip("diffusers", reason='pip install "photowalk[models]"')
    torch.manual_seed(0)
    network = diffusers.WanTransformer3DModel(
        num_attention_heads=heads,
        attention_head_dim=head,
        num_layers=layers,
        ffn_dim=mlp,
        text_dim=64,
        freq_dim=32,
        rope_max_seq_len=64,
    )
    for weight in network.parameters():
        weight.data = weight.data.to(torch.bfloat16)
    words = 32
    shape = NetworkShape(heads * head, layers, mlp, text_tokens=words, gated=False)
    tokens = grid[0] * grid[1]
    latent = torch.randn(1, 16, 1, 2 * grid[0], 2 * grid[1], dtype=torch.bfloat16)
    prompt = torch.randn(1, words, 64, dtype=torch.bfloat16)

    def run() -> object:
        return network(latent, torch.tensor([500.0]), prompt)

    assert pass_bytes(shape, tokens, 2) == pytest.approx(peak_bytes(run), rel=0.25)
    with torch.no_grad(), sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as count:
        run()
    assert 1.0 <= count.get_total_flops() / pass_flops(shape, Pass(tokens, tokens)) < 1.25


def test_a_view_is_four_passes_with_the_default_settings() -> None:
    work = ViewWork(tokens_of((256, 144)))
    assert work.picture == 16 * 9
    assert work.passes == (
        Pass(576, 576, remembered=True),
        Pass(144, 720),
        Pass(144, 720, remembered=True),
        Pass(144, 864),
    )
    assert sum(each.tokens for each in work.passes) == 7 * work.picture


def test_the_gate_is_two_widths_of_projection() -> None:
    with_gate, without = (NetworkShape(64, 3, 256, gated=g) for g in (True, False))
    difference = pass_flops(with_gate, Pass(10, 10)) - pass_flops(without, Pass(10, 10))
    assert difference == 3 * 10 * 2 * 64 * 128
