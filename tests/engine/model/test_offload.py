"""Layers that visit a device: the same answers, and one layer there at a time."""

from __future__ import annotations

import weakref

import pytest
import torch
from torch import Tensor, nn

from engine.model.control.joint_network import ControlConfig, Coupling
from engine.model.control.lora import LoraConfig
from engine.model.control.networks import build_network
from engine.model.kinds import Kind
from engine.model.offload import (
    OffloadError,
    layers_of,
    offload,
    part_of,
    visitors_of,
    weight_bytes,
)
from engine.model.tokens import Group, Picture
from engine.model.transformer import Cache, Transformer, TransformerConfig

CPU = torch.device("cpu")


class Recorder:
    """A device of our own: knows which copies are alive, and the most that ever were."""

    def __init__(self) -> None:
        self.live: dict[int, int] = {}
        self.most = 0
        self.brought = 0

    def __call__(self, data: Tensor) -> Tensor:
        copy = data.clone()
        storage = copy.untyped_storage()
        self.live[id(storage)] = storage.nbytes()
        weakref.finalize(storage, self.live.pop, id(storage))
        self.brought += 1
        self.most = max(self.most, sum(self.live.values()))
        return copy


def lively(width: int = 64, layers: int = 5) -> Transformer:
    torch.manual_seed(3)
    network = Transformer(TransformerConfig(width, layers, 2, 8, words=20))
    with torch.no_grad():
        for weight in network.parameters():
            weight.add_(0.05 * torch.randn_like(weight))
    return network.eval()


def pictures() -> tuple[Group, Group]:
    generator = torch.Generator().manual_seed(1)

    def picture(slot: int, level: float) -> Picture:
        content = torch.randn(1, 8, 6, 8, generator=generator)
        rays = torch.randn(1, 6, 3, 4, generator=generator)
        return Picture(Kind.RGB, slot, content, torch.full((1,), level), rays)

    asked = Group((picture(2, 0.7),), torch.tensor([[1, 2]]), asked=True)
    return Group((picture(0, 0.0), picture(1, 0.0))), asked


@torch.no_grad()
def answers(network: Transformer) -> list[Tensor]:
    known, asked = pictures()
    return network.predict(asked, network.remember(known, Cache()))


def test_answers_are_the_same_and_one_layer_is_there_at_a_time() -> None:
    network, device = lively(), Recorder()
    expected = answers(network)
    home = [w.data_ptr() for w in network.parameters()]
    visits = offload(network, CPU, device)
    got = answers(network)
    assert all(torch.equal(a, b) for a, b in zip(expected, got, strict=True))
    assert device.most == part_of(network).largest
    assert device.most <= max(weight_bytes(layer) for layer in layers_of(network))
    last = network.layers[-1]
    # Where something is only remembered, the last layer gives its keys and values.
    seen = {id(last.attention.qkv), id(last.attention.key_norm)}
    spared = [m for m in last.modules() if id(m) not in seen and m in visitors_of(network)]
    expected_visits = 2 * sum(len(list(m.parameters())) for m in visitors_of(network))
    expected_visits -= sum(len(list(m.parameters())) for m in spared)
    assert device.brought == expected_visits
    assert not device.live
    assert [w.data_ptr() for w in network.parameters()] == home
    visits.end()
    answers(network)
    assert device.brought == expected_visits


def test_all_large_weights_take_turns() -> None:
    network = lively(128, 6)
    part = part_of(network)
    assert part.weights == sum(4 * p.numel() for p in network.parameters())
    assert part.largest == 4 * (128 * 512 + 512)
    in_layers = sum(weight_bytes(layer) for layer in network.layers)
    assert in_layers - part.layers == 6 * 6 * 128 * 4  # each layer's table of offsets stays


def test_a_failed_pass_leaves_nothing_on_the_device() -> None:
    network, device = lively(), Recorder()
    offload(network, CPU, device)
    network.layers[2].mlp_in.bias = nn.Parameter(torch.zeros(3))
    with pytest.raises(RuntimeError):
        answers(network)
    assert not device.live


class Wrapped(nn.Module):
    """Goes through the parts of another network's blocks by itself, with gates beside them."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = nn.Module()
        self.inner.blocks = nn.ModuleList(
            [nn.Sequential(nn.Linear(9, 9), nn.LayerNorm(9)) for _ in range(3)]
        )
        self.gates = nn.ModuleList([nn.Linear(9, 9) for _ in range(3)])
        self.outside = nn.Linear(9, 9)

    def forward(self, x: Tensor) -> Tensor:
        for block, gate in zip(self.inner.blocks, self.gates, strict=True):
            x = x + block[1](block[0](x)) * gate(x).sigmoid()
        return self.outside(x)


@torch.no_grad()
def test_layers_whose_parts_are_called_one_by_one_take_turns_too() -> None:
    torch.manual_seed(0)
    network, device = Wrapped(), Recorder()
    x = torch.randn(2, 9)
    expected = network(x)
    assert len(layers_of(network)) == 6
    offload(network, CPU, device)
    assert torch.equal(network(x), expected)
    assert device.most == 4 * (9 * 9 + 9)
    assert device.brought == 2 * 9


def test_a_network_without_layers_is_refused() -> None:
    with pytest.raises(OffloadError, match="a Linear has no list of layers"):
        offload(nn.Linear(2, 2), CPU)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_on_a_gpu_most_of_the_weights_stay_away() -> None:
    network = lively(256, 12)
    expected = answers(network)
    torch.cuda.synchronize()
    before = torch.cuda.memory_allocated()
    offload(network, torch.device("cuda"))
    known, asked = pictures()
    assert torch.cuda.memory_allocated() - before < weight_bytes(network) / 2

    def there(group: Group) -> Group:
        moved = tuple(
            Picture(p.kind, p.slot, p.content.cuda(), p.level.cuda(), p.rays.cuda())
            for p in group.pictures
            if p.rays is not None
        )
        prompt = None if group.prompt is None else group.prompt.cuda()
        return Group(moved, prompt, asked=group.asked)

    with torch.no_grad():
        got = network.predict(there(asked), network.remember(there(known), Cache()))
    for a, b in zip(expected, got, strict=True):
        torch.testing.assert_close(b.cpu(), a, atol=2e-2, rtol=2e-2)


@pytest.mark.parametrize("coupling", list(Coupling))
@torch.no_grad()
def test_branches_that_share_weights_take_turns_too(coupling: Coupling) -> None:
    """Weights that several branches share weigh once, and come for each of them."""
    lora = LoraConfig(rank=2, alpha=2.0)
    network = build_network(lively(layers=2), ControlConfig(coupling, lora, links=1)).eval()
    weighed = part_of(network)
    assert weighed.layers < weighed.weights < 2 * weight_bytes(network.base)
    expected = network.predict(pictures()[1], Cache())
    visits = offload(network, CPU, Recorder())
    found = network.predict(pictures()[1], Cache())
    visits.end()
    assert all(torch.equal(a, b) for a, b in zip(found, expected, strict=True))
