"""Compiled networks draw the same; what cannot be compiled runs on, and says why.

Dynamo traces every layout for real here; the code generator behind it is left out, since it takes
a C++ compiler and minutes. It is told apart by `backend` alone.
"""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import nn

from engine.model.codec import Codec
from engine.model.compiler import compiler_fault
from engine.model.control.joint_network import ControlConfig, Coupling
from engine.model.control.lora import LoraConfig
from engine.model.control.networks import build_network
from engine.model.kinds import Kind
from engine.model.model import Model, new_model
from engine.model.text import Tokenizer
from engine.model.tokens import Group, Picture
from engine.model.transformer import Cache, TransformerConfig
from engine.queries import Engine, compiling
from engine.queries.compiling import Compiled, WarmUp, places_of, warm_up

SIZE = (80, 48)


@pytest.fixture
def engine() -> Engine:
    torch._dynamo.reset()
    config = TransformerConfig(width=32, layers=2, heads=2, words=20)
    model: Model = new_model(Codec(), Tokenizer(["room"]), config)
    with torch.no_grad():
        for weight in model.transformer.parameters():
            weight.add_(
                0.05 * torch.randn(weight.shape, generator=torch.Generator().manual_seed(1))
            )
    return Engine.of(model, precision=torch.float32)


def answers(engine: Engine, views: int = 2) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(5)

    def picture(slot: int, level: float) -> Picture:
        content = torch.randn(1, 32, 4, 6, generator=generator)
        rays = torch.randn(1, 6, 2, 3, generator=generator)
        return Picture(Kind.RGB, slot, content, torch.full((1,), level), rays)

    context = Group(tuple(picture(slot, 0.0) for slot in range(views)))
    asked = Group((picture(views, 0.8),), torch.tensor([[1, 2]]), asked=True)
    with torch.no_grad():
        cache = engine.transformer.remember(context, Cache())
        return engine.transformer.predict(asked, cache)


def test_a_warm_up_compiles_every_layout_that_a_walk_needs(engine: Engine) -> None:
    expected = answers(engine)
    graphs = []

    def counting(graph: torch.fx.GraphModule, _inputs: object) -> object:
        graphs.append(graph)
        return graph.forward

    compiled = Compiled(engine.transformer, counting)
    steps = list(warm_up(engine, SIZE, context_views=2))
    assert [s.done for s in steps] == [0, 1, 2, 3]
    assert compiled.fault is None
    after_warm_up = len(graphs)
    assert after_warm_up > 3
    list(warm_up(engine, (112, 80), context_views=2))  # one graph serves every size
    assert len(graphs) == after_warm_up
    for a, b in zip(expected, answers(engine), strict=True):
        torch.testing.assert_close(b, a, atol=1e-5, rtol=1e-5)
    compiled.end()
    assert "forward" not in vars(engine.transformer.layers[0])
    assert torch.equal(answers(engine)[0], expected[0])


def test_what_cannot_be_compiled_runs_on_and_says_why(engine: Engine) -> None:
    expected = answers(engine)

    def broken(_graph: object, _inputs: object) -> object:
        raise RuntimeError("the assembler is missing\nand much more")

    compiled = Compiled(engine.transformer, broken)
    assert torch.equal(answers(engine)[0], expected[0])
    assert compiled.fault is not None
    assert compiled.fault.startswith("it could not be compiled")
    assert "\n" not in compiled.fault


def test_wrong_input_is_as_wrong_as_ever(engine: Engine) -> None:
    compiled = Compiled(engine.transformer, "eager")
    engine.transformer.layers[0].mlp_in = nn.Linear(5, 5)
    with pytest.raises(RuntimeError):
        answers(engine)
    assert compiled.fault is None


class Whole(nn.Module):
    """Has no list of layers of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = nn.Linear(3, 3)

    def remember(self, x: torch.Tensor) -> torch.Tensor:
        return self.inner(x).sin()

    def predict(self, x: torch.Tensor) -> torch.Tensor:
        return self.inner(x).cos()


def run_block(block: nn.Module, x: torch.Tensor) -> torch.Tensor:
    return x + block(x)


class ByItself(Whole):
    """Goes through its blocks with a function."""

    def __init__(self) -> None:
        super().__init__()
        self.blocks = nn.ModuleList([nn.Linear(3, 3) for _ in range(4)])
        self.run_block = run_block

    def predict(self, x: torch.Tensor) -> torch.Tensor:
        for block in self.blocks:
            x = self.run_block(block, x)
        return x


@torch.no_grad()
def test_a_network_without_layers_is_compiled_whole() -> None:
    torch._dynamo.reset()
    network, x = Whole(), torch.randn(2, 3)
    expected = network.remember(x), network.predict(x)
    compiled = Compiled(network, "eager")
    assert {"remember", "predict"} <= set(vars(network))
    torch.testing.assert_close((network.remember(x), network.predict(x)), expected)
    assert compiled.fault is None
    compiled.end()
    assert not {"remember", "predict"} & set(vars(network))


@torch.no_grad()
def test_a_function_that_runs_a_block_is_compiled_once_for_all_of_them() -> None:
    torch._dynamo.reset()
    network, x, graphs = ByItself(), torch.randn(2, 3), []
    expected = network.predict(x)

    def counting(graph: torch.fx.GraphModule, _inputs: object) -> object:
        graphs.append(graph)
        return graph.forward

    compiled = Compiled(network, counting)
    torch.testing.assert_close(network.predict(x), expected)
    assert compiled.fault is None
    assert len(graphs) == 1
    compiled.end()
    assert network.run_block is run_block


def test_the_rest_takes_as_long_as_the_parts_before() -> None:
    assert WarmUp(0, 5, 0.0).left == 0.0
    assert WarmUp(2, 5, 8.0).left == 12.0


def test_a_machine_without_a_compiler_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def none(*_args: object, **_options: object) -> None:
        raise RuntimeError("InvalidCxxCompiler: No working C++ compiler found")

    monkeypatch.setattr(compiling.torch, "compile", none)
    fault = compiler_fault(torch.device("cpu"))
    assert fault is not None
    assert fault.startswith("no compiler works here (InvalidCxxCompiler: No working C++")


def test_a_compiler_that_computes_nonsense_does_not_work(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiling.torch, "compile", lambda _f: lambda x: x)
    assert compiler_fault(torch.device("cpu")) is not None
    monkeypatch.setattr(compiling.torch, "compile", lambda f: f)
    assert compiler_fault(torch.device("cpu")) is None


@pytest.mark.parametrize("coupling", list(Coupling))
def test_branches_are_compiled_layer_by_layer(engine: Engine, coupling: Coupling) -> None:
    control = ControlConfig(coupling, LoraConfig(rank=2, alpha=2.0), links=1)
    network = build_network(engine.transformer, control).eval().requires_grad_(False)
    coupled = Engine.of(replace(engine.model, transformer=network), precision=torch.float32)
    expected = answers(coupled)
    compiled = Compiled(network, "eager")
    assert {name for _, name in places_of(network)} == {"forward"}
    for a, b in zip(expected, answers(coupled), strict=True):
        torch.testing.assert_close(b, a, atol=1e-5, rtol=1e-5)
    assert compiled.fault is None
