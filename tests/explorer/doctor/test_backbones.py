"""Sizes of published backbones, against the libraries' own classes and against known totals."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from engine.model.memory_plan import plans
from explorer.doctor.backbones import (
    DATA,
    TextSizes,
    WanSizes,
    parse_backbones,
    published_backbones,
)

LIBRARIES = 'pip install "photowalk[models]"'
SMALL, LARGE = published_backbones()


def parameters(module: Any) -> int:
    return sum(p.numel() for p in module.parameters())


@pytest.mark.parametrize(("heads", "layers", "mlp"), [(1, 1, 64), (2, 3, 100)])
def test_wan_is_counted_as_diffusers_makes_it(heads: int, layers: int, mlp: int) -> None:
    diffusers = pytest.importorskip("diffusers", reason=LIBRARIES)
    with torch.device("meta"):
        network = diffusers.WanTransformer3DModel(
            num_attention_heads=heads,
            attention_head_dim=32,
            num_layers=layers,
            ffn_dim=mlp,
            text_dim=48,
            freq_dim=16,
            rope_max_seq_len=32,
        )
    sizes = WanSizes("tiny", 32 * heads, heads, layers, mlp, 16, 2, 48, 16)
    assert sizes.parameters == parameters(network)
    assert sizes.layer_parameters == parameters(network.blocks[0])


def test_the_text_encoder_is_counted_as_transformers_makes_it() -> None:
    transformers = pytest.importorskip("transformers", reason=LIBRARIES)
    config = transformers.UMT5Config(
        vocab_size=90,
        d_model=24,
        d_kv=8,
        d_ff=40,
        num_layers=3,
        num_heads=4,
        feed_forward_proj="gated-gelu",
    )
    with torch.device("meta"):
        encoder = transformers.UMT5EncoderModel(config)
    sizes = TextSizes("tiny", 24, 32, 40, 3, 4, 32, 90, 512, 32)
    assert sizes.parameters == parameters(encoder)
    assert sizes.layer_parameters == parameters(encoder.encoder.block[0])


def test_published_totals() -> None:
    """As counted once on the whole published configurations (diffusers 0.42.1)."""
    assert SMALL.transformer.parameters == 1_418_996_800
    assert LARGE.transformer.parameters == 14_288_491_584
    assert SMALL.text.parameters == 5_680_910_336


def test_the_codec_is_counted_on_its_published_configuration(
    peak_bytes: Callable[[Callable[[], Any]], int],
) -> None:
    diffusers = pytest.importorskip("diffusers", reason=LIBRARIES)
    codec = SMALL.codec
    with torch.device("meta"):
        real = diffusers.AutoencoderKLWan()
        for weight in real.parameters():
            weight.data = weight.data.to(torch.bfloat16)
        picture = torch.empty(1, 3, 1, 128, 128, dtype=torch.bfloat16)
        latent = torch.empty(1, 16, 1, 16, 16, dtype=torch.bfloat16)
        assert parameters(real) == codec.parameters
        for run, flops, size in (
            (lambda: real.encode(picture), codec.encode_flops, codec.encode_bytes),
            (lambda: real.decode(latent), codec.decode_flops, codec.decode_bytes),
        ):
            with torch.no_grad(), FlopCounterMode(display=False) as count:
                run()
            assert count.get_total_flops() / 128**2 == pytest.approx(flops, rel=0.02)
            assert peak_bytes(run) / 128**2 == pytest.approx(size, rel=0.1)


def test_a_larger_backbone_and_a_larger_picture_need_more() -> None:
    needs = [b.needs(size) for b in (SMALL, LARGE) for size in ((256, 144), (512, 288))]
    for number, plan in enumerate(plans(needs[0])):
        by_needs = [plans(n)[number].need for n in needs]
        assert by_needs[0] <= by_needs[1] < by_needs[3]
        assert by_needs[0] < by_needs[2] <= by_needs[3]
        assert plan.need == by_needs[0]


def test_only_pictures_beyond_a_tile_are_saved_memory_by_tiles() -> None:
    codec = SMALL.codec
    assert codec.tile_bytes((256, 144), 8) == codec.working_bytes((256, 144), 8)
    assert codec.tile_bytes((512, 288), 8) == codec.working_bytes((256, 256), 8)


def test_the_list_says_where_it_is_from_and_other_files_are_refused() -> None:
    document = json.loads(DATA.read_text())
    assert len(document["sources"]) >= 4
    with pytest.raises(ValueError, match="no list of backbones"):
        parse_backbones({**document, "version": 2})
