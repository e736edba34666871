"""The trainer from the command line, on files that a user would have: a tiny run of each."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from engine.geometry.cameras import Camera, Intrinsics
from engine.model.codec import Codec
from engine.model.control.adapters_file import read_adapters
from engine.model.control.networks import network_of
from engine.model.kinds import Kind
from engine.model.storage import read_model
from engine.model.tokens import Group, Picture
from engine.training.cli import main
from engine.training.codec_training import load_codec, save_codec
from engine.training.plots import plot_losses
from engine.training.sequences import RgbdFolder, SequenceFolder, read_sequence
from engine.training.worlds.prerender import save_sequence, sequence_path
from engine.training.worlds.world import Sequence


@pytest.fixture
def worlds(tmp_path: Path) -> Path:
    """Two sequences of a textured wall, as files."""
    folder = tmp_path / "worlds"
    folder.mkdir()
    rng = np.random.default_rng(0)
    lens = Intrinsics.from_fov(60, 64 / 48)
    for seed in range(2):
        cameras = []
        for index in range(6):
            T = np.eye(4)
            T[0, 3] = 0.1 * index
            cameras.append(Camera(T, lens))
        texture = cv2.resize(rng.integers(0, 255, (12, 16, 3), np.uint8), (64, 48))
        depth = np.full((6, 48, 64), 2.0 + seed, np.float32)
        depth[:, :8] = np.inf
        rgb = np.stack([texture] * 6)
        save_sequence(
            sequence_path(folder, seed),
            Sequence(rgb, depth, tuple(cameras), "a plain wall", "rooms", seed),
        )
    return folder


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    """A folder with cameras.json and millimetre depth."""
    folder = tmp_path / "recording"
    (folder / "rgb").mkdir(parents=True)
    (folder / "depth").mkdir()
    rng = np.random.default_rng(1)
    entries = []
    for index in range(6):
        picture = cv2.resize(rng.integers(0, 255, (12, 16, 3), np.uint8), (64, 48))
        cv2.imwrite(str(folder / f"rgb/{index}.png"), picture)
        depth = np.full((48, 64), 1500, np.uint16)
        depth[0] = 0
        cv2.imwrite(str(folder / f"depth/{index}.png"), depth)
        c2w = np.eye(4)
        c2w[0, 3] = index * 0.1
        entries.append(
            {
                "file": f"rgb/{index}.png",
                "depth": f"depth/{index}.png",
                "width": 64,
                "height": 48,
                "fx": 50.0,
                "fy": 50.0,
                "cx": 31.5,
                "cy": 23.5,
                "c2w": c2w.tolist(),
            }
        )
    (folder / "cameras.json").write_text(json.dumps(entries))
    return folder


@pytest.fixture
def codec(tmp_path: Path) -> Path:
    generator = torch.Generator().manual_seed(0)
    codec = Codec()
    codec.start_from_components(torch.randn(300, 3, 8, 8, generator=generator) * 0.3)
    save_codec(codec, tmp_path / "codec.safetensors", eight_bit=False)
    return tmp_path / "codec.safetensors"


def test_sequences_keep_units_and_cameras(worlds: Path) -> None:
    sequence = read_sequence(sequence_path(worlds, 1))
    assert sequence.rgb.shape == (6, 3, 48, 64)
    assert sequence.depth[0, 0, -1, 0] == 3.0
    assert bool(sequence.depth[:, :, :8].isinf().all())
    np.testing.assert_allclose(sequence.cameras[2].position, [0.2, 0, 0])
    assert sequence.caption == "a plain wall"


def test_files_that_appear_later_are_found(worlds: Path) -> None:
    folder = SequenceFolder([worlds])
    extra = sequence_path(worlds, 7)
    extra.write_bytes(sequence_path(worlds, 0).read_bytes())
    folder.refresh()
    assert extra in folder.files


def test_recordings_read_metres_sky_and_half_pixels(recording: Path) -> None:
    sequence = RgbdFolder(recording, views=3, stride=1).draw(torch.Generator().manual_seed(0))
    assert sequence.depth[0, 0, 5, 5] == 1.5
    assert bool(sequence.depth[0, 0, 0].isinf().all())
    assert sequence.cameras[0].intrinsics.cx == 0.5


def test_the_codec_trains_and_beats_its_start(recording: Path, tmp_path: Path) -> None:
    out = tmp_path / "trained.safetensors"
    arguments = ["codec", "--rgbd", str(recording), "--out", str(out), "--minutes", "0.05"]
    assert main([*arguments, "--device", "cpu", "--threads", "1"]) == 0
    assert load_codec(out).config.latent_channels == 32


def train(worlds: Path, out: Path, *start: str) -> int:
    arguments = ["model", *start, "--worlds", str(worlds), "--out", str(out), "--device", "cpu"]
    arguments += ["--size", "48x32", "--width", "64", "--layers", "1", "--photo-batch", "2"]
    arguments += ["--walk-batch", "1", "--buffer", "2", "--save-every", "2", "--threads", "1"]
    return main([*arguments, "--held-out", str(worlds), "--minutes", "0.03"])


def test_a_model_trains_resumes_and_is_exported(
    worlds: Path, codec: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "run"
    assert train(worlds, out, "--codec", str(codec)) == 0
    printed = capsys.readouterr().out
    assert "samples/s" in printed
    assert "held out" in printed
    first = [json.loads(line)["step"] for line in (out / "log.jsonl").read_text().splitlines()]
    assert train(worlds, out, "--resume") == 0
    later = [json.loads(line)["step"] for line in (out / "log.jsonl").read_text().splitlines()]
    assert later[: len(first)] == first
    assert later[-1] > first[-1]

    shipped = tmp_path / "shipped.safetensors"
    assert main(["export", "--model", str(out / "model.safetensors"), "--out", str(shipped)]) == 0
    assert shipped.stat().st_size < 0.5 * (out / "model.safetensors").stat().st_size
    assert "wall" in read_model(shipped).tokenizer.vocabulary
    weights, mean = str(out / "model.safetensors"), str(tmp_path / "mean.safetensors")
    assert main(["export", "--model", weights, "--mean-with", weights, "--out", mean]) == 0
    stored, averaged = load_file(shipped), load_file(mean)
    assert stored.keys() == averaged.keys()
    assert all(torch.equal(stored[name], averaged[name]) for name in stored)
    second = tmp_path / "second"
    assert train(worlds, second, "--init", str(shipped), "--photo-size", "32x16") == 0
    assert train(worlds, second, "--init", str(shipped), "--photo-size", "32x15") == 2
    assert "--photo-size must be" in capsys.readouterr().err


def test_adapters_train_beside_frozen_weights_and_resume(
    worlds: Path, codec: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def run(out: Path, *start: str) -> int:
        arguments = ["model", *start, "--worlds", str(worlds), "--out", str(out)]
        arguments += ["--size", "48x32", "--width", "64", "--layers", "1", "--buffer", "2"]
        arguments += ["--photo-batch", "2", "--walk-batch", "1", "--photo-share", "0.3"]
        return main([*arguments, "--steps", "4", "--device", "cpu", "--threads", "1"])

    base, out = tmp_path / "base", tmp_path / "adapted"
    assert run(base, "--codec", str(codec)) == 0
    start = base / "model.safetensors"
    assert run(out, "--init", str(start), "--lora", "4", "--checkpointing") == 0
    assert "walk" in capsys.readouterr().out
    frozen = read_model(start).transformer
    network = network_of(read_adapters(out / "adapters.safetensors"), frozen)
    merged = read_model(out / "model.safetensors").transformer
    assert not torch.equal(merged.modulation.weight, frozen.modulation.weight)
    assert torch.equal(merged.words.weight, frozen.words.weight)
    group = _asked_depth(merged.config.latent_channels)
    with torch.no_grad():
        torch.testing.assert_close(network(group)[0], merged(group)[0], rtol=1e-4, atol=1e-5)

    assert run(out, "--resume") == 0
    steps = [json.loads(line)["step"] for line in (out / "log.jsonl").read_text().splitlines()]
    assert steps == [4, 8]
    assert main(["model", "--lora", "4", "--codec", str(codec), "--out", "x"]) == 2
    assert run(out, "--resume", "--lora", "8") == 2
    assert run(base, "--resume", "--lora", "8") == 2
    told = capsys.readouterr().err
    assert "adapters of rank 4, not 8" in told
    assert "a run of all weights" in told


def _asked_depth(channels: int) -> list[Group]:
    content = torch.randn(1, channels, 4, 6, generator=torch.Generator().manual_seed(0))
    return [Group((Picture(Kind.DEPTH, 0, content, torch.tensor([0.5])),), asked=True)]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--size", "50x32"], "multiples of 16"),
        (["--worlds", "nowhere"], "no rendered sequence"),
        (["--codec", "missing.safetensors"], "no weights file"),
        (["--pure-noise", "1.5"], "--pure-noise is a share, from 0 to 1, not 1.5"),
        (["--views-only", "-1"], "--views-only is a share, from 0 to 1, not -1"),
        (["--adversary", "-1"], "an adversary's strength is 0 or more, not -1"),
    ],
)
def test_bad_input_gets_one_sentence(
    worlds: Path,
    codec: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    sentence: str,
) -> None:
    usual = {"--size": "48x32", "--worlds": str(worlds), "--codec": str(codec)}
    usual |= dict(zip(arguments[::2], arguments[1::2], strict=True))
    flat = [part for pair in usual.items() for part in pair]
    assert main(["model", *flat, "--out", str(tmp_path / "x"), "--device", "cpu"]) == 2
    assert sentence in capsys.readouterr().err


def test_damaged_sequences_are_named(worlds: Path) -> None:
    for path in worlds.glob("*.npz"):
        path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(ValueError, match="npz"):
        SequenceFolder([worlds]).draw(torch.Generator().manual_seed(0))


def test_losses_are_drawn(tmp_path: Path) -> None:
    log = tmp_path / "log.jsonl"
    rows = [{"step": s, "losses": {"photo/depth": 1.0 / (s + 1)}} for s in range(5)]
    log.write_text("\n".join(json.dumps(row) for row in rows))
    plot_losses(log, tmp_path / "losses.png")
    picture = cv2.imread(str(tmp_path / "losses.png"))
    assert picture is not None
    assert (picture != 255).any(-1).sum() > 500
