"""Trains the variants of a study and measures them on worlds that none of them saw."""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
import torch
from torch import Tensor

from engine.model.codecs.picture_codec import PictureCodec
from engine.model.kinds import Kind
from engine.model.model import Model, new_model, own_transformer
from engine.model.text import Tokenizer, Words
from engine.model.transformer import Transformer, TransformerConfig
from engine.queries import Engine, SamplerSettings
from engine.queries.answers import draw_contents, pictures_of
from engine.sampling.flow import finish
from engine.sampling.joint import JointSampling, Target
from engine.training.ablations.lessons import (
    ASKED,
    KNOWN,
    ablation_lesson,
    asked_kinds,
    known_group,
)
from engine.training.ablations.variants import Study, Variant
from engine.training.denormals import flushed_denormals
from engine.training.joint.entries import JointEntry
from engine.training.mixture import lesson_loss
from engine.training.optimisers import build_optimisers, set_learning_rate
from engine.training.trainer import channel_weights


@dataclass(frozen=True)
class StudyConfig:
    """The budget of every variant: the same steps on the same lessons.

    Attributes:
        seeds: models a variant; mean and spread are over them.
        sampling_steps: of each drawn view; a walk's views take as many.
    """

    steps: int = 300
    seeds: int = 3
    batch: int = 24
    width: int = 128
    layers: int = 4
    learning_rate: float = 2e-3
    sampling_steps: int = SamplerSettings().rgb_steps


@dataclass(frozen=True)
class Measured:
    """One trained model on held-out worlds.

    Attributes:
        psnr: of drawn views against the truth through the codec, dB.
        camera_error: degrees by which the drawn view is turned against the true one, by phase
            correlation.
        step_seconds, view_seconds: of training and of drawing.
    """

    psnr: float
    camera_error: float
    step_seconds: float
    view_seconds: float


@dataclass(frozen=True)
class VariantResult:
    """All seeds of a variant."""

    name: str
    runs: tuple[Measured, ...]

    def mean(self, measure: str) -> float:
        return float(np.mean([getattr(run, measure) for run in self.runs]))

    def spread(self, measure: str) -> float:
        """Standard deviation over the seeds."""
        values = [getattr(run, measure) for run in self.runs]
        return float(np.std(values, ddof=1)) if len(values) > 1 else math.nan


@dataclass(frozen=True)
class StudyResult:
    """A table of the study's variants."""

    study: str
    source: str
    expected: str
    variants: tuple[VariantResult, ...]


@dataclass(frozen=True)
class StudyData:
    """Encoded runs of three views: to learn from, and held out.

    Attributes:
        start: weights that every model starts from; None to start from nothing.
    """

    codec: PictureCodec
    learned: Sequence[JointEntry]
    held_out: Sequence[JointEntry]
    device: torch.device
    start: Model | None = None

    @property
    def tokenizer(self) -> Words:
        """Of the weights that models start from; else one that knows the kinds alone."""
        return Tokenizer([]) if self.start is None else self.start.tokenizer


#: Models that were measured already, by what they are and their seed.
Known = dict[tuple[Variant, int], Measured]


@dataclass(frozen=True)
class StudyProgress:
    """Who hears of a study while it runs.

    Attributes:
        tell: a line of every model.
        keep: called when a model was measured, to write down what is known.
    """

    tell: Callable[[str], None]
    keep: Callable[[], None]


def run_study(
    study: Study,
    data: StudyData,
    config: StudyConfig,
    progress: StudyProgress,
    known: Known | None = None,
) -> StudyResult:
    """Trains `config.seeds` models of every variant, one after the other.

    Args:
        known: filled with what is measured; studies share their plain variant, which is trained
            once where they share this too, and what an earlier run measured is not trained again.
    """
    known = {} if known is None else known
    results = []
    for variant in study.variants:
        runs = []
        for seed in range(config.seeds):
            key = replace(variant, name=""), seed
            if key not in known:
                known[key] = _run(variant, data, config, seed)
                progress.keep()
            runs.append(known[key])
            found = runs[-1]
            progress.tell(
                f"{study.name}: {variant.name}, seed {seed}: {found.psnr:.2f} dB, "
                f"{found.camera_error:.2f}°, {found.step_seconds:.2f} s a step"
            )
        results.append(VariantResult(variant.name, tuple(runs)))
    return StudyResult(study.name, study.source, study.expected, tuple(results))


def _run(variant: Variant, data: StudyData, config: StudyConfig, seed: int) -> Measured:
    network = _network(variant, data, config, seed).to(data.device).train()
    began = time.monotonic()
    _train(network, variant, data, config, seed)
    step_seconds = (time.monotonic() - began) / config.steps
    return _measured(network.eval(), variant, data, config, step_seconds)


def _network(variant: Variant, data: StudyData, config: StudyConfig, seed: int) -> Transformer:
    if data.start is not None:
        start = own_transformer(data.start)
        if start.config.camera_gate != variant.camera_gate:
            raise ValueError(
                f"{variant.name!r} has other parts than the weights of --init; train the study of "
                "the gate without them"
            )
        return copy.deepcopy(start).requires_grad_(True)
    shape = TransformerConfig(
        width=config.width,
        layers=config.layers,
        heads=max(1, config.width // 64),
        latent_channels=data.codec.config.latent_channels,
        words=16,
        camera_gate=variant.camera_gate,
    )
    return own_transformer(new_model(data.codec, Tokenizer([]), shape, seed))


def _train(
    network: Transformer, variant: Variant, data: StudyData, config: StudyConfig, seed: int
) -> None:
    generator = torch.Generator().manual_seed(seed)
    structure = torch.Generator().manual_seed(seed)
    optimisers = build_optimisers(network, config.learning_rate)
    weights = channel_weights(data.codec).to(data.device)
    tokenizer = data.tokenizer
    for step in range(config.steps):
        gone = step / config.steps
        warm = min(1.0, (step + 1) / 20)
        rate = config.learning_rate * warm * 0.5 * (1 + math.cos(math.pi * gone))
        set_learning_rate(optimisers, rate)
        chosen = torch.randint(len(data.learned), (config.batch,), generator=generator).tolist()
        entries = [data.learned[i] for i in chosen]
        with flushed_denormals():
            lesson = ablation_lesson(variant, entries, tokenizer, generator, structure)
            loss = lesson_loss(network(lesson.groups), lesson, weights)
            for optimiser in optimisers:
                optimiser.zero_grad(set_to_none=True)
            loss.total.backward()  # type: ignore[no-untyped-call]
            torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            for optimiser in optimisers:
                optimiser.step()


@torch.no_grad()
def repeated(data: StudyData) -> Measured:
    """The score of drawing nothing: the last known view is shown again."""
    shown = [entry.latents[Kind.RGB] for entry in data.held_out]
    pairs = [
        (data.codec.decode(rgb[KNOWN[-1]][None]), data.codec.decode(rgb[ASKED][None]))
        for rgb in shown
    ]
    errors = [_turned(*pair, entry) for pair, entry in zip(pairs, data.held_out, strict=True)]
    psnr = float(np.mean([_psnr(*pair) for pair in pairs]))
    return Measured(psnr, float(np.median(errors)), 0.0, 0.0)


@torch.no_grad()
def _measured(
    network: Transformer,
    variant: Variant,
    data: StudyData,
    config: StudyConfig,
    step_seconds: float,
) -> Measured:
    engine = Engine.of(Model(data.codec, network, data.tokenizer), str(data.device), torch.float32)
    psnrs, errors, began = [], [], time.monotonic()
    for index, entry in enumerate(data.held_out):
        drawn = _drawn(engine, variant, entry, config.sampling_steps, index)
        truth = data.codec.decode(entry.latents[asked_kinds(variant)[0]][ASKED][None])
        psnrs.append(_psnr(drawn, truth))
        errors.append(_turned(drawn, truth, entry))
    seconds = (time.monotonic() - began) / max(1, len(data.held_out))
    return Measured(float(np.mean(psnrs)), float(np.median(errors)), step_seconds, seconds)


def _drawn(engine: Engine, variant: Variant, entry: JointEntry, steps: int, seed: int) -> Tensor:
    """The asked view (1, 3, H, W) in [−1, 1], from fixed noise, as `ask` draws it of the same
    pictures: an entry has them as the latents that `ask` would encode."""
    targets = [
        Target(kind, ASKED, tuple(entry.latents[kind][ASKED][None].shape), entry.rays[ASKED][None])
        for kind in asked_kinds(variant)
    ]
    known, generator = known_group(variant, [entry]).pictures, torch.Generator().manual_seed(seed)
    contents = finish(draw_contents(engine, known, targets, JointSampling(steps), generator))
    return pictures_of(engine, targets, contents)[0]


def _psnr(picture: Tensor, truth: Tensor) -> float:
    error = float((picture.clamp(-1, 1) - truth.clamp(-1, 1)).square().mean())
    return 10 * math.log10(4.0 / max(error, 1e-8))


def _turned(picture: Tensor, truth: Tensor, entry: JointEntry) -> float:
    """Degrees between two pictures of one scene, as if only the view direction differed."""
    grey = [p[0].mean(0).float().cpu().numpy().astype(np.float32) for p in (picture, truth)]
    window = cv2.createHanningWindow(grey[0].shape[::-1], cv2.CV_32F)
    (x, y), _ = cv2.phaseCorrelate(grey[0], grey[1], window)
    directions = entry.rays[ASKED][3:]
    cosine = (directions[:, 0, 0] * directions[:, 0, -1]).sum().clamp(-1, 1)
    across = torch.rad2deg(torch.acos(cosine))
    columns = directions.shape[-1]
    a_pixel: float = float(across) * columns / max(1, columns - 1) / grey[0].shape[1]
    return math.hypot(float(x), float(y)) * a_pixel
