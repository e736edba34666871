"""`train codec` and `train model`: the trainer from the command line."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path

import torch

from engine.model.checkpoints import CheckpointError
from engine.model.codecs.stored import read_codec
from engine.model.control.joint_network import ControlConfig, Coupling
from engine.model.control.lora import LoraConfig
from engine.model.control.networks import at_equal_budget, trained_size
from engine.model.model import Model, new_model, own_transformer, read_model, save_model
from engine.model.text import Tokenizer
from engine.model.transformer import TransformerConfig
from engine.training.ablations.command import add_options, run_ablations
from engine.training.adapters import AdapterTrainer, AdapterTrainingConfig
from engine.training.buffer import SequenceSource, SourceShares
from engine.training.codec_training import CodecTrainingConfig, train_codec
from engine.training.distributed import join, leave
from engine.training.entries import EntryConfig
from engine.training.held_out import held_out_score
from engine.training.mixture import MixtureConfig
from engine.training.pictures_source import (
    Mixture,
    PhotoFolder,
    PictureSource,
    Renderings,
    read_rgbd_depths,
)
from engine.training.plots import plot_losses
from engine.training.sequences import PosedSequence, RgbdFolder, SequenceFolder
from engine.training.trainer import Report, Trainer, TrainerConfig


def main(arguments: Sequence[str]) -> int:
    """Runs one training command; 2 and one sentence where the input is bad."""
    options = _parser().parse_args(list(arguments))
    torch.set_num_threads(options.threads or torch.get_num_threads())
    try:
        options.run(options)
    except (ValueError, CheckpointError) as error:
        print(f"photowalk train: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("stopped; the last saved weights are whole, --resume goes on", file=sys.stderr)
        return 130
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="photowalk train", description=__doc__)
    commands = parser.add_subparsers(required=True)
    codec = commands.add_parser("codec", help="train the codec")
    codec.add_argument("--photos", type=Path, action="append", default=[], help="folder of photos")
    codec.add_argument("--worlds", type=Path, action="append", default=[], help="rendered worlds")
    codec.add_argument("--init", type=Path, help="start from this codec")
    codec.set_defaults(run=_train_codec)
    model = commands.add_parser("model", help="train the transformer on a frozen codec")
    start = model.add_mutually_exclusive_group()
    model.add_argument(
        "--codec",
        type=Path,
        help="start afresh on this codec: our codec's file, or a folder of diffusers; with --init "
        "or --resume: where the codec of that model lies now",
    )
    start.add_argument("--init", type=Path, help="start from a model's weights")
    start.add_argument("--resume", action="store_true", help="go on with the run in --out")
    model.add_argument("--worlds", type=Path, action="append", default=[], help="rendered worlds")
    model.add_argument("--held-out", type=Path, help="rendered worlds of the unseen split")
    model.add_argument("--size", default="256x144", help="width x height of training pictures")
    model.add_argument("--width", type=int, default=TransformerConfig.width)
    model.add_argument("--layers", type=int, default=TransformerConfig.layers)
    model.add_argument("--photo-batch", type=int, default=TrainerConfig.photo_batch)
    model.add_argument("--walk-batch", type=int, default=TrainerConfig.walk_batch)
    model.add_argument("--photo-share", type=float, default=MixtureConfig.photo)
    model.add_argument("--joint-batch", type=int, default=TrainerConfig.joint_batch)
    model.add_argument("--joint-share", type=float, default=MixtureConfig.joint)
    model.add_argument("--buffer", type=int, default=TrainerConfig.buffer)
    model.add_argument("--workers", type=int, default=0, help="processes that prepare lessons")
    model.add_argument("--uses", type=float, default=TrainerConfig.uses)
    model.add_argument("--final-rate", type=float, default=TrainerConfig.final_rate)
    model.add_argument("--warm-up", type=int, default=TrainerConfig.warm_up)
    model.add_argument("--save-every", type=int, default=TrainerConfig.save_every)
    model.set_defaults(run=_train_model)
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
    ablations = commands.add_parser("ablations", help="what each part of the design is worth")
    add_options(ablations)
    ablations.set_defaults(run=lambda given: run_ablations(given, _size(given.size)[::-1]))
    for command in (codec, model, adapters, ablations):
        command.add_argument("--rgbd", type=Path, action="append", default=[], help="recordings")
        command.add_argument("--out", type=Path, required=True)
        command.add_argument("--minutes", type=float, default=5.0)
        command.add_argument("--learning-rate", type=float, default=1.5e-3)
        command.add_argument("--seed", type=int, default=0)
        command.add_argument("--threads", type=int, default=0)
        command.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    export = commands.add_parser("export", help="store a trained model 8-bit, as it ships")
    export.add_argument("--model", type=Path, required=True)
    export.add_argument("--codec", type=Path, help="where the codec of that model lies now")
    export.add_argument("--out", type=Path, required=True)
    export.set_defaults(run=_export, threads=0)
    return parser


def _train_codec(options: argparse.Namespace) -> None:
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


def _sources(options: argparse.Namespace) -> SourceShares:
    """Rendered worlds get nine tenths of the draws, recordings the rest."""
    sources: list[SequenceSource] = []
    if options.worlds:
        sources.append(SequenceFolder(options.worlds))
    sources += [RgbdFolder(folder, views=6) for folder in options.rgbd]
    if not sources:
        raise ValueError("the model needs scenes: give --worlds or --rgbd folders")
    shares = [0.1 / max(1, len(options.rgbd))] * len(sources)
    if options.worlds:
        shares[0] = 0.9
    return SourceShares(tuple(sources), tuple(shares))


def _new_words(folders: Sequence[Path], known: Tokenizer) -> Tokenizer:
    """The tokenizer with the words of a sample of captions appended, so that old ids stay."""
    generator = torch.Generator().manual_seed(0)
    folder = SequenceFolder(folders) if folders else None
    captions = [folder.draw(generator).caption for _ in range(300)] if folder else []
    found = Tokenizer.from_captions(captions).vocabulary
    return Tokenizer([*known.vocabulary, *(w for w in found if w not in known.vocabulary)])


def _starting_model(options: argparse.Namespace) -> Model:
    if options.resume:
        return read_model(options.out / "model.safetensors", options.codec)
    if options.init:
        model = read_model(options.init, options.codec)
        if not isinstance(model.tokenizer, Tokenizer):
            return model  # it spells any word
        tokenizer = _new_words(options.worlds, model.tokenizer)
        fits = len(tokenizer) <= own_transformer(model).config.words
        return replace(model, tokenizer=tokenizer) if fits else model
    if options.codec is None:
        raise ValueError("the model needs a start: give --codec, --init or --resume")
    codec = read_codec(options.codec)
    tokenizer = _new_words(options.worlds, Tokenizer([]))
    words = max(TransformerConfig.words, len(tokenizer))
    shape = TransformerConfig(
        width=options.width,
        layers=options.layers,
        heads=max(1, options.width // 64),
        latent_channels=codec.config.latent_channels,
        words=words,
    )
    return new_model(codec, tokenizer, shape, options.seed)


def _train_model(options: argparse.Namespace) -> None:
    width, height = _size(options.size)
    place = join(options.device)
    config = TrainerConfig(
        minutes=options.minutes,
        learning_rate=options.learning_rate,
        photo_batch=options.photo_batch,
        walk_batch=options.walk_batch,
        joint_batch=options.joint_batch,
        buffer=options.buffer,
        workers=options.workers,
        uses=options.uses,
        save_every=options.save_every,
        final_rate=options.final_rate,
        warm_up=options.warm_up,
        seed=options.seed,
        autocast=options.device == "cuda",
        entries=EntryConfig(size=(height, width)),
        mixture=MixtureConfig(photo=options.photo_share, joint=options.joint_share),
    )
    trainer = Trainer(_starting_model(options), _sources(options), config, place)
    if options.resume:
        trainer.resume(options.out)
    unseen = _held_out(options.held_out)
    for report in trainer.run(options.out):
        average = trainer.averaged_model()
        if not place.writes:
            continue
        _show(report)
        plot_losses(options.out / "log.jsonl", options.out / "losses.png")
        if unseen:
            score = held_out_score(average, unseen, config.entries, trainer.device)
            _log(options.out / "held_out.jsonl", {"step": report.step, **asdict(score)})
            print(f"    held out: {score}", flush=True)
    leave(place)


def _train_adapters(options: argparse.Namespace) -> None:
    model, sources = read_model(options.model, options.codec), _sources(options)
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
        entries=EntryConfig(size=_size(options.size)[::-1]),
    )
    unseen = (
        SourceShares((SequenceFolder([options.held_out]),), (1.0,)) if options.held_out else None
    )
    trainer = AdapterTrainer(model, sources, config, torch.device(options.device), unseen)
    size = trained_size(trainer.network)
    print(f"{coupling.value}: rank {control.lora.rank}, {size} trained numbers", flush=True)
    for report in trainer.run(options.out):
        _log(options.out / "log.jsonl", asdict(report))
        seen, unseen_too = (_listed(part) for part in (report.losses, report.held_out))
        held_out = f"  held out: {unseen_too}" if unseen_too else ""
        print(f"step {report.step}  {report.minutes:.1f} min  {seen}{held_out}", flush=True)


def _held_out(folder: Path | None, count: int = 12) -> list[PosedSequence]:
    if folder is None:
        return []
    generator = torch.Generator().manual_seed(1)
    source = SequenceFolder([folder])
    return [source.draw(generator) for _ in range(count)]


def _listed(losses: dict[str, float]) -> str:
    return "  ".join(f"{name} {value:.4f}" for name, value in sorted(losses.items()))


def _log(path: Path, entry: dict[str, object]) -> None:
    with path.open("a") as log:
        log.write(json.dumps(entry) + "\n")


def _show(report: Report) -> None:
    print(
        f"step {report.step}  {report.minutes:.1f} min  {_listed(report.losses)}  "
        f"{report.samples_per_second:.1f} samples/s  {report.tflops:.3f} TFLOP/s",
        flush=True,
    )


def _export(options: argparse.Namespace) -> None:
    save_model(read_model(options.model, options.codec), options.out, eight_bit=True)


def _size(text: str) -> tuple[int, int]:
    """`WIDTHxHEIGHT`, both multiples of 16."""
    parts = text.lower().split("x")
    if len(parts) != 2 or not all(p.isdigit() and int(p) > 0 and int(p) % 16 == 0 for p in parts):
        raise ValueError(f"--size must be WIDTHxHEIGHT in multiples of 16, not {text!r}")
    return int(parts[0]), int(parts[1])


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
