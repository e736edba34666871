"""Rectified flow: noisy = (1 − t) · clean + t · noise, drawn by Euler steps from t = 1 to 0.

`engine.sampling.joint` draws; it is a generator that yields between steps, so a caller may stop
there, and returns the clean contents.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import TypeVar

import torch
from torch import Tensor

Answer = TypeVar("Answer")


@dataclass(frozen=True)
class Step:
    """One network pass is done: number `index` (from 1) of `total` for the picture named."""

    picture: str
    index: int
    total: int


Drawing = Generator[Step, None, Answer]


@dataclass(frozen=True)
class FlowConfig:
    """`shift` above 1 spends more of the steps near pure noise, where the layout is decided."""

    steps: int = 4
    shift: float = 1.5

    def __post_init__(self) -> None:
        if not 1 <= self.steps <= 64:
            raise ValueError(f"sampling takes 1 to 64 steps, not {self.steps}")


def levels(config: FlowConfig) -> list[float]:
    """Noise levels from 1 to 0, `steps` + 1 of them."""
    even = [1.0 - i / config.steps for i in range(config.steps + 1)]
    return [config.shift * t / (1 + (config.shift - 1) * t) for t in even]


def finish(steps: Generator[object, None, Answer]) -> Answer:
    """Runs a drawing, or a step of a walk, to its end."""
    while True:
        try:
            next(steps)
        except StopIteration as stop:
            return stop.value  # type: ignore[no-any-return]


def standard_noise(shape: tuple[int, ...], generator: torch.Generator, like: Tensor) -> Tensor:
    """Drawn on the CPU, so that a seed means the same noise on every device."""
    return torch.randn(shape, generator=generator).to(like)
