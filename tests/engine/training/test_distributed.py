"""Two processes train one sharded model and save it whole."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import torch

from engine.model.model import read_model
from engine.training.distributed import Place, join

ROOT = Path(__file__).resolve().parents[3]

SCRIPT = """
import sys
from pathlib import Path
import torch
torch.set_num_threads(1)
sys.path.insert(0, sys.argv[2])
from test_lessons import OneScene, SIZE, small_model
from engine.model.codec import Codec, CodecConfig
from engine.training.buffer import SourceShares
from engine.training.distributed import join, leave
from engine.training.trainer import Trainer, TrainerConfig
codec = Codec(CodecConfig(latent_channels=8, widths=(4, 4, 4), blocks=(0, 0, 0)))
codec.start_from_components(torch.randn(300, 3, 8, 8, generator=torch.Generator().manual_seed(0)))
config = TrainerConfig(minutes=60, steps=6, photo_batch=2, walk_batch=2, buffer=2, save_every=3,
                       context_shares=(1.0,), entries=SIZE)
place = join("cpu")
trainer = Trainer(small_model(codec), SourceShares((OneScene(),), (1.0,)), config, place)
for report in trainer.run(Path(sys.argv[1])):
    if place.writes:
        print("step", report.step, flush=True)
trainer.resume(Path(sys.argv[1]))
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
    assert "step 6" in done.stdout
    model = read_model(out / "model.safetensors")
    assert all(bool(p.isfinite().all()) for p in model.transformer.parameters())
    assert len((out / "log.jsonl").read_text().splitlines()) == 2
