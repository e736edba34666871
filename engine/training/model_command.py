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
from engine.model.seeing import STRIDES, seeing
from engine.model.sight import read_sight
from engine.model.storage import read_model
from engine.model.text import Tokenizer
from engine.model.transformer import TransformerConfig
from engine.training.adversary import AdversaryConfig
from engine.training.buffer import SourceShares
from engine.training.distributed import Place, join, leave
from engine.training.entries import EntryConfig
from engine.training.estimate_command import print_estimate
from engine.training.held_out import held_out_score
from engine.training.mixture import MixtureConfig
from engine.training.model_options import BARE_SHARE
from engine.training.own_run import run_in
from engine.training.plots import plot_losses
from engine.training.reports import Report
from engine.training.scenes import (
    have_pictures_without_depth,
    new_words,
    scene_sources,
)
from engine.training.sequences import PosedSequence, SequenceFolder
from engine.training.telling import listed, log_entry, picture_size
from engine.training.trainer import Trainer, TrainerConfig

#: What a run of adapters stands on, to go on with it.
_RUN = "run.json"


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
    with run_in(options.out, place.writes):
        _run(options, place)
    leave(place)


def _run(options: argparse.Namespace, place: Place) -> None:
    sources = scene_sources(options)
    # Nothing here keeps the model: sharded, its whole weights must not stay.
    trainer = Trainer(_starting_model(options), sources, _config(options, sources), place)
    if options.resume:
        if not trainer.resume(options.out) and place.writes:
            print("the run keeps no momenta for these optimisers; they warm up again", flush=True)
    elif place.writes:
        _remember(options)
    if place.writes:
        shares = {kind.value: share for kind, share in trainer.syllabus.shares.items()}
        print("lessons: " + listed(shares, digits=2), flush=True)
    _train(trainer, options, place)


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
        bare = BARE_SHARE if some else 0.0
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
        encoder_rate=options.encoder_rate,
        adversary=AdversaryConfig(options.adversary),
        entries=EntryConfig(size=(height, width)),
        photos=tuple(_photos(size, width * height) for size in options.photo_size),
        mixture=_mixture(options, bare),
    )


def _mixture(options: argparse.Namespace, bare: float) -> MixtureConfig:
    pure = options.pure_noise
    for name, share in (("--pure-noise", pure), ("--views-only", options.views_only)):
        if not 0 <= share <= 1:
            raise ValueError(f"{name} is a share, from 0 to 1, not {share:g}")
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
    if options.sight is None:
        if options.sight_strides is not None:
            raise ValueError("--sight-strides say what is read of a --sight: name one")
        return _blind_start(options)
    if options.resume:
        raise ValueError("a run keeps the sight that it began with: leave --sight out to go on")
    if options.lora is not None:
        raise ValueError("adapters cannot learn to read --sight: train all weights, without --lora")
    strides = STRIDES if options.sight_strides is None else _strides(options.sight_strides)
    return seeing(_blind_start(options), read_sight(options.sight), strides)


def _strides(text: str) -> tuple[int, ...]:
    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError:
        raise ValueError(f"--sight-strides are numbers with commas, not {text!r}") from None


def _blind_start(options: argparse.Namespace) -> Model:
    """Where the weights come from, without --sight."""
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
