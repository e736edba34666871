"""Trains the transformer: lessons from replay buffers, EMA weights, resume, reports."""

from __future__ import annotations

import copy
import json
import math
import os
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file

from engine.model.codecs.picture_codec import PictureCodec
from engine.model.model import Model, own_transformer, read_model, save_model
from engine.model.text import Kind
from engine.model.transformer import Transformer
from engine.training.buffer import ReplayBuffer, SourceShares
from engine.training.denormals import flushed_denormals
from engine.training.distributed import Place, agreed, load_whole_state, shard, whole_state
from engine.training.entries import EntryConfig
from engine.training.joint.lessons import JointPlan
from engine.training.joint.patterns import draw_pattern
from engine.training.making import (
    JOINT,
    PHOTO,
    EntryMaker,
    EntrySource,
    MakingConfig,
    walk_name,
)
from engine.training.mixture import Lesson, LessonPlan, MixtureConfig, lesson_loss
from engine.training.optimisers import build_optimisers, set_learning_rate
from engine.training.workers import EntryWorkers


@dataclass(frozen=True)
class TrainerConfig:
    """`minutes` (and `steps`, where given) bound a run; the learning rate falls along it.

    Attributes:
        photo_batch, walk_batch, joint_batch: entries a step.
        joint_views: views of a joint lesson.
        joint: how joint entries are made; smaller pictures, since cameras need many more samples
            than pixels.
        context_shares: how often a walk has 1, 2, 3 … context views.
        uses: queries drawn from each encoded entry, on average.
        workers: processes that make entries; 0 makes them in between the steps.
        warm_up: steps; momenta are not kept on resume, so each start warms up.
        final_rate: the learning rate's last value, as a share of the first.
    """

    minutes: float = 5.0
    steps: int | None = None
    learning_rate: float = 2e-3
    photo_batch: int = 24
    walk_batch: int = 6
    joint_batch: int = 16
    joint_views: int = 3
    context_shares: tuple[float, ...] = (0.35, 0.3, 0.2, 0.15)
    buffer: int = 96
    uses: float = 3.0
    workers: int = 0
    warm_up: int = 60
    final_rate: float = 0.03
    ema_decay: float = 0.998
    save_every: int = 200
    seed: int = 0
    autocast: bool = False
    entries: EntryConfig = field(default_factory=EntryConfig)
    joint: EntryConfig = field(default_factory=lambda: EntryConfig(size=(80, 128)))
    mixture: MixtureConfig = field(default_factory=MixtureConfig)


@dataclass(frozen=True)
class Report:
    """One interval of steps.

    Attributes:
        losses: mean loss of each kind asked, by the kind's name.
        samples_per_second: trained entries.
        tflops: achieved, forward and backward, by 6 × parameters × tokens.
    """

    step: int
    minutes: float
    learning_rate: float
    losses: dict[str, float]
    samples_per_second: float
    tflops: float


class _Running:
    """Means over the current interval."""

    def __init__(self) -> None:
        self.sums: dict[str, float] = {}
        self.counts: dict[str, int] = {}
        self.samples, self.tokens, self.started = 0, 0, time.monotonic()

    def add(self, losses: dict[Kind, float], samples: int, tokens: int, prefix: str) -> None:
        for kind, value in losses.items():
            name = f"{prefix}/{kind.name.lower()}"
            self.sums[name] = self.sums.get(name, 0.0) + value
            self.counts[name] = self.counts.get(name, 0) + 1
        self.samples, self.tokens = self.samples + samples, self.tokens + samples * tokens

    def means(self) -> dict[str, float]:
        return {name: self.sums[name] / self.counts[name] for name in self.sums}


class Trainer:
    """Owns the model, its average and the buffers; `run` yields reports and saves as it goes."""

    def __init__(
        self,
        model: Model,
        sequences: SourceShares,
        config: TrainerConfig,
        place: Place | None = None,
    ) -> None:
        self.place = place or Place(0, 1, torch.device("cpu"))
        self.model, self.config, self.device = model, config, self.place.device
        self.sequences = sequences
        self.codec = model.codec.to(self.device).eval().requires_grad_(False)
        self.network = model.transformer.to(self.device).train()
        self.average = copy.deepcopy(self.network).eval().requires_grad_(False)
        self.parameters = sum(p.numel() for p in self.network.parameters())
        shard(self.network, self.place)
        shard(self.average, self.place)
        self.generator = torch.Generator().manual_seed(config.seed + 7919 * self.place.rank)
        self.structure = torch.Generator().manual_seed(config.seed)
        draws = (config.mixture, model.tokenizer, self.generator, self.structure)
        self.plan, self.joint_plan = LessonPlan(*draws), JointPlan(*draws)
        # Muon needs whole matrices.
        self.optimisers = build_optimisers(
            self.network, config.learning_rate, muon=not self.place.sharded
        )
        self.channel_weights = channel_weights(self.codec).to(self.device)
        self.source = self._source()
        self.buffers: dict[str, ReplayBuffer[Any]] = {}
        self.step = 0

    def _source(self) -> EntrySource:
        """Entries from this process, or from as many others as are configured."""
        config = self.config
        making = MakingConfig(
            config.entries, config.joint, config.joint_views, len(config.context_shares)
        )
        if not config.workers:
            return EntryMaker(self.sequences, self.codec, making, self.generator, self.device)
        mixture = config.mixture
        asked = {PHOTO: mixture.photo, JOINT: mixture.joint}
        walks = 1.0 - mixture.photo - mixture.joint
        asked |= {walk_name(n + 1): walks * p for n, p in enumerate(config.context_shares)}
        names = tuple(name for name, share in asked.items() if share > 0)
        seed = config.seed + 7919 * self.place.rank
        return EntryWorkers(
            config.workers, self.sequences, self.codec, making, names, seed, self.device
        )

    def _draw(self, name: str, count: int) -> list[Any]:
        buffer = self.buffers.get(name)
        if buffer is None:
            config = self.config
            make = partial(self.source.make, name)
            buffer = ReplayBuffer(make, config.buffer, config.uses, self.generator)
            self.buffers[name] = buffer
        return [buffer.draw() for _ in range(count)]

    def _next_lesson(self) -> tuple[Lesson, int, str]:
        """A lesson, its batch size and the name it is reported under."""
        draw = float(torch.rand((), generator=self.structure))
        mixture, config = self.config.mixture, self.config
        if draw < mixture.photo:
            photos = self._draw(PHOTO, config.photo_batch)
            return self.plan.photo(photos), len(photos), "photo"
        if draw < mixture.photo + mixture.joint:
            pattern = draw_pattern(config.joint_views, self.structure)
            joints = self._draw(JOINT, config.joint_batch)
            return self.joint_plan.lesson(pattern, joints), len(joints), pattern.name
        shares = torch.tensor(config.context_shares)
        contexts = int(torch.multinomial(shares, 1, generator=self.structure))
        walks = self._draw(walk_name(contexts + 1), config.walk_batch)
        simulate = draw < mixture.photo + mixture.joint + mixture.warp
        return self.plan.walk(walks, simulate), len(walks), "warp" if simulate else "walk"

    def _train_step(self, running: _Running) -> None:
        lesson, samples, name = self._next_lesson()
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.config.autocast):
            predictions = self.network(lesson.groups)
        loss = lesson_loss(predictions, lesson, self.channel_weights)
        for optimiser in self.optimisers:
            optimiser.zero_grad(set_to_none=True)
        loss.total.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), 1.0)
        for optimiser in self.optimisers:
            optimiser.step()
        self._average()
        running.add(loss.by_kind, samples, lesson_tokens(lesson), name)

    @torch.no_grad()
    def _average(self) -> None:
        decay = min(self.config.ema_decay, (self.step + 1) / (self.step + 30))
        for kept, current in zip(self.average.parameters(), self.network.parameters(), strict=True):
            kept.lerp_(current, 1.0 - decay)

    def run(self, out: Path) -> Iterator[Report]:
        """Trains for the configured minutes; `out` gets weights, state and `log.jsonl`."""
        out.mkdir(parents=True, exist_ok=True)
        try:
            yield from self._steps(out)
        finally:
            self.source.close()

    def _steps(self, out: Path) -> Iterator[Report]:
        started, first, running = time.monotonic(), self.step, _Running()
        while (gone := self._gone(started, self.step - first)) < 1.0:
            rate = self._rate(gone, self.step - first)
            set_learning_rate(self.optimisers, rate)
            with flushed_denormals():
                self._train_step(running)
            self.step += 1
            if (self.step - first) % self.config.save_every == 0:
                yield self._report(out, running, time.monotonic() - started, rate)
                running = _Running()
        if running.samples:
            yield self._report(out, running, time.monotonic() - started, 0.0)

    def _gone(self, started: float, steps: int) -> float:
        """The part of the run that lies behind, by clock or by steps."""
        by_clock = (time.monotonic() - started) / (60 * self.config.minutes)
        by_steps = steps / self.config.steps if self.config.steps else 0.0
        return agreed(max(by_clock, by_steps), self.place)

    def _rate(self, gone: float, steps: int) -> float:
        """Warm-up, a plateau, then a cosine to the final rate."""
        warm = min(1.0, (steps + 1) / self.config.warm_up)
        fall = max(0.0, (gone - 0.3) / 0.7)
        shape = 0.5 * (1 + math.cos(math.pi * fall))
        low = self.config.final_rate
        return self.config.learning_rate * warm * (low + (1 - low) * shape)

    def _report(self, out: Path, running: _Running, seconds: float, rate: float) -> Report:
        spent = time.monotonic() - running.started
        report = Report(
            step=self.step,
            minutes=seconds / 60,
            learning_rate=rate,
            losses=running.means(),
            samples_per_second=running.samples / spent,
            tflops=6e-12 * self.parameters * running.tokens / spent,
        )
        self.save(out)
        if self.place.writes:
            with (out / "log.jsonl").open("a") as log:
                log.write(json.dumps(asdict(report)) + "\n")
        return report

    def averaged_model(self) -> Model:
        """The model to draw with. Every process must call it; the writer's is whole."""
        state = whole_state(self.average)
        if not self.place.sharded:
            return Model(self.codec, self.average, self.model.tokenizer)
        whole = Transformer(own_transformer(self.model).config).eval()
        if self.place.writes:
            whole.load_state_dict(state)
        return Model(self.codec, whole, self.model.tokenizer)

    def save(self, out: Path) -> None:
        """`model.safetensors`, the average to draw with, and `state.safetensors`, to resume."""
        averaged, state = self.averaged_model(), whole_state(self.network)
        if not self.place.writes:
            return
        save_model(averaged, out / "model.safetensors", eight_bit=False)
        named = {f"network.{k}": v.contiguous() for k, v in state.items()}
        temporary = out / "state.safetensors.part"
        save_file(named | {"step": torch.tensor(self.step)}, str(temporary))
        os.replace(temporary, out / "state.safetensors")

    def resume(self, out: Path) -> None:
        """Weights, average and step of an earlier run; the optimisers warm up again."""
        state = load_file(str(out / "state.safetensors"))
        self.step = int(state.pop("step"))
        network = {k.removeprefix("network."): v for k, v in state.items()}
        load_whole_state(self.network, network)
        averaged = read_model(out / "model.safetensors", self.codec).transformer.state_dict()
        load_whole_state(self.average, averaged)
        self.generator.manual_seed(self.config.seed + self.step + 7919 * self.place.rank)
        self.structure.manual_seed(self.config.seed + self.step)


def lesson_tokens(lesson: Lesson) -> int:
    """Tokens of one sample of a lesson."""
    total = 0
    for group in lesson.groups:
        total += sum(math.prod(picture.grid) for picture in group.pictures)
        total += 0 if group.prompt is None else group.prompt.shape[1]
    return total


def channel_weights(codec: PictureCodec) -> torch.Tensor:
    """(C,) how much each latent channel moves the picture, as the codec says; mean 1.

    Our own codec's whitened latents weigh a faint texture as much as a picture's mean; this evens
    that out half way (amplitude, not energy), which depth needs most.
    """
    gain = codec.channel_gains()
    weights: torch.Tensor = gain / gain.mean()
    return weights
