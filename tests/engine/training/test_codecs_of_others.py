"""Training on latents of diffusers' autoencoders: by the trainer, its workers, the studies."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from engine.geometry.cameras import Camera, Intrinsics
from engine.model.codecs.folder import read_diffusers_codec
from engine.model.control.joint_network import ControlConfig
from engine.model.model import new_model
from engine.model.storage import read_model
from engine.model.text import Tokenizer
from engine.model.transformer import TransformerConfig
from engine.training.adapters import AdapterTrainer, AdapterTrainingConfig
from engine.training.buffer import SourceShares
from engine.training.cli import main
from engine.training.entries import EntryConfig
from engine.training.making import MakingConfig
from engine.training.mixture import MixtureConfig
from engine.training.sequences import SequenceFolder
from engine.training.trainer import Trainer, TrainerConfig
from engine.training.workers import EntryWorkers
from engine.training.worlds.prerender import save_sequence
from engine.training.worlds.world import Sequence

CPU = torch.device("cpu")
SIZE = EntryConfig(size=(32, 48), least_crop=1.0, targets=1)
CLASSES = ("AutoencoderKL", "AutoencoderTiny", "AutoencoderKLWan")


@pytest.fixture
def worlds(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    cameras = []
    for index in range(6):
        T = np.eye(4)
        T[0, 3] = 0.1 * index
        cameras.append(Camera(T, Intrinsics.from_fov(60, 48 / 32)))
    rgb = rng.integers(0, 255, (6, 32, 48, 3)).astype(np.uint8)
    depth = np.full((6, 32, 48), 2.0, np.float32)
    (tmp_path / "worlds").mkdir()
    scene = Sequence(rgb, depth, tuple(cameras), "a wall", "room", 0)
    save_sequence(tmp_path / "worlds/0.npz", scene)
    return tmp_path / "worlds"


@pytest.fixture
def sources(worlds: Path) -> SourceShares:
    return SourceShares((SequenceFolder([worlds]),), (1.0,))


def options(worlds: Path, out: Path, *more: str) -> list[str]:
    given = ["--worlds", str(worlds), "--out", str(out), "--device", "cpu", "--size", "48x32"]
    return [*given, "--width", "32", "--layers", "1", "--threads", "1", *more]


@pytest.mark.parametrize("name", CLASSES)
def test_every_kind_of_lesson_trains(
    tiny_codecs: dict[str, Path], sources: SourceShares, name: str, tmp_path: Path
) -> None:
    codec = read_diffusers_codec(tiny_codecs[name])
    before = {k: v.clone() for k, v in codec.state_dict().items()}
    shape = TransformerConfig(width=32, layers=1, heads=1, latent_channels=16, words=16)
    model = new_model(codec, Tokenizer([]), shape)
    start = {k: v.clone() for k, v in model.transformer.state_dict().items()}
    config = TrainerConfig(
        steps=6,
        photo_batch=1,
        walk_batch=1,
        joint_batch=1,
        buffer=1,
        save_every=6,
        entries=SIZE,
        joint=SIZE,
        mixture=MixtureConfig(photo=0.4, joint=0.3, warp=0.1),
    )
    trainer = Trainer(model, sources, config)
    (report,) = trainer.run(tmp_path)
    assert len(report.losses) >= 2
    assert all(np.isfinite(loss) for loss in report.losses.values())
    moved = trainer.network.state_dict()
    assert any(not torch.equal(moved[k], v) for k, v in start.items())
    torch.testing.assert_close(codec.state_dict(), before, atol=0, rtol=0)
    torch.testing.assert_close(trainer.channel_weights, torch.ones(16))


def test_processes_encode_with_it(tiny_codecs: dict[str, Path], sources: SourceShares) -> None:
    codec = read_diffusers_codec(tiny_codecs["AutoencoderTiny"])
    making = MakingConfig(entries=SIZE, joint=SIZE, most_contexts=1)
    workers = EntryWorkers(1, sources, codec, making, ("photo",), seed=0, device=CPU)
    try:
        entry = workers.make("photo")
    finally:
        workers.close()
    assert entry is not None
    assert entry.rgb.shape == (16, 4, 6)  # type: ignore[union-attr]


def test_a_folder_trains_resumes_exports_and_starts_others(
    copied_codec: Callable[[str], Path], worlds: Path, tmp_path: Path
) -> None:
    folder, out = copied_codec("AutoencoderTiny"), tmp_path / "run"
    few = ["--photo-batch", "1", "--walk-batch", "1", "--buffer", "1", "--save-every", "1"]
    few += ["--minutes", "0.01"]
    first = options(worlds, out, *few, "--held-out", str(worlds))
    assert main(["model", *first, "--codec", str(folder)]) == 0
    trained = read_model(out / "model.safetensors")
    assert trained.transformer.config.latent_channels == 16
    assert trained.codec.config.name == folder.name

    moved = str(shutil.move(folder, tmp_path / "elsewhere"))
    steps = len((out / "log.jsonl").read_text().splitlines())
    assert main(["model", *options(worlds, out, *few), "--resume"]) == 2
    assert main(["model", *options(worlds, out, *few), "--resume", "--codec", moved]) == 0
    assert len((out / "log.jsonl").read_text().splitlines()) > steps

    small = tmp_path / "small.safetensors"
    export = ["export", "--model", str(out / "model.safetensors"), "--out", str(small)]
    assert main([*export, "--codec", moved]) == 0
    assert read_model(small).codec.config.source == moved  # type: ignore[attr-defined]
    again = options(worlds, tmp_path / "second", *few)
    assert main(["model", *again, "--init", str(small)]) == 0
    assert main(["model", *again, "--init", str(small), "--codec", str(worlds)]) == 2


def test_adapters_train_on_it(
    tiny_codecs: dict[str, Path], sources: SourceShares, tmp_path: Path
) -> None:
    codec = read_diffusers_codec(tiny_codecs["AutoencoderKL"])
    shape = TransformerConfig(width=64, layers=2, heads=2, latent_channels=16, words=16)
    model = new_model(codec, Tokenizer([]), shape)
    config = AdapterTrainingConfig(
        steps=1, batch=1, buffer=1, control=ControlConfig(links=1), entries=SIZE
    )
    trainer = AdapterTrainer(model, sources, config, CPU)
    (report,) = trainer.run(tmp_path)
    assert report.losses
    assert all(np.isfinite(loss) for loss in report.losses.values())


def test_the_studies_run_on_it(tiny_codecs: dict[str, Path], worlds: Path, tmp_path: Path) -> None:
    out = tmp_path / "studies"
    few = ["--steps", "1", "--seeds", "1", "--batch", "1", "--entries", "1", "--tests", "1"]
    given = [*options(worlds, out, *few), "--held-out", str(worlds), "--study", "gate"]
    assert main(["ablations", *given, "--codec", str(tiny_codecs["AutoencoderKLWan"])]) == 0
    (study,) = json.loads((out / "ablations.json").read_text())["studies"]
    assert all(np.isfinite(row["psnr"]) for row in study["rows"])


def test_no_start_at_all_is_refused(
    worlds: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["model", *options(worlds, tmp_path / "x")]) == 2
    assert "give --codec, --init or --resume" in capsys.readouterr().err
