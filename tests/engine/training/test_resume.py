"""A run that goes on has its optimisers' momenta, and draws the curve of an unbroken one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from engine.model.codec import Codec, CodecConfig
from engine.model.model import new_model
from engine.model.text import Tokenizer
from engine.model.transformer import TransformerConfig
from engine.training.buffer import SourceShares
from engine.training.distributed import load_whole_momenta, whole_momenta
from engine.training.entries import EntryConfig
from engine.training.optimisers import build_optimisers
from engine.training.trainer import STATE, Trainer, TrainerConfig
from tests.engine.training.test_lessons import OneScene


class Small(nn.Module):
    """Matrices for Muon, others for AdamW, one that never learns and one that is frozen."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.ModuleList([nn.Linear(6, 8), nn.Linear(8, 6)])
        self.words = nn.Embedding(4, 6)
        self.unasked = nn.Parameter(torch.ones(3, 3))
        self.frozen = nn.Parameter(torch.ones(2, 2), requires_grad=False)

    def forward(self, x: Tensor) -> Tensor:
        for layer in self.layers:
            x = torch.tanh(layer(x))
        return x + self.words.weight[0]


def started(muon: bool = True) -> tuple[Small, list[torch.optim.Optimizer]]:
    torch.manual_seed(0)
    network = Small()
    return network, build_optimisers(network, 1e-2, muon)


def learn(network: nn.Module, optimisers: list[torch.optim.Optimizer], seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    for _ in range(5):
        for optimiser in optimisers:
            optimiser.zero_grad(set_to_none=True)
        network(torch.randn(4, 6, generator=generator)).square().mean().backward()
        for optimiser in optimisers:
            optimiser.step()


@pytest.mark.parametrize("muon", [True, False])
def test_steps_after_a_stop_are_those_of_an_unbroken_run(tmp_path: Path, muon: bool) -> None:
    network, optimisers = started(muon)
    learn(network, optimisers, 0)
    save_file(whole_momenta(network, optimisers), str(tmp_path / "momenta.safetensors"))
    weights = {name: value.clone() for name, value in network.state_dict().items()}
    learn(network, optimisers, 1)

    other, again = started(muon)
    other.load_state_dict(weights)
    assert load_whole_momenta(other, again, load_file(str(tmp_path / "momenta.safetensors")))
    for name, value in weights.items():
        assert torch.equal(other.state_dict()[name], value), name
    assert all(other.unasked not in optimiser.state for optimiser in again)
    learn(other, again, 1)
    for name, value in network.state_dict().items():
        assert torch.equal(other.state_dict()[name], value), name


def test_momenta_of_other_optimisers_are_left_alone() -> None:
    network, optimisers = started(muon=True)
    learn(network, optimisers, 0)
    momenta = whole_momenta(network, optimisers)
    for muon, kept in ((False, momenta), (True, {})):
        other, again = started(muon)
        assert not load_whole_momenta(other, again, kept)
        fresh, anew = started(muon)
        learn(other, again, 1)
        learn(fresh, anew, 1)
        for name, value in fresh.state_dict().items():
            assert torch.equal(other.state_dict()[name], value), name


def trainer() -> Trainer:
    codec = Codec(CodecConfig(latent_channels=8, widths=(4, 4, 4), blocks=(0, 0, 0)))
    patches = torch.randn(300, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    codec.start_from_components(patches * 0.4)
    shape = TransformerConfig(width=32, layers=1, heads=2, latent_channels=8, words=32)
    config = TrainerConfig(
        minutes=60.0,
        steps=6,
        photo_batch=2,
        walk_batch=1,
        context_shares=(1.0,),
        buffer=2,
        save_every=3,
        warm_up=5,
        entries=EntryConfig(size=(32, 48), least_crop=1.0, targets=1, depth_error=0.0),
    )
    model = new_model(codec, Tokenizer(["a", "wall"]), shape)
    return Trainer(model, SourceShares((OneScene(),), (1.0,)), config)


def test_a_run_goes_on_with_its_momenta(tmp_path: Path) -> None:
    first = trainer()
    running = first.run(tmp_path)
    next(running)
    second = trainer()
    assert second.resume(tmp_path)
    for before, after in zip(first.optimisers, second.optimisers, strict=True):
        kept, found = before.state_dict(), after.state_dict()
        assert kept["state"]
        torch.testing.assert_close(found["state"], kept["state"], rtol=0, atol=0)
    # It had warmed up for three steps of five.
    assert second.schedule.rate(0.0) == pytest.approx(4 / 5 * first.config.learning_rate)
    running.close()


def test_a_run_of_an_earlier_version_warms_up_again(tmp_path: Path) -> None:
    first = trainer()
    list(first.run(tmp_path))
    state = load_file(str(tmp_path / STATE))
    assert any(name.startswith("optimiser.") for name in state)
    old = {name: value for name, value in state.items() if not name.startswith("optimiser.")}
    save_file(old, str(tmp_path / STATE))
    second = trainer()
    second.config = replace(second.config, steps=12)
    assert not second.resume(tmp_path)
    assert second.step == first.step
    assert second.schedule.rate(0.0) == pytest.approx(first.config.learning_rate / 5)
