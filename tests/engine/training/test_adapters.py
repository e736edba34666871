"""Adapters learn beside frozen weights, from the same lessons for every coupling."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from engine.geometry.cameras import Camera, Intrinsics
from engine.model.codec import Codec, CodecConfig
from engine.model.control.adapters_file import read_adapters
from engine.model.control.joint_network import ControlConfig, Coupling
from engine.model.control.lora import LoraConfig
from engine.model.control.networks import network_of
from engine.model.kinds import Kind
from engine.model.model import Model, new_model
from engine.model.storage import read_model, save_model
from engine.model.text import Tokenizer
from engine.model.transformer import TransformerConfig
from engine.training.adapters import AdapterTrainer, AdapterTrainingConfig
from engine.training.buffer import SourceShares
from engine.training.cli import main
from engine.training.entries import EntryConfig
from engine.training.joint.conditioning import observed_frames
from engine.training.mixture import Lesson
from engine.training.optimisers import build_optimisers
from engine.training.sequences import PosedSequence
from engine.training.worlds.prerender import save_sequence
from engine.training.worlds.world import Sequence

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
    control=ControlConfig(lora=LoraConfig(4, 4.0), links=1),
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
    made = new_model(codec, Tokenizer(["wall"]), shape)
    # Untrained outputs are zero, and what is frozen at zero would teach its inputs nothing.
    with torch.no_grad():
        for parameter in made.transformer.parameters():
            parameter.add_(torch.randn(parameter.shape, generator=generator) * 0.05)
    return made


SCENES = SourceShares((OneScene(),), (1.0,))


def trainer(coupling: Coupling = Coupling.DECOUPLED, held_out: bool = False) -> AdapterTrainer:
    config = replace(CONFIG, control=replace(CONFIG.control, coupling=coupling))
    return AdapterTrainer(model(), SCENES, config, CPU, SCENES if held_out else None)


def asking_colours(learner: AdapterTrainer) -> Lesson:
    """A lesson of which some RGB picture is asked as well."""
    while True:
        lesson = learner.lesson()
        if any(p.kind is Kind.RGB and p.level.max() > 0 for p in lesson.groups[0].pictures):
            return lesson


@pytest.mark.parametrize("coupling", list(Coupling))
def test_one_step_changes_what_is_trained_and_nothing_else(coupling: Coupling) -> None:
    learner = trainer(coupling)
    lesson = asking_colours(learner)
    for _ in range(2):
        learner.learn(lesson)
    state = learner.network.state_dict()
    before = {name: tensor.clone() for name, tensor in state.items()}
    learner.learn(lesson)
    trained = learner.network.trained()
    moved = {n for n, t in learner.network.state_dict().items() if not torch.equal(t, before[n])}
    assert moved <= set(trained)
    # The lesson has neither DEPTH nor RAYS, whose projections have no gradient.
    still = {n for n in set(trained) - moved if n.endswith((".up", ".down")) or "links" in n}
    assert not still


@pytest.mark.parametrize("coupling", list(Coupling))
def test_thirty_steps_on_one_batch_lower_the_loss(coupling: Coupling) -> None:
    learner = trainer(coupling)
    lesson = learner.lesson()
    losses = [float(learner.learn(lesson).total.detach()) for _ in range(31)]
    assert losses[30] < 0.8 * losses[0]


@pytest.mark.parametrize("coupling", list(Coupling))
def test_points_are_learned_and_the_base_stays(coupling: Coupling) -> None:
    learner = trainer(coupling, held_out=True)
    before = {n: p.detach().clone() for n, p in learner.model.transformer.named_parameters()}
    started = learner.score(learner.held_out)
    reports = list(learner.run())
    assert [r.step for r in reports] == [6, 12]
    assert reports[-1].held_out["xyz"] < started["xyz"]
    for name, parameter in learner.model.transformer.named_parameters():
        assert torch.equal(parameter, before[name]), name


def test_every_coupling_sees_the_same_lessons() -> None:
    one, other = (trainer(c, held_out=True) for c in (Coupling.DECOUPLED, Coupling.CHANNEL))
    for a, b in [(one.lesson(), other.lesson()), *zip(one.held_out, other.held_out, strict=True)]:
        for p, q in zip(a.groups[0].pictures, b.groups[0].pictures, strict=True):
            assert (p.kind, p.slot) == (q.kind, q.slot)
            assert torch.equal(p.content, q.content)
            assert torch.equal(p.level, q.level)


def test_colours_are_those_of_the_frozen_model_before_training() -> None:
    """On a lesson as it is taught: the seed's promise, to the bit."""
    learner = trainer()
    with torch.no_grad():
        for parameter in learner.model.transformer.parameters():
            parameter.add_(torch.randn(parameter.shape, generator=learner.generator) * 0.1)
        (group,) = asking_colours(learner).groups
        colours = replace(group, pictures=tuple(p for p in group.pictures if p.kind is Kind.RGB))
        expected = learner.model.transformer([colours])[0]
        found = learner.network([group])[0]
    kinds = [p.kind for p in group.pictures]
    of_colour = [answer for kind, answer in zip(kinds, found, strict=True) if kind is Kind.RGB]
    assert all(torch.equal(a, b) for a, b in zip(of_colour, expected, strict=True))


def test_the_first_frame_is_always_seen_and_all_tasks_occur() -> None:
    structure = torch.Generator().manual_seed(0)
    found = [observed_frames(4, structure) for _ in range(200)]
    assert all(frames[0] == 0 for frames in found)
    sizes = {len(frames) for frames in found}
    assert {1, 4} < sizes


def test_points_are_never_observed() -> None:
    lesson = trainer().lesson()
    for picture in lesson.groups[0].pictures:
        if picture.kind is Kind.XYZ:
            assert (picture.level > 0).all()


def test_adapters_are_kept_while_training(tmp_path: Path) -> None:
    learner = trainer()
    list(learner.run(tmp_path))
    again = network_of(read_adapters(tmp_path / "adapters.safetensors"), model().transformer)
    lesson = learner.lesson()
    with torch.no_grad():
        found, expected = again(lesson.groups)[0], learner.network(lesson.groups)[0]
    assert all(torch.equal(a, b) for a, b in zip(found, expected, strict=True))


def test_a_model_without_anything_to_train_is_said() -> None:
    with pytest.raises(ValueError, match="every parameter of the Transformer is frozen"):
        build_optimisers(model().transformer.requires_grad_(False), 1e-3)


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """A folder with `base.safetensors` and rendered worlds in `worlds`."""
    save_model(model(), tmp_path / "base.safetensors", eight_bit=False)
    (tmp_path / "worlds").mkdir()
    rgb = np.random.default_rng(0).integers(0, 255, (3, 32, 48, 3)).astype(np.uint8)
    cameras = OneScene().draw(torch.Generator()).cameras
    depth = np.full((3, 32, 48), 2.0, np.float32)
    save_sequence(tmp_path / "worlds" / "0.npz", Sequence(rgb, depth, cameras, "a", "room", 0))
    return tmp_path


def command(files: Path, *more: str) -> list[str]:
    base, out = files / "base.safetensors", files / "out"
    return ["adapters", "--model", str(base), "--out", str(out), "--device", "cpu", *more]


def test_the_command_trains_couplings_of_one_budget(files: Path, capsys) -> None:
    worlds = ["--worlds", str(files / "worlds"), "--held-out", str(files / "worlds")]
    small = ["--rank", "4", "--links", "1", "--steps", "1", "--batch", "2", "--size", "48x32"]
    sizes = []
    for coupling in Coupling:
        assert main(command(files, *worlds, *small, "--coupling", coupling.value)) == 0
        told = capsys.readouterr().out
        sizes.append(int(told.split(" trained numbers")[0].split()[-1]))
        assert "held out: rgb" in told
        base = read_model(files / "base.safetensors").transformer
        network = network_of(read_adapters(files / "out" / "adapters.safetensors"), base)
        assert network.control.coupling is coupling
    assert max(sizes) < 1.1 * min(sizes)
    logged = [json.loads(x) for x in (files / "out" / "log.jsonl").read_text().splitlines()]
    assert [entry["step"] for entry in logged] == [1, 1, 1]
    assert {"rgb", "xyz"} == set(logged[0]["held_out"])


def test_the_command_refuses_what_it_cannot_use(files: Path, capsys) -> None:
    assert main(command(files)) == 2
    assert "needs scenes" in capsys.readouterr().err
    assert main(command(files, "--worlds", str(files / "worlds"), "--links", "5")) == 2
    assert "5 links do not fit 2 layers" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main(command(files, "--coupling", "glue"))
    assert "invalid choice: 'glue'" in capsys.readouterr().err
