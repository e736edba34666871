"""Two processes train one sharded model and save it whole."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from engine.model.codec import Codec, CodecConfig
from engine.model.control.adapters_file import read_adapters, weights_hash
from engine.model.model import new_model
from engine.model.storage import read_model
from engine.model.text import Tokenizer
from engine.model.transformer import Transformer, TransformerConfig
from engine.training.codec_training import save_codec
from engine.training.distributed import Place, join

ROOT = Path(__file__).resolve().parents[3]

SCRIPT = """
import sys
from dataclasses import replace
from pathlib import Path
import torch
import torch.distributed as dist
torch.set_num_threads(1)
sys.path.insert(0, sys.argv[2])
from test_lessons import OneScene, SIZE, small_model
from engine.model.codec import Codec, CodecConfig
from engine.training.buffer import SourceShares
from engine.training.distributed import join, leave, whole_momenta, whole_state
from engine.training.trainer import Trainer, TrainerConfig
codec = Codec(CodecConfig(latent_channels=8, widths=(4, 4, 4), blocks=(0, 0, 0)))
codec.start_from_components(torch.randn(300, 3, 8, 8, generator=torch.Generator().manual_seed(0)))
config = TrainerConfig(minutes=60, steps=4, photo_batch=2, walk_batch=2, buffer=2, save_every=2,
                       context_shares=(1.0,), entries=SIZE)
place = join("cpu")
trainer = Trainer(small_model(codec), SourceShares((OneScene(),), (1.0,)), config, place)
for report in trainer.run(Path(sys.argv[1])):
    if place.writes:
        print("step", report.step, flush=True)
kept = whole_momenta(trainer.network, trainer.optimisers)
trainer = Trainer(small_model(codec), SourceShares((OneScene(),), (1.0,)), config, place)
assert trainer.resume(Path(sys.argv[1]))
found = whole_momenta(trainer.network, trainer.optimisers)
assert kept.keys() == found.keys()
for name, value in kept.items():
    torch.testing.assert_close(found[name], value)
if place.writes:
    print("momenta alike", len(kept) > 10, flush=True)


def after_a_step(**more):
    short = replace(config, **{"steps": 1, **more})
    learner = Trainer(small_model(codec), SourceShares((OneScene(),), (1.0,)), short, place)
    for _ in learner.run(Path(sys.argv[1] + "-more")):
        pass
    return learner, whole_state(learner.network)


(_, plain), (_, again) = after_a_step(), after_a_step(checkpointing=True)
if place.writes:
    for name in plain:
        torch.testing.assert_close(again[name], plain[name], rtol=1e-4, atol=1e-6)
    print("checkpointed alike", len(plain), flush=True)
# Outputs start at zero: what lies before them learns from the second step on.
learner, _ = after_a_step(lora=4, checkpointing=True, steps=3)
dist.barrier()  # until the writer has written
before = {name: value.full_tensor() for name, value in learner.average.values.items()}
learner.resume(Path(sys.argv[1] + "-more"))
for name, value in learner.average.values.items():
    torch.testing.assert_close(value.full_tensor(), before[name])
leave(place)
"""


def test_alone_nothing_is_sharded() -> None:
    assert join("cpu") == Place(0, 1, torch.device("cpu"))


def test_two_processes_train_and_save_one_model(tmp_path: Path) -> None:
    script = tmp_path / "train.py"
    script.write_text(SCRIPT)
    out = tmp_path / "run"
    command = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node=2"]
    command += ["--master-addr=127.0.0.1", "--master-port=29613", str(script), str(out)]
    done = subprocess.run(
        [*command, str(Path(__file__).parent)],
        cwd=ROOT,
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert "step 4" in done.stdout
    assert "momenta alike True" in done.stdout
    assert "checkpointed alike" in done.stdout
    model = read_model(out / "model.safetensors")
    assert all(bool(p.isfinite().all()) for p in model.transformer.parameters())
    assert len((out / "log.jsonl").read_text().splitlines()) == 2
    adapters = read_adapters(tmp_path / "run-more" / "adapters.safetensors")
    base = small_weights()
    assert adapters.base == weights_hash(base)
    merged = read_model(tmp_path / "run-more" / "model.safetensors").transformer.state_dict()
    frozen = base.state_dict()["words.weight"]
    torch.testing.assert_close(merged["words.weight"], frozen)
    ups = [value for name, value in adapters.tensors.items() if name.endswith(".up")]
    assert ups
    assert sum(float(up.abs().max()) > 0 for up in ups) > len(ups) / 2  # they start at zero


def small_weights() -> Transformer:
    """Those that the processes start from."""
    shape = TransformerConfig(width=32, layers=2, heads=2, latent_channels=8, words=32)
    codec = Codec(CodecConfig(latent_channels=8, widths=(4, 4, 4), blocks=(0, 0, 0)))
    return new_model(codec, Tokenizer(["a", "wall"]), shape).transformer


def test_accelerate_starts_the_command(tmp_path: Path) -> None:
    """It sets the variables that `join` reads; its own trainer is not used."""
    accelerate = pytest.importorskip("accelerate.commands.launch", reason="pip install accelerate")
    codec = Codec(CodecConfig(latent_channels=8, widths=(4, 4, 4), blocks=(0, 0, 0)))
    patches = torch.randn(300, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    codec.start_from_components(patches * 0.3)
    save_codec(codec, tmp_path / "codec.safetensors", eight_bit=False)
    (tmp_path / "photos").mkdir()
    picture = np.random.default_rng(0).integers(0, 255, (64, 96, 3), np.uint8)
    cv2.imwrite(str(tmp_path / "photos" / "a.png"), picture)
    command = [sys.executable, "-m", accelerate.__name__, "--multi_gpu", "--num_processes", "2"]
    command += ["--num_machines", "1", "--mixed_precision", "no", "--dynamo_backend", "no"]
    command += ["--main_process_port", "29617", "-m", "engine.training.cli", "model"]
    command += ["--codec", str(tmp_path / "codec.safetensors"), "--out", str(tmp_path / "run")]
    command += ["--photos", str(tmp_path / "photos"), "--size", "32x32", "--width", "32"]
    command += ["--layers", "1", "--photo-batch", "1", "--bare-share", "1", "--steps", "1"]
    done = subprocess.run(
        [*command, "--device", "cpu", "--checkpointing", "--buffer", "1", "--threads", "1"],
        cwd=ROOT,
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stdout.count("lessons: bare photo 1.00") == 1  # one of the two reports
    assert read_model(tmp_path / "run" / "model.safetensors").transformer.config.width == 32
