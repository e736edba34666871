"""`train codec` and `train model`: the trainer from the command line."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path

import torch

from engine.model.checkpoints import require_own
from engine.model.control.joint_network import ControlConfig, Coupling
from engine.model.control.lora import LoraConfig
from engine.model.control.networks import at_equal_budget, trained_size
from engine.model.devices import AUTO, CPU, require_device
from engine.model.errors import CheckpointError
from engine.model.model import Model
from engine.model.sight import Sight, read_sight
from engine.model.storage import read_model, save_model
from engine.training.ablations.command import add_options, run_ablations
from engine.training.adapters import AdapterTrainer, AdapterTrainingConfig
from engine.training.average import mean_model
from engine.training.buffer import SourceShares
from engine.training.codec_training import CodecTrainingConfig, train_codec
from engine.training.depth.command import add_depth_options, train_depth
from engine.training.depth.trainer import DepthTrainingConfig
from engine.training.entries import EntryConfig
from engine.training.lens.command import add_lens_options, train_lens
from engine.training.lens.trainer import LensTrainingConfig
from engine.training.model_command import train_model
from engine.training.model_options import add_model_options
from engine.training.own_run import run_in
from engine.training.pictures_source import (
    Mixture,
    PhotoFolder,
    PictureSource,
    Renderings,
    read_rgbd_depths,
)
from engine.training.scenes import scene_sources
from engine.training.sequences import SequenceFolder
from engine.training.telling import listed, log_entry, picture_size


def main(arguments: Sequence[str]) -> int:
    """Runs one training command; 2 and one sentence where the input is bad."""
    options = training_parser().parse_args(list(arguments))
    torch.set_num_threads(options.threads or torch.get_num_threads())
    try:
        _settle_device(options)
        options.run(options)
    except (ValueError, CheckpointError) as error:
        print(f"photowalk train: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("stopped; the last saved weights are whole, --resume goes on", file=sys.stderr)
        return 130
    return 0


def _settle_device(options: argparse.Namespace) -> None:
    """The device by its full name; one of several processes takes its own card later (`join`)."""
    if getattr(options, "device", None) is None:
        return
    if int(os.environ.get("WORLD_SIZE", "1")) == 1:
        options.device = require_device(options.device)
    elif options.device == AUTO:
        options.device = "cuda" if torch.cuda.device_count() else CPU


def training_parser() -> argparse.ArgumentParser:
    """Every training command with its options."""
    parser = argparse.ArgumentParser(prog="photowalk train", description=__doc__)
    commands = parser.add_subparsers(required=True)
    codec = commands.add_parser("codec", help="train the codec")
    codec.add_argument("--photos", type=Path, action="append", default=[], help="folder of photos")
    codec.add_argument("--worlds", type=Path, action="append", default=[], help="rendered worlds")
    codec.add_argument("--init", type=Path, help="start from this codec")
    codec.set_defaults(run=_train_codec)
    model = commands.add_parser("model", help="train the transformer on a frozen codec")
    add_model_options(model)
    model.set_defaults(run=train_model)
    adapters = commands.add_parser("adapters", help="adapters beside a frozen model (seed 001)")
    adapters.add_argument("--model", type=Path, required=True, help="the weights that stay frozen")
    adapters.add_argument("--codec", type=Path, help="where the codec of that model lies now")
    adapters.add_argument("--worlds", type=Path, action="append", default=[], help="worlds")
    adapters.add_argument("--held-out", type=Path, help="rendered worlds of the unseen split")
    adapters.add_argument("--coupling", choices=[c.value for c in Coupling], default="decoupled")
    adapters.add_argument(
        "--rank",
        type=int,
        default=LoraConfig.rank,
        help="of decoupled adapters; other couplings get the rank that trains as many numbers",
    )
    adapters.add_argument("--links", type=int, default=ControlConfig.links)
    adapters.add_argument("--batch", type=int, default=AdapterTrainingConfig.batch)
    adapters.add_argument("--steps", type=int, help="stop after so many, whatever the minutes")
    adapters.add_argument("--size", default="128x80", help="width x height of training pictures")
    adapters.set_defaults(run=_train_adapters)
    depth = commands.add_parser("depth", help="an image encoder and a dense decoder of depth")
    add_depth_options(depth)
    depth.set_defaults(run=train_depth)
    lens = commands.add_parser("lens", help="a head that tells the lens, on trained sight")
    add_lens_options(lens)
    lens.set_defaults(run=train_lens)
    ablations = commands.add_parser("ablations", help="what each part of the design is worth")
    add_options(ablations)
    ablations.set_defaults(run=lambda given: run_ablations(given, picture_size(given.size)[::-1]))
    for command in (codec, model, adapters, depth, lens, ablations):
        command.add_argument("--rgbd", type=Path, action="append", default=[], help="recordings")
        command.add_argument("--out", type=Path, required=command is not model)
        command.add_argument("--minutes", type=float, default=5.0)
        command.add_argument("--learning-rate", type=float, default=1.5e-3)
        command.add_argument("--seed", type=int, default=0)
        command.add_argument("--threads", type=int, default=0)
        command.add_argument("--device", default=AUTO)
    depth.set_defaults(learning_rate=DepthTrainingConfig.decoder_rate)
    lens.set_defaults(
        learning_rate=LensTrainingConfig.learning_rate, minutes=LensTrainingConfig.minutes
    )
    export = commands.add_parser("export", help="store a trained model 8-bit, as it ships")
    export.add_argument("--model", type=Path, required=True)
    export.add_argument(
        "--mean-with",
        type=Path,
        action="append",
        default=[],
        metavar="WEIGHTS",
        help="store the mean of these weights and --model's; of runs that went on from one another",
    )
    export.add_argument("--codec", type=Path, help="where the codec of that model lies now")
    export.add_argument("--depth", type=Path, help="sight of `train depth`, to go with the model")
    export.add_argument("--out", type=Path, required=True)
    export.set_defaults(run=_export, threads=0)
    return parser


def _train_codec(options: argparse.Namespace) -> None:
    require_own(options.out)
    sources: list[tuple[PictureSource, float]] = []
    sources += [(PhotoFolder(folder), 0.5 / len(options.photos)) for folder in options.photos]
    if options.worlds:
        generator = torch.Generator().manual_seed(options.seed)
        sources.append((Renderings(SequenceFolder(options.worlds), generator), 0.3))
    for folder in options.rgbd:
        sources.append((PhotoFolder(folder / "rgb"), 0.1 / len(options.rgbd)))
        sources.append((read_rgbd_depths(folder), 0.1 / len(options.rgbd)))
    if not sources:
        raise ValueError("the codec needs pictures: give --photos or --rgbd folders")
    config = CodecTrainingConfig(
        minutes=options.minutes, learning_rate=options.learning_rate, seed=options.seed
    )
    for report in train_codec(Mixture(sources), options.out, config, options.init):
        print(f"step {report.step}  {report.psnr:.2f} dB  {report.seconds:.0f} s", flush=True)


def _train_adapters(options: argparse.Namespace) -> None:
    with run_in(options.out):
        _run_adapters(options)


def _run_adapters(options: argparse.Namespace) -> None:
    model, sources = read_model(options.model, options.codec), scene_sources(options)
    control = ControlConfig(
        lora=LoraConfig(options.rank, float(options.rank)), links=options.links, seed=options.seed
    )
    coupling = Coupling(options.coupling)
    if coupling is not Coupling.DECOUPLED:
        control = at_equal_budget(model.transformer, control, coupling)
    config = AdapterTrainingConfig(
        minutes=options.minutes,
        steps=options.steps,
        learning_rate=options.learning_rate,
        batch=options.batch,
        seed=options.seed,
        control=control,
        entries=EntryConfig(size=picture_size(options.size)[::-1]),
    )
    unseen = (
        SourceShares((SequenceFolder([options.held_out]),), (1.0,)) if options.held_out else None
    )
    trainer = AdapterTrainer(model, sources, config, torch.device(options.device), unseen)
    size = trained_size(trainer.network)
    print(f"{coupling.value}: rank {control.lora.rank}, {size} trained numbers", flush=True)
    for report in trainer.run(options.out):
        log_entry(options.out / "log.jsonl", asdict(report))
        seen, unseen_too = (listed(part) for part in (report.losses, report.held_out))
        held_out = f"  held out: {unseen_too}" if unseen_too else ""
        print(f"step {report.step}  {report.minutes:.1f} min  {seen}{held_out}", flush=True)


def _export(options: argparse.Namespace) -> None:
    require_own(options.out)
    model = read_model(options.model, options.codec)
    if options.mean_with:
        others = [read_model(path, options.codec) for path in options.mean_with]
        model = mean_model(model, others)
    if options.depth:
        model = _joined(model, read_sight(options.depth))
    save_model(model, options.out, eight_bit=True)


def _joined(model: Model, sight: Sight) -> Model:
    """A model with all parts of a sight, where its network reads no others.

    Raises:
        ValueError: its network learnt to read encoders that would be replaced.
    """
    for name in model.maker.read:
        own, other = (found.get(name) for found in (model.encoders, sight.encoders))
        if own is None or other is None or not _same(own, other):
            raise ValueError(
                f"the network learnt to read {name} as it is in --model, and --depth has another; "
                "leave --depth out, or name the sight that it was trained with"
            )
    return replace(model, encoders=sight.encoders, decoders=sight.decoders, lens=sight.lens)


def _same(one: torch.nn.Module, other: torch.nn.Module) -> bool:
    theirs = other.state_dict()
    return all(torch.equal(value, theirs[name]) for name, value in one.state_dict().items())


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
