"""Compiled networks draw the same; what cannot be compiled runs on, and says why.

Dynamo traces every layout for real here; the code generator behind it is left out, since it takes
a C++ compiler and minutes. It is told apart by `backend` alone.
"""

from __future__ import annotations

import pytest
import torch
from torch import nn

from engine.model.codec import Codec
from engine.model.model import Model, new_model
from engine.model.text import Kind, Tokenizer
from engine.model.tokens import Group, Picture
from engine.model.transformer import Cache, TransformerConfig
from engine.queries import Engine, compiling
from engine.queries.compiling import Compiled, WarmUp, compiler_fault, warm_up

SIZE = (48, 32)


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
    steps = list(warm_up(engine, SIZE, context_views=3))
    assert [s.done for s in steps] == [0, 1, 2, 3, 4]
    assert compiled.fault is None
    after_warm_up = len(graphs)
    assert after_warm_up > 3
    list(warm_up(engine, SIZE, context_views=3))
    list(warm_up(engine, (64, 48), context_views=3))  # of another size, for which one graph serves
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


def test_a_network_whose_layers_are_not_called_is_compiled_whole(engine: Engine) -> None:
    class Wrapped(nn.Module):
        """Answers through another network."""

        def __init__(self, inner: nn.Module) -> None:
            super().__init__()
            self.inner = inner

        def remember(self, group: Group, cache: Cache) -> Cache:
            return self.inner.remember(group, cache)

        def predict(self, group: Group, cache: Cache) -> list[torch.Tensor]:
            return self.inner.predict(group, cache)

    network = Wrapped(engine.transformer)
    expected = answers(engine)
    compiled = Compiled(network, "eager")
    assert {"remember", "predict"} <= set(vars(network))
    generator = torch.Generator().manual_seed(5)
    content = torch.randn(1, 32, 4, 6, generator=generator)
    group = Group((Picture(Kind.RGB, 0, content, torch.zeros(1)),))
    with torch.no_grad():
        got, plain = network.remember(group, Cache()), engine.transformer.remember(group, Cache())
    assert got.layers is not None
    assert plain.layers is not None
    torch.testing.assert_close(got.layers[1].key, plain.layers[1].key)
    assert compiled.fault is None
    compiled.end()
    assert not {"remember", "predict"} & set(vars(network))
    assert torch.equal(answers(engine)[0], expected[0])


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
