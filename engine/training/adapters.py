"""Trains adapters beside a frozen model: decoupled, or coupled as seed 001 compares with."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import Tensor, nn

from engine.model.control.adapters_file import save_adapters
from engine.model.control.concatenated import ChannelConcatenation, SpatialConcatenation
from engine.model.control.decoupled import ControlConfig, DecoupledTransformer
from engine.model.control.lora import LoraConfig
from engine.model.model import Model
from engine.model.text import Kind
from engine.training.buffer import ReplayBuffer, SourceShares
from engine.training.denormals import flushed_denormals
from engine.training.entries import EntryConfig
from engine.training.joint.conditioning import conditioning_lesson
from engine.training.joint.entries import JointEntry, joint_entry
from engine.training.mixture import Lesson, LessonLoss, lesson_loss
from engine.training.trainer import channel_weights

COUPLINGS: dict[str, Callable[[Model, ControlConfig], nn.Module]] = {
    "decoupled": lambda m, c: DecoupledTransformer(m.transformer, c),
    "channel": lambda m, c: ChannelConcatenation(m.transformer, c.lora, c.seed),
    "spatial": lambda m, c: SpatialConcatenation(m.transformer, c.lora, c.seed),
}


@dataclass(frozen=True)
class AdapterTrainingConfig:
    """`minutes` and, where given, `steps` bound a run; the other names are the trainer's."""

    coupling: str = "decoupled"
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
    control: ControlConfig = field(default_factory=lambda: ControlConfig(LoraConfig()))
    entries: EntryConfig = field(default_factory=lambda: EntryConfig(size=(80, 128)))

    def __post_init__(self) -> None:
        if self.coupling not in COUPLINGS:
            raise ValueError(
                f"there is no coupling {self.coupling!r}; choose {', '.join(COUPLINGS)}"
            )


@dataclass(frozen=True)
class AdapterReport:
    """Mean losses since the last report, by the kind's name."""

    step: int
    minutes: float
    losses: dict[str, float]


class AdapterTrainer:
    """Owns the coupled network; `run` yields reports and keeps `adapters.safetensors` whole."""

    def __init__(
        self,
        model: Model,
        sequences: SourceShares,
        config: AdapterTrainingConfig,
        device: torch.device,
        base_hash: str = "",
    ) -> None:
        self.model, self.sequences, self.config, self.device = model, sequences, config, device
        self.base_hash = base_hash
        self.codec = model.codec.to(device).eval().requires_grad_(False)
        model.transformer.to(device)
        self.network = COUPLINGS[config.coupling](model, config.control).to(device)
        self.weights = channel_weights(self.codec).to(device)
        self.generator = torch.Generator().manual_seed(config.seed)
        self.structure = torch.Generator().manual_seed(config.seed)
        trained: dict[str, Tensor] = self.network.trained()  # type: ignore[operator]
        self.optimiser = torch.optim.AdamW(
            list(trained.values()), lr=config.learning_rate, betas=(0.9, 0.98), weight_decay=0.01
        )
        self.buffer: ReplayBuffer[JointEntry] = ReplayBuffer(
            self._make, config.buffer, config.uses, self.generator
        )
        self.step = 0

    def _make(self) -> JointEntry:
        sequence = self.sequences.draw(self.generator)
        draws = (self.config.entries, self.generator, self.device)
        return joint_entry(sequence, self.config.views, self.codec, *draws)

    def lesson(self) -> Lesson:
        """The next one; the same for every coupling with the same seed."""
        entries = [self.buffer.draw() for _ in range(self.config.batch)]
        return conditioning_lesson(entries, self.model.tokenizer, self.generator, self.structure)

    def loss(self, lesson: Lesson) -> LessonLoss:
        return lesson_loss(self.network(lesson.groups), lesson, self.weights)

    def run(self, out: Path | None = None) -> Iterator[AdapterReport]:
        """Trains until the minutes or steps are over."""
        config, started = self.config, time.monotonic()
        sums: dict[str, list[float]] = {}
        while True:
            spent = (time.monotonic() - started) / 60
            gone = max(spent / config.minutes, self.step / config.steps if config.steps else 0.0)
            if gone >= 1.0:
                break
            for kind, value in self._train_step(gone).items():
                sums.setdefault(kind.name.lower(), []).append(value)
            if self.step % config.report_every == 0:
                yield self._report(out, spent, sums)
                sums = {}
        yield self._report(out, (time.monotonic() - started) / 60, sums)

    def _train_step(self, gone: float) -> dict[Kind, float]:
        rate = self.config.learning_rate * min(1.0, (self.step + 1) / self.config.warm_up)
        for group in self.optimiser.param_groups:
            group["lr"] = rate * (1.0 - gone)
        with flushed_denormals():
            loss = self.loss(self.lesson())
            self.optimiser.zero_grad(set_to_none=True)
            loss.total.backward()  # type: ignore[no-untyped-call]
            parameters = [p for g in self.optimiser.param_groups for p in g["params"]]
            torch.nn.utils.clip_grad_norm_(parameters, 1.0)
            self.optimiser.step()
        self.step += 1
        return loss.by_kind

    def _report(
        self, out: Path | None, minutes: float, sums: dict[str, list[float]]
    ) -> AdapterReport:
        if out is not None:
            target = out / "adapters.safetensors"
            save_adapters(self.network, target, self.base_hash, self.config.control)  # type: ignore[arg-type]
        means = {name: sum(values) / len(values) for name, values in sums.items()}
        return AdapterReport(self.step, minutes, means)
