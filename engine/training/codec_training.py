"""Trains the codec on pictures of every kind it must carry."""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.optim.swa_utils import get_ema_multi_avg_fn

from engine.model.checkpoints import save_checkpoint
from engine.model.codec import Codec, CodecConfig
from engine.model.codecs.stored import read_codec
from engine.model.errors import CheckpointError
from engine.training.denormals import flushed_denormals
from engine.training.pictures_source import PictureSource, components


@dataclass(frozen=True)
class CodecTrainingConfig:
    """`minutes` bounds the run by the clock; the learning rate falls with the time gone."""

    minutes: float = 15.0
    batch: int = 16
    crop: int = 96
    learning_rate: float = 1.5e-3
    ema_decay: float = 0.995
    seed: int = 0
    report_every: int = 100


@dataclass(frozen=True)
class CodecReport:
    step: int
    loss: float
    psnr: float
    seconds: float


def psnr(error: Tensor) -> float:
    """Of an error between pictures in [−1, 1], in dB."""
    return -10.0 * math.log10(max(float(error.square().mean()) / 4.0, 1e-10))


def _train_step(
    codec: Codec, batch: Tensor, optimiser: torch.optim.Optimizer
) -> tuple[Tensor, Tensor]:
    """One update; the pictures' error and the loss, detached."""
    error = codec.decode_unclamped(codec.encode(batch)) - batch
    # Squared error sets the PSNR; the absolute part keeps flat depth exact.
    loss = error.square().mean() + 0.05 * error.abs().mean()
    optimiser.zero_grad(set_to_none=True)
    loss.backward()  # type: ignore[no-untyped-call]
    torch.nn.utils.clip_grad_norm_(codec.decoder.parameters(), 1.0)
    optimiser.step()
    return error.detach(), loss.detach()


def train_codec(
    source: PictureSource, out: Path, config: CodecTrainingConfig, init: Path | None = None
) -> Iterator[CodecReport]:
    """Trains the decoder; the encoder is fixed by the components that it starts from.

    Yields a report every so many steps and writes `out` (float32 safetensors) at each.

    A caller may stop at any report: the file on disk is whole and usable.
    """
    rng = np.random.default_rng(config.seed)
    codec = load_codec(init) if init else Codec(CodecConfig())
    if init is None:
        codec.start_from_components(components(source, rng, 800))
    codec.encoder.requires_grad_(False)
    codec = codec.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    average = copy.deepcopy(codec)
    optimiser = torch.optim.AdamW(
        codec.decoder.parameters(), lr=config.learning_rate, weight_decay=1e-3
    )
    started, step, running = time.monotonic(), 0, 0.0
    while (gone := (time.monotonic() - started) / (60 * config.minutes)) < 1.0:
        rate = config.learning_rate * min(1.0, (step + 1) / 100) * (0.02 + 0.98 * (1 - gone) ** 1.2)
        for group in optimiser.param_groups:
            group["lr"] = rate
        batch = torch.stack([source.crop(rng, config.crop) for _ in range(config.batch)])
        with flushed_denormals():
            error, loss = _train_step(codec, batch, optimiser)
        decay = min(config.ema_decay, (step + 1) / (step + 20))
        follow = get_ema_multi_avg_fn(decay)  # type: ignore[no-untyped-call]
        follow(list(average.decoder.parameters()), list(codec.decoder.parameters()), None)
        step += 1
        running += (psnr(error) - running) / min(step, config.report_every)
        if step % config.report_every == 0:
            save_codec(average, out, eight_bit=False)
            yield CodecReport(step, float(loss), running, time.monotonic() - started)
    save_codec(average, out, eight_bit=False)


def save_codec(codec: Codec, path: Path, eight_bit: bool) -> None:
    save_checkpoint(path, codec.state_dict(), {"codec": asdict(codec.config)}, eight_bit)


def load_codec(path: Path) -> Codec:
    """Our own codec, from its file or from a whole model's.

    Raises:
        CheckpointError: there is none, or it is one of others, which is not trained here.
    """
    codec = read_codec(path)
    if not isinstance(codec, Codec):
        raise CheckpointError(
            f"{path} names the codec {codec.config.name}; only Photowalk's own is trained here"
        )
    return codec.train()
