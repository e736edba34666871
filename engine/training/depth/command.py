"""`train depth` from the command line."""

from __future__ import annotations

import argparse
from dataclasses import asdict, replace
from pathlib import Path

import torch

from engine.model.decoders.dense_depth import DenseDepth
from engine.model.encoders.image_encoder import ImageEncoder
from engine.model.kinds import Kind
from engine.model.sight import read_sight
from engine.training.depth.trainer import DepthTrainer, DepthTrainingConfig, new_decoder
from engine.training.own_run import run_in
from engine.training.scenes import add_real_pictures, scene_sources
from engine.training.telling import log_entry, picture_size


def add_depth_options(command: argparse.ArgumentParser) -> None:
    """Beside those that all training commands have."""
    command.add_argument("--worlds", type=Path, action="append", default=[], help="worlds")
    add_real_pictures(command)
    command.add_argument(
        "--sight",
        type=Path,
        required=True,
        help="what to begin from: an encoder from engine.model.encoders.convert, or an earlier run",
    )
    command.add_argument("--batch", type=int, default=DepthTrainingConfig.batch)
    command.add_argument(
        "--size", action="append", metavar="WxH", help="of pictures; given again, sizes take turns"
    )


def train_depth(options: argparse.Namespace) -> None:
    """
    Raises:
        ValueError: no scenes, no encoder, or a folder that is not ours.
    """
    sight = read_sight(options.sight)
    (encoder,) = sight.encoders.values()
    found = sight.decoders.get(Kind.DEPTH.name)
    decoder = found if isinstance(found, DenseDepth) else _new(encoder, options.seed)
    config = DepthTrainingConfig(
        minutes=options.minutes,
        batch=options.batch,
        decoder_rate=options.learning_rate,
        encoder_rate=0.15 * options.learning_rate,
        seed=options.seed,
    )
    if options.size:
        config = replace(config, sizes=tuple(picture_size(s)[::-1] for s in options.size))
    with run_in(options.out):
        trainer = DepthTrainer(
            encoder, decoder, scene_sources(options), config, torch.device(options.device)
        )
        for report in trainer.run(options.out):
            log_entry(options.out / "log.jsonl", asdict(report))
            told = f"step {report.step}  {report.minutes:.1f} min  shape {report.shape:.4f}"
            print(told, flush=True)


def _new(encoder: ImageEncoder, seed: int) -> DenseDepth:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return new_decoder(encoder)
