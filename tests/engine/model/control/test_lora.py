"""Adapters: nothing at first, a low-rank change of the weights afterwards, branches apart."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from engine.model.control.lora import (
    LoraConfig,
    LoraLinear,
    adapters,
    branch_of,
    detached,
    merged,
)

ALL = LoraConfig(rank=3, alpha=6.0, within=("",))


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def small_net() -> nn.Sequential:
    with torch.random.fork_rng():
        torch.manual_seed(1)
        net = nn.Sequential(nn.Linear(5, 7), nn.SiLU(), nn.Sequential(nn.Linear(7, 4)))
    return net.requires_grad_(False)


def fill_up(module: nn.Module, seed: int) -> None:
    source = generator(seed)
    with torch.no_grad():
        for name, parameter in adapters(module):
            if name.endswith("up"):
                parameter.copy_(torch.randn(parameter.shape, generator=source))


@settings(max_examples=30, deadline=None)
@given(
    sizes=st.tuples(st.integers(1, 9), st.integers(1, 9)),
    rank=st.integers(1, 5),
    alpha=st.floats(0.5, 32),
    seed=st.integers(0, 1000),
)
def test_an_adapter_adds_its_product_to_the_weights(
    sizes: tuple[int, int], rank: int, alpha: float, seed: int
) -> None:
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        base = nn.Linear(*sizes).requires_grad_(False)
    layer = LoraLinear(base, LoraConfig(rank, alpha), generator(seed))
    x = torch.randn(4, sizes[0], generator=generator(seed))
    assert torch.equal(layer(x), base(x))
    assert torch.equal(layer.merged().weight, base.weight)
    fill_up(layer, seed)
    weight = base.weight + alpha / rank * layer.up @ layer.down
    expected = x @ weight.T + base.bias
    torch.testing.assert_close(layer(x), expected, atol=1e-3, rtol=1e-4)
    torch.testing.assert_close(layer.merged()(x), layer(x), atol=1e-3, rtol=1e-4)


def test_branches_share_the_frozen_weights_and_nothing_else() -> None:
    net = small_net()
    x = torch.randn(2, 5, generator=generator())
    before = net(x)
    one, other = branch_of(net, ALL, generator(1)), branch_of(net, ALL, generator(2))
    assert torch.equal(one(x), before)
    assert one[0].base.weight is net[0].weight
    assert other[2][0].base.bias is net[2][0].bias
    fill_up(one, 1)
    assert (one(x) - before).abs().max() > 1e-2
    assert torch.equal(other(x), before)
    assert torch.equal(net(x), before)
    trainable = [name for name, p in one.named_parameters() if p.requires_grad]
    assert trainable == [name for name, _ in adapters(one)]
    assert trainable == ["0.down", "0.up", "2.0.down", "2.0.up"]


def test_only_named_layers_get_adapters() -> None:
    branch = branch_of(small_net(), LoraConfig(2, 2.0, within=("2.",)), generator())
    assert [name for name, _ in adapters(branch)] == ["2.0.down", "2.0.up"]


def test_merging_and_detaching() -> None:
    net = small_net()
    x = torch.randn(3, 5, generator=generator())
    branch = branch_of(net, ALL, generator())
    fill_up(branch, 4)
    whole = merged(branch)
    assert list(whole.state_dict()) == list(net.state_dict())
    torch.testing.assert_close(whole(x), branch(x), atol=1e-5, rtol=1e-5)
    without = detached(branch)
    assert torch.equal(without(x), net(x))
    assert without[0].weight is net[0].weight
    assert not any(isinstance(layer, LoraLinear) for layer in without.modules())
    assert isinstance(branch[0], LoraLinear), "the branch itself is left as it was"


def test_adapters_of_low_precision_weights_stay_precise() -> None:
    net = small_net().to(torch.bfloat16)
    branch = branch_of(net, ALL, generator())
    assert branch[0].up.dtype is torch.float32
    fill_up(branch, 2)
    assert branch(torch.ones(1, 5, dtype=torch.bfloat16)).dtype is torch.bfloat16
    assert merged(branch)[0].weight.dtype is torch.bfloat16


def test_what_cannot_be_branched_is_said() -> None:
    net = small_net()
    with pytest.raises(ValueError, match="rank of at least 1"):
        LoraConfig(rank=0)
    with pytest.raises(ValueError, match="no linear layer of Sequential"):
        branch_of(net, LoraConfig(within=("attention",)), generator())
    with pytest.raises(ValueError, match="adapters already"):
        branch_of(branch_of(net, ALL, generator()), ALL, generator())


@pytest.mark.filterwarnings("ignore")
def test_a_video_transformer_of_another_library_is_branched_as_well() -> None:
    """Nothing but linear layers and their names is asked of a network."""
    diffusers = pytest.importorskip("diffusers")
    with torch.random.fork_rng():
        torch.manual_seed(0)
        wan = diffusers.WanTransformer3DModel(
            patch_size=(1, 2, 2),
            num_attention_heads=2,
            attention_head_dim=12,
            in_channels=4,
            out_channels=4,
            text_dim=16,
            freq_dim=32,
            ffn_dim=32,
            num_layers=2,
            rope_max_seq_len=32,
        )
    wan = wan.eval().requires_grad_(False)
    config = LoraConfig(rank=2, alpha=4.0, within=("blocks.",))
    colour = branch_of(wan, config, generator(1))
    geometry = branch_of(wan, config, generator(2))
    noisy = torch.randn(1, 4, 2, 4, 4, generator=generator(3))
    words = torch.randn(1, 5, 16, generator=generator(4))

    def run(network: nn.Module) -> torch.Tensor:
        return network(noisy, torch.tensor([500]), words, return_dict=False)[0]

    before = run(wan)
    assert torch.equal(run(colour), before)
    fill_up(geometry, 5)
    assert (run(geometry) - before).abs().max() > 1e-4
    assert torch.equal(run(colour), before)
    torch.testing.assert_close(run(merged(geometry)), run(geometry), atol=1e-4, rtol=1e-4)
    run(geometry).square().sum().backward()
    assert all(p.grad is not None for _, p in adapters(geometry))
    assert all(p.grad is None for p in wan.parameters())
