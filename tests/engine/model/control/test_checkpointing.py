"""Checkpointing changes what is kept, and neither answers nor gradients, of any coupling."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch
from torch import Tensor, nn

from engine.model.control.joint_network import ControlConfig, Coupling
from engine.model.control.lora import LoraConfig
from engine.model.control.networks import build_network
from engine.model.transformer import Cache, Transformer
from engine.training.checkpointing import set_checkpointing

CONTROL = ControlConfig(lora=LoraConfig(rank=4, alpha=8.0), links=1)


def learned(network: nn.Module, groups: list) -> tuple[list[Tensor], dict[str, Tensor], int]:
    """Answers, gradients, and bytes that wait for the backward pass."""
    network.zero_grad()
    kept: dict[int, int] = {}

    def pack(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda t: t):
        answers = [a for group in network(groups) for a in group]
        torch.stack([a.square().mean() for a in answers]).sum().backward()
    gradients = {n: p.grad for n, p in network.named_parameters() if p.grad is not None}
    return answers, gradients, sum(kept.values())


@pytest.mark.parametrize("coupling", [None, *Coupling])
def test_answers_and_gradients_are_the_same(
    kit: SimpleNamespace, base: Transformer, coupling: Coupling | None
) -> None:
    network: nn.Module = base.train()
    if coupling is not None:
        network = build_network(base, ControlConfig(coupling, CONTROL.lora, CONTROL.links))
        kit.randomise_trained(network)
    answers, gradients, kept = learned(network, kit.video())
    gradients = {name: g.clone() for name, g in gradients.items()}
    set_checkpointing(network, True)
    again, also, fewer = learned(network, kit.video())
    assert all(torch.equal(a, b) for a, b in zip(answers, again, strict=True))
    assert gradients.keys() == also.keys()
    for name, gradient in gradients.items():
        torch.testing.assert_close(also[name], gradient, rtol=1e-5, atol=1e-8, msg=name)
    assert fewer < 0.8 * kept
    set_checkpointing(network, False)
    assert learned(network, kit.video())[2] == kept


@torch.no_grad()
def test_a_network_that_draws_still_remembers(kit: SimpleNamespace, base: Transformer) -> None:
    seen, asked = kit.video()
    expected = base([seen, asked])[1]
    set_checkpointing(base, True)
    found = base.predict(asked, base.remember(seen, Cache()))
    for a, b in zip(found, expected, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-5)


def test_what_has_no_switch_is_refused() -> None:
    with pytest.raises(ValueError, match="a Linear cannot train with checkpointing"):
        set_checkpointing(nn.Linear(2, 2), True)
