"""`train lens` from the command line."""

from __future__ import annotations

import argparse
import zlib
from dataclasses import asdict, replace
from pathlib import Path

import torch

from engine.model.sight import read_sight, save_sight
from engine.training.buffer import SequenceSource, SourceShares
from engine.training.depth.trainer import SIGHT
from engine.training.lens.samples import LensPool
from engine.training.lens.trainer import LensTrainer, LensTrainingConfig, new_head
from engine.training.own_run import run_in
from engine.training.sequences import RgbdFolder, SequenceFolder
from engine.training.telling import log_entry

#: One of so many worlds is held out, to tell how far off the lens of unseen ones is.
HELD_OUT = 10
#: Share of the draws that recordings get beside rendered worlds.
RECORDINGS = 0.1


def add_lens_options(command: argparse.ArgumentParser) -> None:
    """Beside those that all training commands have."""
    command.add_argument(
        "--worlds", type=Path, action="append", required=True, help="rendered worlds"
    )
    command.add_argument(
        "--sight", type=Path, required=True, help="sight of `train depth`; it stays as it is"
    )
    command.add_argument("--batch", type=int, default=LensTrainingConfig.batch)


def train_lens(options: argparse.Namespace) -> None:
    """
    Raises:
        ValueError: no scenes, no encoder, or a folder that is not ours.
    """
    sight = read_sight(options.sight)
    (encoder,) = sight.encoders.values()
    config = LensTrainingConfig(
        minutes=options.minutes,
        batch=options.batch,
        learning_rate=options.learning_rate,
        seed=options.seed,
    )
    seen, unseen = _worlds(options)
    generator = torch.Generator().manual_seed(options.seed)
    with run_in(options.out):
        trainer = LensTrainer(
            encoder,
            new_head(encoder, config),
            LensPool(seen, generator),
            LensPool(unseen, generator),
            config,
            torch.device(options.device),
        )
        for report in trainer.run(lambda sentence: print(sentence, flush=True)):
            log_entry(options.out / "log.jsonl", asdict(report))
            save_sight(replace(sight, lens=trainer.best), options.out / SIGHT, eight_bit=False)
            print(
                f"step {report.step}  {report.minutes:.1f} min  loss {report.loss:.3f}  "
                f"unseen {report.unseen_loss:.3f}, off by {report.error:.3f} "
                f"(a constant {report.constant:.3f}), "
                f"{report.within:.0%} within what is likely",
                flush=True,
            )
        if report.error >= report.constant:
            print("no better than the best constant answer: give it more --minutes", flush=True)


def _worlds(options: argparse.Namespace) -> tuple[SourceShares, SourceShares]:
    """What is learnt from and what is held out."""
    seen = SequenceFolder(options.worlds, lambda file: not held_out(file))
    unseen = SequenceFolder(options.worlds, held_out)
    recorded: list[SequenceSource] = [RgbdFolder(folder, views=2) for folder in options.rgbd]
    share = RECORDINGS / max(1, len(recorded))
    shares = (1.0 - share * len(recorded), *(share for _ in recorded))
    return SourceShares((seen, *recorded), shares), SourceShares((unseen,), (1.0,))


def held_out(file: Path) -> bool:
    """Whether a world is one of those; by its name, so that more may be rendered meanwhile."""
    return zlib.crc32(file.stem.encode()) % HELD_OUT == 0
