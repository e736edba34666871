"""Adapters learn beside frozen weights, from the same lessons for every coupling."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from engine.geometry.cameras import Camera, Intrinsics
from engine.model.codec import Codec, CodecConfig
from engine.model.control.adapters_file import load_adapters
from engine.model.control.decoupled import ControlConfig, DecoupledTransformer
from engine.model.control.lora import LoraConfig
from engine.model.model import Model, new_model, save_model
from engine.model.text import Kind, Tokenizer
from engine.model.transformer import TransformerConfig
from engine.training.adapters import COUPLINGS, AdapterTrainer, AdapterTrainingConfig
from engine.training.buffer import SourceShares
from engine.training.cli import main
from engine.training.entries import EntryConfig
from engine.training.joint.conditioning import observed_frames
from engine.training.sequences import PosedSequence

CPU = torch.device("cpu")
LENS = Intrinsics.from_fov(60, 48 / 32)
CONFIG = AdapterTrainingConfig(
    minutes=60,
    steps=12,
    batch=2,
    buffer=3,
    warm_up=2,
    report_every=6,
    learning_rate=1e-2,
    control=ControlConfig(LoraConfig(4, 4.0), links=1),
    entries=EntryConfig(size=(32, 48), least_crop=1.0, depth_error=0.0),
)


class OneScene:
    """A wall 2 m ahead, three steps sideways."""

    def draw(self, generator: torch.Generator) -> PosedSequence:
        cameras = []
        for index in range(3):
            T = np.eye(4)
            T[0, 3] = 0.2 * index
            cameras.append(Camera(T, LENS))
        rows = torch.linspace(0, 1, 32)[:, None].expand(32, 48)
        rgb = torch.stack([rows, 1 - rows, rows * 0 + 0.5]).expand(3, 3, 32, 48).clone()
        return PosedSequence(rgb, torch.full((3, 1, 32, 48), 2.0), tuple(cameras), "")


def model() -> Model:
    codec = Codec(CodecConfig(latent_channels=8, widths=(4, 4, 4), blocks=(0, 0, 0)))
    generator = torch.Generator().manual_seed(0)
    codec.start_from_components(torch.randn(300, 3, 8, 8, generator=generator) * 0.4)
    shape = TransformerConfig(width=32, layers=2, heads=2, latent_channels=8, words=32)
    return new_model(codec, Tokenizer(["wall"]), shape)


def trainer(coupling: str) -> AdapterTrainer:
    sources = SourceShares((OneScene(),), (1.0,))
    return AdapterTrainer(model(), sources, replace(CONFIG, coupling=coupling), CPU, "base")


@pytest.mark.parametrize("coupling", list(COUPLINGS))
def test_points_are_learned_and_the_base_stays(coupling: str) -> None:
    learner = trainer(coupling)
    before = {n: p.detach().clone() for n, p in learner.model.transformer.named_parameters()}
    reports = list(learner.run())
    assert reports[-1].step == 12
    assert reports[1].losses["xyz"] < reports[0].losses["xyz"]
    for name, parameter in learner.model.transformer.named_parameters():
        assert torch.equal(parameter, before[name]), name


def test_every_coupling_sees_the_same_lessons() -> None:
    one, other = trainer("decoupled").lesson(), trainer("channel").lesson()
    for a, b in zip(one.groups[0].pictures, other.groups[0].pictures, strict=True):
        assert (a.kind, a.slot) == (b.kind, b.slot)
        assert torch.equal(a.content, b.content)
        assert torch.equal(a.level, b.level)


def test_the_first_frame_is_always_seen_and_all_tasks_occur() -> None:
    structure = torch.Generator().manual_seed(0)
    found = [observed_frames(4, structure) for _ in range(200)]
    assert all(frames[0] == 0 for frames in found)
    sizes = {len(frames) for frames in found}
    assert {1, 4} < sizes


def test_points_are_never_observed() -> None:
    lesson = trainer("decoupled").lesson()
    for picture in lesson.groups[0].pictures:
        if picture.kind is Kind.XYZ:
            assert (picture.level > 0).all()


def test_adapters_are_kept_while_training(tmp_path: Path) -> None:
    learner = trainer("decoupled")
    list(learner.run(tmp_path))
    again = DecoupledTransformer(model().transformer, CONFIG.control)
    load_adapters(again, tmp_path / "adapters.safetensors", "base")
    for name, tensor in learner.network.trained().items():
        assert torch.equal(again.trained()[name], tensor)


def test_an_unknown_coupling_is_named() -> None:
    with pytest.raises(ValueError, match="no coupling 'glue'"):
        AdapterTrainingConfig(coupling="glue")


def test_the_command_refuses_what_it_cannot_use(tmp_path: Path, capsys) -> None:
    save_model(model(), tmp_path / "base.safetensors", eight_bit=False)
    given = [
        "adapters",
        "--model",
        str(tmp_path / "base.safetensors"),
        "--out",
        str(tmp_path / "o"),
    ]
    assert main(given) == 2
    assert "needs scenes" in capsys.readouterr().err
