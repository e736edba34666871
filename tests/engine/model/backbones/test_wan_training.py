"""A folder of diffusers is trained from the command line, gone on with, and walked with."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from engine.geometry.cameras import Camera, Intrinsics
from engine.model.backbones.wan.network import WanBackbone
from engine.queries import Engine, KnownView, SamplerSettings, draw_view, finish, open_context
from engine.training.cli import main
from engine.training.worlds.prerender import save_sequence
from engine.training.worlds.world import Sequence

LENS = Intrinsics.from_fov(60, 48 / 32)


def at(x: float) -> Camera:
    T = np.eye(4)
    T[0, 3] = x
    return Camera(T, LENS)


@pytest.fixture
def worlds(tmp_path: Path) -> Path:
    """Six views of noise on a wall."""
    rgb = np.random.default_rng(0).integers(0, 255, (6, 64, 96, 3)).astype(np.uint8)
    depth = np.full((6, 64, 96), 2.0, np.float32)
    cameras = tuple(at(0.05 * i) for i in range(6))
    (tmp_path / "worlds").mkdir()
    save_sequence(tmp_path / "worlds" / "0.npz", Sequence(rgb, depth, cameras, "a", "room", 0))
    return tmp_path / "worlds"


def steps_logged(out: Path) -> list[int]:
    return [json.loads(line)["step"] for line in (out / "log.jsonl").read_text().splitlines()]


def test_adapters_of_a_folder_are_trained_gone_on_with_and_walked_with(
    pipeline: Path, worlds: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    shared = ["--worlds", str(worlds), "--size", "48x32", "--photo-batch", "1", "--walk-batch", "1"]
    shared += ["--buffer", "2", "--steps", "2", "--save-every", "1", "--device", "cpu"]
    shared += ["--out", str(out)]
    assert main(["model", "--init", str(pipeline), "--lora", "2", *shared]) == 0
    assert main(["model", "--resume", *shared]) == 0
    assert steps_logged(out)[-1] > 2

    engine = Engine.load(out / "model.safetensors")
    assert isinstance(engine.transformer, WanBackbone)
    untrained = Engine.load(pipeline)
    rgb = np.random.default_rng(1).random((32, 48, 3)).astype(np.float32)
    pictures = []
    for each in (engine, untrained):
        context = open_context(each, [KnownView(rgb, camera=at(0.0))])
        noise = torch.Generator().manual_seed(0)
        settings = SamplerSettings(rgb_steps=1)
        pictures.append(finish(draw_view(each, context, at(0.1), None, settings, noise)))
    assert pictures[0].shape == (32, 48, 3)
    assert pictures[0].isfinite().all()
    assert (pictures[0] - pictures[1]).abs().max() > 0  # something was learned
