"""A third kind of backbone, registered: every part of the house finds it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from engine.geometry.cameras import Camera, Intrinsics
from engine.model.backbones import registry
from engine.model.backbones.backbone import Backbone, Cache
from engine.model.backbones.family import PIPELINE_INDEX, BackboneFamily, Reading, Source
from engine.model.backbones.registry import families, family_of, register
from engine.model.costs import NetworkShape
from engine.model.errors import CheckpointError
from engine.model.model import Model
from engine.model.storage import read_model, save_model
from engine.model.tokens import Group
from engine.queries import Engine, KnownView, SamplerSettings, draw_view, finish, open_context
from engine.queries.fitting import load_fitted, needs_of
from engine.training.adapted import adapted_backbone
from tests.tiny_model import tiny_model

SIZE = (32, 48)
ONE = SamplerSettings(rgb_steps=1, depth_steps=1)


class Grey(Backbone):
    """Answers everything with one value, which is all that it learned."""

    checkpointing = False

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.value = torch.nn.Parameter(torch.zeros(channels))
        self.config = replace(tiny_model().transformer.config, latent_channels=channels)
        self.rank = 0

    def forward(self, groups: list[Group]) -> list[list[Tensor]]:
        return [self.predict(g, Cache()) if g.asked else [] for g in groups]

    def remember(self, group: Group, cache: Cache) -> Cache:
        return cache

    def predict(self, group: Group, cache: Cache) -> list[Tensor]:
        return [torch.zeros_like(p.content) + self.value[:, None, None] for p in group.pictures]


class GreyFamily(BackboneFamily):
    name = "grey"
    pipelines = ("GreyModel",)

    def owns(self, network: Backbone) -> bool:
        return isinstance(network, Grey)

    def recognises(self, source: Source) -> bool:
        return source.transformer == "GreyModel" or source.format == "grey-1"

    def read(self, path: Path, how: Reading) -> Model:
        file = path / "grey.safetensors" if path.is_dir() else path
        network = Grey(8)
        network.load_state_dict(load_file(str(file)))
        return replace(tiny_model(), transformer=network)

    def save(self, model: Model, path: Path, eight_bit: bool) -> None:
        header = {"format": "grey-1", "config": "{}"}
        save_file(dict(model.transformer.state_dict()), str(path), metadata=header)

    def adapted(self, network: Backbone, rank: int, seed: int) -> Backbone:
        assert isinstance(network, Grey)
        network.rank = rank
        return network

    def shape(self, network: Backbone) -> NetworkShape:
        return NetworkShape(1000, 3, 5000)


@pytest.fixture
def grey(monkeypatch: pytest.MonkeyPatch) -> GreyFamily:
    monkeypatch.setattr(registry, "_registered", [])
    family = GreyFamily()
    register(family)
    return family


@pytest.fixture
def model() -> Model:
    network = Grey(8)
    with torch.no_grad():
        network.value += torch.linspace(-1, 1, 8)
    return replace(tiny_model(), transformer=network)


def test_it_is_saved_read_fitted_and_drawn_with(
    grey: GreyFamily, model: Model, tmp_path: Path
) -> None:
    path = tmp_path / "grey.safetensors"
    save_model(model, path, eight_bit=False)
    fitted = load_fitted(path, "cpu", (48, 32))
    assert isinstance(fitted.engine.transformer, Grey)
    assert read_model(path).source == path
    taught = view_of(fitted.engine)
    with torch.no_grad():
        fitted.engine.transformer.value.zero_()
    assert np.abs(taught - view_of(fitted.engine)).max() > 0.05


def view_of(engine: Engine) -> np.ndarray:
    camera = Camera(np.eye(4), Intrinsics.from_fov(60, 1.5))
    picture = np.random.default_rng(0).random((*SIZE, 3), dtype=np.float32)
    context = open_context(engine, [KnownView(picture, camera=camera)])
    noise = torch.Generator().manual_seed(0)
    return finish(draw_view(engine, context, camera, None, ONE, noise)).numpy()


def test_its_pipeline_is_known_by_its_index(grey: GreyFamily, model: Model, tmp_path: Path) -> None:
    save_model(model, tmp_path / "grey.safetensors", eight_bit=False)
    (tmp_path / PIPELINE_INDEX).write_text(json.dumps({"transformer": ["grey", "GreyModel"]}))
    assert isinstance(read_model(tmp_path).transformer, Grey)
    (tmp_path / PIPELINE_INDEX).write_text(json.dumps({"transformer": ["grey", "Other"]}))
    with pytest.raises(CheckpointError, match="has Other; Photowalk reads GreyModel, Wan"):
        read_model(tmp_path)


def test_its_costs_and_its_adapters_are_its_own(grey: GreyFamily, model: Model) -> None:
    assert needs_of(model, (48, 32)).drawing > 10 * needs_of(tiny_model(), (48, 32)).drawing
    network = adapted_backbone(model.transformer, rank=3)
    assert isinstance(network, Grey)
    assert network.rank == 3


def test_the_others_stay_known(grey: GreyFamily) -> None:
    assert [family.name for family in families()] == ["grey", "wan", "coupled", "own"]
    assert family_of(tiny_model().transformer).name == "own"
    with pytest.raises(ValueError, match="called 'grey' already"):
        register(GreyFamily())
    with pytest.raises(ValueError, match="called 'own' already"):
        register(type("Mine", (GreyFamily,), {"name": "own"})())


def test_without_it_nobody_knows_it(
    model: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registry, "_registered", [])
    with pytest.raises(ValueError, match=r"a Grey is of no known kind .*\(wan, coupled, own\)"):
        save_model(model, tmp_path / "x.safetensors", eight_bit=False)
    GreyFamily().save(model, tmp_path / "x.safetensors", False)
    with pytest.raises(CheckpointError, match=r"holds no Photowalk weights \(format 'grey-1'\)"):
        read_model(tmp_path / "x.safetensors")
