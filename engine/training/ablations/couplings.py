"""Seed 001's two tables of training: how pictures and geometry are coupled, and for how long.

Adapters of equal size are trained beside the same frozen model on the same lessons; each coupling
is scored at a third, two thirds and all of its steps, on unseen worlds.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch

from engine.model.control.joint_network import ControlConfig, Coupling
from engine.model.control.lora import LoraConfig
from engine.model.control.networks import at_equal_budget
from engine.model.model import Model
from engine.training.adapters import AdapterTrainer, AdapterTrainingConfig
from engine.training.buffer import SourceShares
from engine.training.entries import EntryConfig

NAME = "coupling"


@dataclass(frozen=True)
class CouplingConfig:
    """Attributes:
    steps: of every coupling and seed; scored at each third of them.
    rank, links: of the decoupled adapters; the others get a rank of the same size.
    size: (H, W) of pictures.
    """

    steps: int = 150
    seeds: int = 3
    batch: int = 8
    learning_rate: float = 2e-3
    rank: int = 8
    links: int = 3
    size: tuple[int, int] = (64, 96)


@dataclass(frozen=True)
class CouplingRow:
    """Held-out loss of one coupling after so many steps; `losses` by kind, one value a seed."""

    coupling: str
    steps: int
    losses: dict[str, tuple[float, ...]]

    def mean(self, kind: str) -> float:
        return float(np.mean(self.losses[kind]))

    def spread(self, kind: str) -> float:
        """Standard deviation over the seeds."""
        values = self.losses[kind]
        return float(np.std(values, ddof=1)) if len(values) > 1 else math.nan


@dataclass(frozen=True)
class CouplingData:
    """Worlds to learn from, and unseen ones."""

    learned: SourceShares
    held_out: SourceShares
    device: torch.device


def run_couplings(
    model: Model, data: CouplingData, config: CouplingConfig, tell: Callable[[str], None]
) -> list[CouplingRow]:
    """Trains every coupling from every seed; the model's own weights stay as they are."""
    scores: dict[tuple[str, int], dict[str, list[float]]] = {}
    for coupling in Coupling:
        for seed in range(config.seeds):
            trainer = _trainer(model, data, config, coupling, seed)
            for report in trainer.run():
                found = scores.setdefault((coupling.value, report.step), {})
                for kind, loss in report.held_out.items():
                    found.setdefault(kind, []).append(loss)
                told = "  ".join(f"{k} {v:.4f}" for k, v in sorted(report.held_out.items()))
                tell(f"{NAME}: {coupling.value}, seed {seed}, step {report.step}: {told}")
    return [
        CouplingRow(name, steps, {kind: tuple(values) for kind, values in found.items()})
        for (name, steps), found in scores.items()
    ]


def _trainer(
    model: Model, data: CouplingData, config: CouplingConfig, coupling: Coupling, seed: int
) -> AdapterTrainer:
    control = ControlConfig(
        lora=LoraConfig(config.rank, float(config.rank)), links=config.links, seed=seed
    )
    if coupling is not Coupling.DECOUPLED:
        control = at_equal_budget(model.transformer, control, coupling)
    training = AdapterTrainingConfig(
        minutes=math.inf,
        steps=config.steps,
        learning_rate=config.learning_rate,
        batch=config.batch,
        report_every=max(1, config.steps // 3),
        seed=seed,
        control=control,
        entries=replace(EntryConfig(), size=config.size),
    )
    return AdapterTrainer(model, data.learned, training, data.device, data.held_out)


def couplings_table(rows: Sequence[CouplingRow]) -> str:
    """Mean and spread over the seeds, as text; losses are those of training, lower is better."""
    kinds = sorted({kind for row in rows for kind in row.losses})
    lines = [f"{NAME} (seed 001: decoupled control, and steps of training; held-out losses)"]
    lines.append("  " + " ".join([f"{'':26}", *(f"{kind:>18}" for kind in kinds)]))
    for row in rows:
        cells = [f"{row.mean(kind):9.4f} ± {row.spread(kind):6.4f}" for kind in kinds]
        lines.append("  " + " ".join([f"{row.coupling + f', {row.steps} steps':26}", *cells]))
    return "\n".join(lines)
