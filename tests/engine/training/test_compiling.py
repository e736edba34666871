"""Compiled layers answer as uncompiled ones do, and only where they are meant to run."""

from __future__ import annotations

import shutil

import pytest
import torch
from torch import nn
from torch._dynamo.utils import counters

from engine.model.kinds import Kind
from engine.model.tokens import Group, Picture
from engine.model.transformer import Transformer, TransformerConfig
from engine.training import compiling
from engine.training.compiling import compile_layers, compiled_if

CPU = torch.device("cpu")
NO_COMPILER = not any(map(shutil.which, ("g++", "clang++", "c++")))


def network() -> Transformer:
    torch.manual_seed(0)
    made = Transformer(TransformerConfig(width=32, heads=2, layers=2, latent_channels=4))
    for parameter in made.parameters():
        nn.init.normal_(parameter, std=0.2)
    return made


def groups() -> list[Group]:
    generator = torch.Generator().manual_seed(1)
    clean, rays = torch.randn(2, 4, 4, 8, generator=generator), torch.randn(2, 6, 2, 4)
    level = torch.tensor([0.3, 0.9])
    seen = Group((Picture(Kind.RGB, 0, clean, torch.zeros(2), rays),))
    asked = Picture(Kind.DEPTH, 0, torch.randn(clean.shape, generator=generator), level, rays)
    return [seen, Group((asked,), None, (0,), asked=True)]


def gradients(made: Transformer, given: list[Group]) -> list[torch.Tensor]:
    made.zero_grad()
    made(given)[1][0].square().mean().backward()
    return [p.grad.clone() for p in made.layers.parameters() if p.grad is not None]


@pytest.mark.skipif(NO_COMPILER, reason="needs a C++ compiler")
@pytest.mark.filterwarnings("ignore")  # torch's compiler warns of its own doings
def test_compiled_layers_learn_alike_and_only_where_asked() -> None:
    made, given = network(), groups()
    expected = gradients(made, given)
    compile_layers(made, CPU)
    counters.clear()
    with compiled_if(False):
        assert all(map(torch.equal, gradients(made, given), expected))
    assert not counters["stats"]
    with compiled_if(True):
        found = gradients(made, given)
    assert counters["stats"]["unique_graphs"] > 0
    assert len(found) == len(expected) > 0
    for a, b in zip(found, expected, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-3, atol=1e-5)


def test_only_our_own_layers_and_only_with_a_compiler(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValueError, match=r"Linear; leave it out"):
        compile_layers(nn.Linear(2, 2), CPU)
    monkeypatch.setattr(compiling, "compiler_fault", lambda _device: "no compiler works here")
    with pytest.raises(ValueError, match=r"^no compiler works here; install one"):
        compile_layers(network(), CPU)
