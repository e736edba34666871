"""Trains adapters beside a frozen model: decoupled, or coupled as seed 001 compares with."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import torch

from engine.model.control.joint_network import ControlConfig
from engine.model.control.networks import build_network, save_network
from engine.model.kinds import Kind
from engine.model.model import Model
from engine.training.buffer import ReplayBuffer, SourceShares
from engine.training.denormals import flushed_denormals
from engine.training.entries import EntryConfig
from engine.training.joint.conditioning import conditioning_lesson
from engine.training.joint.entries import JointEntry, joint_entry
from engine.training.mixture import Lesson, LessonLoss, lesson_loss
from engine.training.optimisers import build_optimisers, set_learning_rate
from engine.training.trainer import channel_weights

#: Scenes that are held out, and lessons made of them.
_HELD_OUT_SCENES, _HELD_OUT_LESSONS = 16, 12


@dataclass(frozen=True)
class AdapterTrainingConfig:
    """`minutes` and, where given, `steps` bound a run; the other names are the trainer's."""

    minutes: float = 5.0
    steps: int | None = None
    learning_rate: float = 2e-3
    batch: int = 8
    views: int = 3
    warm_up: int = 20
    buffer: int = 64
    uses: float = 4.0
    report_every: int = 20
    seed: int = 0
    control: ControlConfig = field(default_factory=ControlConfig)
    entries: EntryConfig = field(default_factory=lambda: EntryConfig(size=(80, 128)))


@dataclass(frozen=True)
class AdapterReport:
    """Attributes:
    losses: means since the last report, by the kind's name.
    held_out: means over the same lessons of unseen worlds each time; empty where there are none.
    """

    step: int
    minutes: float
    losses: dict[str, float]
    held_out: dict[str, float]


class AdapterTrainer:
    """Owns the coupled network; `run` yields reports and keeps `adapters.safetensors` whole.

    The model's transformer is frozen in place.
    """

    def __init__(
        self,
        model: Model,
        sequences: SourceShares,
        config: AdapterTrainingConfig,
        device: torch.device,
        held_out: SourceShares | None = None,
    ) -> None:
        self.model, self.sequences, self.config, self.device = model, sequences, config, device
        self.codec = model.codec.to(device).eval().requires_grad_(False)
        self.network = build_network(model.transformer, config.control).to(device).train()
        self.weights = channel_weights(self.codec).to(device)
        self.generator = torch.Generator().manual_seed(config.seed)
        self.structure = torch.Generator().manual_seed(config.seed)
        self.optimisers = build_optimisers(self.network, config.learning_rate)
        self.buffer: ReplayBuffer[JointEntry] = ReplayBuffer(
            self._make, config.buffer, config.uses, self.generator
        )
        self.held_out = [] if held_out is None else self._held_out(held_out)
        self.step = 0

    def _make(self) -> JointEntry:
        return self._entry(self.sequences, self.generator)

    def _entry(self, source: SourceShares, generator: torch.Generator) -> JointEntry:
        draws = (self.config.entries, generator, self.device)
        return joint_entry(source.draw(generator), self.config.views, self.codec, *draws)

    def _held_out(self, source: SourceShares) -> list[Lesson]:
        """Whatever the configured seed, so that all couplings answer the same."""
        generator = torch.Generator().manual_seed(7)
        structure = torch.Generator().manual_seed(7)
        entries = [self._entry(source, generator) for _ in range(_HELD_OUT_SCENES)]
        lessons = []
        for _ in range(_HELD_OUT_LESSONS):
            order = torch.randperm(len(entries), generator=generator).tolist()
            chosen = [entries[i] for i in order[:4]]
            tokenizer = self.model.tokenizer
            lessons.append(conditioning_lesson(chosen, tokenizer, generator, structure))
        return lessons

    def lesson(self) -> Lesson:
        """The next one; the same for every coupling with the same seed."""
        entries = [self.buffer.draw() for _ in range(self.config.batch)]
        return conditioning_lesson(entries, self.model.tokenizer, self.generator, self.structure)

    def learn(self, lesson: Lesson) -> LessonLoss:
        """One step of all optimisers at their present rate; the base stays as it is."""
        with flushed_denormals():
            loss = lesson_loss(self.network(lesson.groups), lesson, self.weights)
            for optimiser in self.optimisers:
                optimiser.zero_grad(set_to_none=True)
            loss.total.backward()  # type: ignore[no-untyped-call]
            torch.nn.utils.clip_grad_norm_(self.network.trained().values(), 1.0)
            for optimiser in self.optimisers:
                optimiser.step()
        return loss

    @torch.no_grad()
    def score(self, lessons: Sequence[Lesson]) -> dict[str, float]:
        """Mean loss of each kind asked, by the kind's name."""
        found: dict[Kind, list[float]] = {}
        for lesson in lessons:
            loss = lesson_loss(self.network(lesson.groups), lesson, self.weights)
            for kind, value in loss.by_kind.items():
                found.setdefault(kind, []).append(value)
        return _means(found)

    def run(self, out: Path | None = None) -> Iterator[AdapterReport]:
        """Trains until the minutes or steps are over; `out` gets the adapters at each report."""
        config, started = self.config, time.monotonic()
        losses: dict[Kind, list[float]] = {}
        while True:
            spent = (time.monotonic() - started) / 60
            gone = max(spent / config.minutes, self.step / config.steps if config.steps else 0.0)
            if gone >= 1.0:
                break
            rate = config.learning_rate * min(1.0, (self.step + 1) / config.warm_up)
            set_learning_rate(self.optimisers, rate * (1.0 - gone))
            for kind, value in self.learn(self.lesson()).by_kind.items():
                losses.setdefault(kind, []).append(value)
            self.step += 1
            if self.step % config.report_every == 0:
                yield self._report(out, spent, losses)
                losses = {}
        if losses:
            yield self._report(out, (time.monotonic() - started) / 60, losses)

    def _report(
        self, out: Path | None, minutes: float, losses: dict[Kind, list[float]]
    ) -> AdapterReport:
        if out is not None:
            save_network(self.network, out / "adapters.safetensors", base=self.model.source)
        return AdapterReport(self.step, minutes, _means(losses), self.score(self.held_out))


def _means(values: dict[Kind, list[float]]) -> dict[str, float]:
    return {kind.name.lower(): sum(v) / len(v) for kind, v in values.items()}
