"""The options of `train model`, beside what all training commands take."""

from __future__ import annotations

import argparse
from pathlib import Path

from engine.model.seeing import STRIDES
from engine.model.transformer import TransformerConfig
from engine.training.adversary import AdversaryConfig
from engine.training.estimate_command import add_estimate_options
from engine.training.mixture import MixtureConfig
from engine.training.scenes import add_real_pictures
from engine.training.sight import ENCODER_RATE
from engine.training.trainer import TrainerConfig

#: Of the steps, for pictures without depth where there are any.
BARE_SHARE = 0.15


def add_model_options(model: argparse.ArgumentParser) -> None:
    """What is trained, on what, by which lessons, and for how long."""
    _add_network(model)
    _add_pictures(model)
    _add_lessons(model)
    _add_run(model)
    add_estimate_options(model)


def _add_network(model: argparse.ArgumentParser) -> None:
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
        "--sight",
        type=Path,
        metavar="FILE",
        help="the network reads the image encoder of this file of `train depth`, or of other "
        "weights, by projections that say nothing at first; its decoder of depth goes along",
    )
    model.add_argument(
        "--sight-strides",
        help="which of its levels are read, by pixels to one of the features "
        f"({','.join(map(str, STRIDES))})",
    )
    model.add_argument(
        "--encoder-rate",
        type=float,
        metavar="SHARE",
        help="of the learning rate, for image encoders that the network reads; 0 holds them "
        f"({ENCODER_RATE:g}; where a decoder reads the same encoder, 0 and nothing else)",
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
    model.add_argument("--width", type=int, default=TransformerConfig.width)
    model.add_argument("--layers", type=int, default=TransformerConfig.layers)


def _add_pictures(model: argparse.ArgumentParser) -> None:
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


def _add_lessons(model: argparse.ArgumentParser) -> None:
    model.add_argument("--photo-batch", type=int, default=TrainerConfig.photo_batch)
    model.add_argument("--walk-batch", type=int, default=TrainerConfig.walk_batch)
    model.add_argument("--photo-share", type=float, default=MixtureConfig.photo)
    model.add_argument(
        "--views-only",
        type=float,
        default=MixtureConfig.views_only,
        help="share of the walks that ask no depth: three fifths of the work, all of it for views",
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
        help=f"of the steps, for pictures without depth ({BARE_SHARE} where there are any)",
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


def _add_run(model: argparse.ArgumentParser) -> None:
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
