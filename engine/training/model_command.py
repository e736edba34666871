"""`train model`: the transformer on a frozen codec, whole or by adapters, or its estimate."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict, replace
from pathlib import Path

import torch

from engine.model.codecs.stored import read_codec
from engine.model.model import Model, new_model, own_transformer
from engine.model.precision import best_precision
from engine.model.storage import read_model
from engine.model.text import Tokenizer
from engine.model.transformer import TransformerConfig
from engine.training.adversary import AdversaryConfig
from engine.training.buffer import SourceShares
from engine.training.distributed import Place, join, leave
from engine.training.entries import EntryConfig
from engine.training.estimate_command import add_estimate_options, print_estimate
from engine.training.held_out import held_out_score
from engine.training.mixture import MixtureConfig
from engine.training.plots import plot_losses
from engine.training.scenes import (
    add_real_pictures,
    have_pictures_without_depth,
    new_words,
    scene_sources,
)
from engine.training.sequences import PosedSequence, SequenceFolder
from engine.training.telling import listed, log_entry, picture_size
from engine.training.trainer import Report, Trainer, TrainerConfig

#: Of the steps, for pictures without depth where there are any.
_BARE_SHARE = 0.15
#: What a run of adapters stands on, to go on with it.
_RUN = "run.json"


def add_model_options(model: argparse.ArgumentParser) -> None:
    """What `train model` takes, beside what all commands do."""
    start = model.add_mutually_exclusive_group()
    model.add_argument(
        "--codec",
        type=Path,
        help="start afresh on this codec: our codec's file, or a folder of diffusers; with --init "
        "or --resume: where the codec of that model lies now",
    )
    start.add_argument("--init", type=Path, help="start from a model's weights")
    start.add_argument("--resume", action="store_true", help="go on with the run in --out")
    model.add_argument(
        "--lora",
        type=int,
        metavar="RANK",
        help="train adapters of this rank beside --init, which stays frozen; else all weights",
    )
    model.add_argument(
        "--checkpointing",
        action="store_true",
        help="compute activations again instead of keeping them: less memory, a third more work",
    )
    model.add_argument(
        "--compile",
        action="store_true",
        help="lessons of single views by compiled kernels: a third less time, after a minute",
    )
    model.add_argument(
        "--robust-depth",
        action="store_true",
        help="errors of depth count by their distance, not its square: outliers weigh less",
    )
    model.add_argument(
        "--pure-noise",
        type=float,
        default=MixtureConfig.walk_pure_noise,
        help="share of what walks ask that begins as noise alone, as drawing in one step does "
        f"(%(default)s; depth of single views {MixtureConfig.photo_pure_noise} at least)",
    )
    model.add_argument(
        "--adversary",
        type=float,
        default=AdversaryConfig.strength,
        metavar="STRENGTH",
        help="a judge who knows true views asks for detail in holes, so strongly beside errors "
        "(1: as strongly; default: none); give --pure-noise 1 with it",
    )
    model.add_argument("--worlds", type=Path, action="append", default=[], help="rendered worlds")
    add_real_pictures(model)
    model.add_argument("--held-out", type=Path, help="rendered worlds of the unseen split")
    model.add_argument("--size", default="256x144", help="width x height of training pictures")
    model.add_argument(
        "--photo-size",
        action="append",
        default=[],
        help="of single views, where it differs: small ones teach layout sooner; given several "
        "times, a step has one of them, with as many pixels in all as --photo-batch of the first",
    )
    model.add_argument("--width", type=int, default=TransformerConfig.width)
    model.add_argument("--layers", type=int, default=TransformerConfig.layers)
    model.add_argument("--photo-batch", type=int, default=TrainerConfig.photo_batch)
    model.add_argument("--walk-batch", type=int, default=TrainerConfig.walk_batch)
    model.add_argument("--photo-share", type=float, default=MixtureConfig.photo)
    model.add_argument(
        "--views-only",
        type=float,
        default=MixtureConfig.views_only,
        help="share of the walks that ask no depth: a third of the work, all of it for views",
    )
    model.add_argument(
        "--most-contexts",
        type=int,
        choices=range(1, len(TrainerConfig.context_shares) + 1),
        default=len(TrainerConfig.context_shares),
        help="largest number of context views of a walk (%(default)s)",
    )
    model.add_argument("--joint-batch", type=int, default=TrainerConfig.joint_batch)
    model.add_argument("--joint-share", type=float, default=MixtureConfig.joint)
    model.add_argument(
        "--bare-share",
        type=float,
        help=f"of the steps, for pictures without depth ({_BARE_SHARE} where there are any)",
    )
    model.add_argument("--buffer", type=int, default=TrainerConfig.buffer)
    model.add_argument("--workers", type=int, default=0, help="processes that prepare lessons")
    model.add_argument("--uses", type=float, default=TrainerConfig.uses)
    model.add_argument("--photo-buffer", type=int, help="of single views; as --buffer if not given")
    model.add_argument("--photo-uses", type=float, help="of single views; as --uses if not given")
    model.add_argument("--final-rate", type=float, default=TrainerConfig.final_rate)
    model.add_argument("--warm-up", type=int, default=TrainerConfig.warm_up)
    model.add_argument("--save-every", type=int, default=TrainerConfig.save_every)
    model.add_argument("--steps", type=int, help="stop after so many, whatever the minutes")
    model.add_argument(
        "--depth-teacher",
        metavar="MODEL",
        help="first label the folders of --photos, --videos and --posed with this depth model",
    )
    add_estimate_options(model)
    model.set_defaults(run=train_model)


def train_model(options: argparse.Namespace) -> None:
    """
    Raises:
        ValueError: what was given is not enough, or does not fit together.
    """
    if options.estimate is not None:
        print_estimate(options, _config(options, None))
        return
    if options.depth_teacher is not None:
        raise ValueError(
            "the engine knows no models of others; train with `photowalk train`, or label first: "
            "photowalk label FOLDER --depth-prior MODEL --out LABELS, then train --photos LABELS"
        )
    if options.out is None:
        raise ValueError("say where the weights go with --out")
    place = join(options.device)
    sources = scene_sources(options)
    # Nothing here keeps the model: sharded, its whole weights must not stay.
    trainer = Trainer(_starting_model(options), sources, _config(options, sources), place)
    if options.resume:
        trainer.resume(options.out)
    elif place.writes:
        _remember(options)
    if place.writes:
        shares = {kind.value: share for kind, share in trainer.syllabus.shares.items()}
        print("lessons: " + listed(shares, digits=2), flush=True)
    _train(trainer, options, place)
    leave(place)


def _train(trainer: Trainer, options: argparse.Namespace, place: Place) -> None:
    unseen = _held_out(options.held_out)
    for report in trainer.run(options.out):
        average = trainer.averaged_model()
        if not place.writes:
            continue
        _show(report)
        plot_losses(options.out / "log.jsonl", options.out / "losses.png")
        if unseen:
            score = held_out_score(average, unseen, trainer.config.entries, trainer.device)
            log_entry(options.out / "held_out.jsonl", {"step": report.step, **asdict(score)})
            print(f"    held out: {score}", flush=True)


def _config(options: argparse.Namespace, sources: SourceShares | None) -> TrainerConfig:
    width, height = picture_size(options.size)
    bare = options.bare_share
    if bare is None:
        some = sources is not None and have_pictures_without_depth(sources)
        bare = _BARE_SHARE if some else 0.0
    return TrainerConfig(
        minutes=options.minutes,
        steps=options.steps,
        learning_rate=options.learning_rate,
        photo_batch=options.photo_batch,
        walk_batch=options.walk_batch,
        joint_batch=options.joint_batch,
        context_shares=TrainerConfig.context_shares[: options.most_contexts],
        buffer=options.buffer,
        workers=options.workers,
        uses=options.uses,
        photo_buffer=options.photo_buffer,
        photo_uses=options.photo_uses,
        save_every=options.save_every,
        final_rate=options.final_rate,
        warm_up=options.warm_up,
        seed=options.seed,
        autocast=best_precision(torch.device(options.device)) is torch.bfloat16,
        lora=options.lora,
        checkpointing=options.checkpointing,
        compiled=options.compile,
        robust_depth=options.robust_depth,
        adversary=AdversaryConfig(options.adversary),
        entries=EntryConfig(size=(height, width)),
        photos=tuple(_photos(size, width * height) for size in options.photo_size),
        mixture=_mixture(options, bare),
    )


def _mixture(options: argparse.Namespace, bare: float) -> MixtureConfig:
    pure = options.pure_noise
    if not 0 <= pure <= 1:
        raise ValueError(f"--pure-noise is a share, from 0 to 1, not {pure:g}")
    return MixtureConfig(
        photo=options.photo_share,
        joint=options.joint_share,
        bare=bare,
        views_only=options.views_only,
        walk_pure_noise=pure,
        photo_pure_noise=max(pure, MixtureConfig.photo_pure_noise),
    )


def _photos(size: str, pixels: int) -> EntryConfig:
    """Single views of a size, where the pictures of walks have so many pixels."""
    width, height = picture_size(size, "--photo-size")
    # Small ones may be cut closer: what is left has as many pixels as they need.
    closest = 0.5 if 2 * width * height < pixels else EntryConfig.least_crop
    return EntryConfig(size=(height, width), least_crop=closest)


def _starting_model(options: argparse.Namespace) -> Model:
    if options.resume:
        return _model_of_run(options)
    if options.init:
        model = read_model(options.init, options.codec)
        if not isinstance(model.tokenizer, Tokenizer):
            return model  # it spells any word
        tokenizer = new_words(options.worlds, model.tokenizer)
        fits = len(tokenizer) <= own_transformer(model).config.words
        return replace(model, tokenizer=tokenizer) if fits else model
    if options.lora is not None:
        raise ValueError("--lora trains beside weights that stay: name them with --init")
    if options.codec is None:
        raise ValueError("the model needs a start: give --codec, --init or --resume")
    codec = read_codec(options.codec)
    tokenizer = new_words(options.worlds, Tokenizer([]))
    words = max(TransformerConfig.words, len(tokenizer))
    shape = TransformerConfig(
        width=options.width,
        layers=options.layers,
        heads=max(1, options.width // 64),
        latent_channels=codec.config.latent_channels,
        words=words,
    )
    return new_model(codec, tokenizer, shape, options.seed)


def _remember(options: argparse.Namespace) -> None:
    """What adapters stand on; a whole run stands on its own weights."""
    path = options.out / _RUN
    path.unlink(missing_ok=True)
    if options.lora is not None:
        options.out.mkdir(parents=True, exist_ok=True)
        entry = {"lora": options.lora, "init": str(options.init.resolve())}
        path.write_text(json.dumps(entry), encoding="utf-8")


def _model_of_run(options: argparse.Namespace) -> Model:
    """The weights to go on with; of adapters those that they stand on, with the run's words."""
    whole = read_model(options.out / "model.safetensors", options.codec)
    path = options.out / _RUN
    if not path.is_file():
        if options.lora is not None:
            raise ValueError(f"{options.out} holds a run of all weights; go on without --lora")
        return whole
    try:
        entry = json.loads(path.read_text(encoding="utf-8"))
        rank, base = int(entry["lora"]), Path(entry["init"])
    except (json.JSONDecodeError, KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{path} is damaged ({error}); start again with --init") from error
    if options.lora not in (None, rank):
        raise ValueError(f"{options.out} holds adapters of rank {rank}, not {options.lora}")
    options.lora = rank
    return replace(read_model(base, options.codec), tokenizer=whole.tokenizer)


def _held_out(folder: Path | None, count: int = 12) -> list[PosedSequence]:
    if folder is None:
        return []
    generator = torch.Generator().manual_seed(1)
    source = SequenceFolder([folder])
    return [source.draw(generator) for _ in range(count)]


def _show(report: Report) -> None:
    print(
        f"step {report.step}  {report.minutes:.1f} min  {listed(report.losses)}  "
        f"{report.samples_per_second:.1f} samples/s  {report.tflops:.3f} TFLOP/s",
        flush=True,
    )
