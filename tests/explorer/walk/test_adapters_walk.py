"""A walk through what `train adapters` wrote, as the command line leaves it."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from engine.geometry.cameras import Camera, Intrinsics
from engine.model.control.joint_network import ControlConfig, Coupling, JointNetwork
from engine.model.control.lora import LoraConfig
from engine.model.control.networks import build_network
from engine.model.errors import CheckpointError
from engine.model.model import Model
from engine.model.storage import read_model, save_model
from engine.training.cli import main as train
from engine.training.worlds.prerender import save_sequence
from engine.training.worlds.world import Sequence
from explorer.walk.journal import read_journal
from explorer.walk.run import JOURNAL_FOLDER
from main import main
from tests.tiny_model import tiny_model


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """A folder with `run/base.safetensors`, rendered worlds in `worlds`, and a photo."""
    (tmp_path / "run").mkdir()
    (tmp_path / "worlds").mkdir()
    save_model(tiny_model(), tmp_path / "run" / "base.safetensors", eight_bit=False)
    rng = np.random.default_rng(0)
    rgb, depth = rng.integers(0, 255, (4, 32, 48, 3), np.uint8), np.full((4, 32, 48), 2.0)
    lens = Intrinsics.from_fov(60, 1.5)
    cameras = []
    for index in range(4):
        T = np.eye(4)
        T[0, 3] = 0.2 * index
        cameras.append(Camera(T, lens))
    world = Sequence(rgb, depth.astype(np.float32), tuple(cameras), "a", "room", 0)
    save_sequence(tmp_path / "worlds" / "0.npz", world)
    Image.fromarray(rng.integers(0, 255, (32, 48, 3), np.uint8)).save(tmp_path / "photo.png")
    return tmp_path


def trained(files: Path, *more: str) -> Path:
    given = ["adapters", "--model", str(files / "run" / "base.safetensors"), "--device", "cpu"]
    given += ["--worlds", str(files / "worlds"), "--out", str(files / "out"), "--rank", "4"]
    given += ["--links", "1", "--steps", "2", "--batch", "2", "--size", "48x32"]
    assert train([*given, "--learning-rate", "0.1", *more]) == 0
    return files / "out" / "adapters.safetensors"


def walk(files: Path, weights: Path, out: str) -> int:
    given = ["walk", str(files / "photo.png"), "--weights", str(weights), "--out", str(files / out)]
    given += ["--views", "2", "--model-size", "48x32", "--path", "strafe", "--fov", "60"]
    with pytest.raises(SystemExit) as ended:
        main([*given, "--device", "cpu"])
    return int(ended.value.code or 0)


def drawn(files: Path, out: str) -> np.ndarray:
    views = read_journal(files / out / JOURNAL_FOLDER).views
    assert len(views) == 3
    assert all(np.isfinite(view.view.depth).any() for view in views)
    return np.stack([view.raw_rgb for view in views])


@pytest.mark.parametrize("coupling", list(Coupling))
def test_every_coupling_draws_a_walk(files: Path, coupling: Coupling) -> None:
    weights = trained(files, "--coupling", coupling.value)
    network = read_model(weights).transformer
    assert isinstance(network, JointNetwork)
    assert network.control.coupling is coupling
    assert not any(p.requires_grad for p in network.parameters())
    assert walk(files, weights, "walk") == 0
    assert walk(files, files / "run" / "base.safetensors", "plain") == 0
    assert not np.array_equal(drawn(files, "walk"), drawn(files, "plain"))
    hashes = {
        read_journal(files / out / JOURNAL_FOLDER).header["weights"] for out in ("walk", "plain")
    }
    assert len(hashes) == 2


def test_adapters_that_say_nothing_draw_what_their_base_draws(files: Path) -> None:
    base = read_model(files / "run" / "base.safetensors")
    control = ControlConfig(Coupling.SPATIAL, LoraConfig(rank=2, alpha=2.0))
    silent = replace(base, transformer=build_network(base.transformer, control))
    save_model(silent, files / "silent.safetensors", eight_bit=False)
    assert walk(files, files / "silent.safetensors", "silent") == 0
    assert walk(files, files / "run" / "base.safetensors", "plain") == 0
    plain = drawn(files, "plain").astype(int)
    # Layers are called in another order of groups: the same up to rounding.
    assert np.abs(drawn(files, "silent").astype(int) - plain).max() <= 1


def test_the_base_is_found_beside_them(
    files: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    weights = trained(files)
    moved = Path(shutil.move(files / "run", files / "elsewhere"))
    assert walk(files, weights, "walk") == 2
    told = capsys.readouterr().err
    assert "belongs to weights" in told
    assert "put the model that it was trained on beside it" in told
    shutil.copy(moved / "base.safetensors", weights.parent)
    assert walk(files, weights, "walk") == 0
    # Another model under that name is not taken for it.
    other = tiny_model()
    with torch.no_grad():
        next(other.transformer.parameters()).add_(1.0)
    save_model(other, weights.parent / "base.safetensors", eight_bit=False)
    with pytest.raises(CheckpointError, match="belongs to weights"):
        read_model(weights)


def test_adapters_beside_the_embedded_weights_need_no_base(
    files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    base = files / "run" / "base.safetensors"
    weights = trained(files)
    shipped = Path(shutil.move(base, files / "shipped.safetensors"))
    monkeypatch.setattr("engine.model.control.family.embedded_weights", lambda: shipped)
    assert read_model(weights).source == shipped


def test_they_are_saved_again_as_they_were(files: Path) -> None:
    weights = trained(files)
    model: Model = read_model(weights)
    save_model(model, files / "again.safetensors", eight_bit=False)
    again = read_model(files / "again.safetensors")
    first, second = model.transformer.state_dict(), again.transformer.state_dict()
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert again.source == model.source == files / "run" / "base.safetensors"


def test_adapters_of_a_whole_run_are_opened_too(files: Path) -> None:
    """`train model --lora` writes such a file beside the merged model."""
    given = ["model", "--init", str(files / "run" / "base.safetensors"), "--lora", "2"]
    given += ["--worlds", str(files / "worlds"), "--out", str(files / "lora"), "--steps", "2"]
    given += ["--size", "48x32", "--photo-batch", "1", "--walk-batch", "1", "--buffer", "2"]
    assert train([*given, "--device", "cpu", "--joint-share", "0"]) == 0
    assert isinstance(read_model(files / "lora" / "adapters.safetensors").transformer, JointNetwork)
    assert walk(files, files / "lora" / "adapters.safetensors", "walk") == 0
