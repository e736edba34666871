"""Draws several pictures at once, some of whose patches may be seen and may lose that trust.

Every patch has its own noise level: 0 where it is seen, the sampler's level where it is asked
(seed 000, diffusion forcing). Three ways to hold on to what is seen:

trusted throughout     seen patches stay at level 0                     (seeds 000, 001 and 004)
distrusted from τ on   below level τ they are noised again and drawn with the others, so that wrong
                       warps are repaired ("stochastic conditioning", seed 004)
replaced               the network sees every patch at the sampler's level, and the seen ones are
                       set back to their noised truth at each step (seed 002 §4.2; the usual
                       guidance that seed 004 compares with)

Langevin steps (Song et al. 2021, algorithm 4) may follow every step (seed 002 §4.2).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor

from engine.model.encoders.features import Features
from engine.model.kinds import Kind
from engine.model.pictures import make_picture
from engine.model.tokens import Picture, spread
from engine.sampling.flow import Drawing, FlowConfig, Step, levels, standard_noise


@dataclass(frozen=True)
class JointSampling:
    """How pictures are drawn together.

    Attributes:
        steps: passes of the network.
        shift: see `FlowConfig`.
        corrections: Langevin steps after each step but the last.
        correction_strength: signal-to-noise ratio r of a Langevin step.
        replace: seen patches are replaced at each step instead of shown at level 0.
        guidance: how far predictions are pushed towards the caption; 1 leaves them as they are,
            anything else costs a second pass (Ho and Salimans 2022).
    """

    steps: int = 4
    shift: float = 1.5
    corrections: int = 0
    correction_strength: float = 0.16
    replace: bool = False
    guidance: float = 1.0

    def __post_init__(self) -> None:
        if self.corrections < 0:
            raise ValueError(f"corrections cannot be {self.corrections}; give 0 or more")
        FlowConfig(self.steps, self.shift)


@dataclass(frozen=True)
class Target:
    """A picture to be drawn.

    Attributes:
        kind, slot: what it is.
        shape: (1, C, h, w) of its content.
        rays: of its view, where the camera is known.
        shown: content of the patches that are seen, like `shape`; None where none is.
        seen: (N,) bool, which patches those are.
        trusted_until: τ; seen patches are trusted while the level is above it.
        hint, features: see `Picture`.
    """

    kind: Kind
    slot: int
    shape: tuple[int, ...]
    rays: Tensor | None = None
    shown: Tensor | None = None
    seen: Tensor | None = None
    trusted_until: float = 0.0
    hint: Tensor | None = None
    features: tuple[Features, ...] = ()

    def __post_init__(self) -> None:
        if (self.shown is None) != (self.seen is None):
            raise ValueError("a partly seen picture needs both what is shown and which patches")
        if not 0.0 <= self.trusted_until <= 1.0:
            raise ValueError(f"trusted_until is a noise level in [0, 1], not {self.trusted_until}")


Predict = Callable[[Sequence[Picture]], Sequence[Tensor]]
"""Clean contents of noisy pictures."""


def draw_pictures(
    predict: Predict,
    targets: Sequence[Target],
    config: JointSampling,
    generator: torch.Generator,
    device: torch.device,
) -> Drawing[list[Tensor]]:
    """Clean contents of `targets`; yields after every pass of the network."""
    like = torch.zeros((), device=device)
    state = [standard_noise(t.shape, generator, like) for t in targets]
    schedule = levels(FlowConfig(config.steps, config.shift))
    total = config.steps + config.corrections * (config.steps - 1)
    name = " + ".join(dict.fromkeys(t.kind.name for t in targets))
    done = 0
    previous = 2.0
    for level, following in pairwise(schedule):
        state = _prepared(targets, state, level, previous, config, generator)
        clean = predict(_pictures(targets, state, level, config))
        state = [c + (x - c) * (following / level) for x, c in zip(state, clean, strict=True)]
        done += 1
        yield Step(name, done, total)
        for _ in range(config.corrections if following > 0 else 0):
            # What is seen anew below must be noised at the level that the state has reached.
            held = _prepared(targets, state, following, level, config, generator)
            clean = predict(_pictures(targets, held, following, config))
            state = _langevin(held, clean, following, config, generator)
            done += 1
            yield Step(name, done, total)
        previous = following if config.corrections else level
    return [_with_seen(t, x) for t, x in zip(targets, state, strict=True)]


def _trusted(target: Target, level: float) -> bool:
    return target.seen is not None and level > target.trusted_until


def _wide(target: Target) -> Tensor:
    """`seen` at the resolution of the content, (1, 1, h, w)."""
    assert target.seen is not None
    height, width = target.shape[-2:]
    patch = target.kind.patch
    return spread(target.seen[None], (height // patch, width // patch), patch)


def _prepared(
    targets: Sequence[Target],
    state: Sequence[Tensor],
    level: float,
    previous: float,
    config: JointSampling,
    generator: torch.Generator,
) -> list[Tensor]:
    """The state at `level`, with its seen patches noised where the network is to draw them."""
    prepared = []
    for target, x in zip(targets, state, strict=True):
        loses_trust = _trusted(target, previous) and not _trusted(target, level)
        if target.shown is not None and (
            loses_trust or (config.replace and _trusted(target, level))
        ):
            noise = standard_noise(target.shape, generator, x)
            noised = (1 - level) * target.shown.to(x) + level * noise
            x = torch.where(_wide(target), noised, x)
        prepared.append(x)
    return prepared


def _pictures(
    targets: Sequence[Target], state: Sequence[Tensor], level: float, config: JointSampling
) -> list[Picture]:
    pictures = []
    for target, x in zip(targets, state, strict=True):
        levels_ = torch.full((1,), level, device=x.device)
        if _trusted(target, level) and not config.replace:
            assert target.seen is not None
            assert target.shown is not None
            x = torch.where(_wide(target), target.shown.to(x), x)
            levels_ = torch.where(target.seen, 0.0, level)[None].to(x)
        told = (target.rays, target.hint, target.features)
        pictures.append(make_picture(target.kind, target.slot, x, levels_, *told))
    return pictures


def _langevin(
    state: Sequence[Tensor],
    clean: Sequence[Tensor],
    level: float,
    config: JointSampling,
    generator: torch.Generator,
) -> list[Tensor]:
    """One step along the score of the noisy content at its own level."""
    epsilon = 2.0 * (config.correction_strength * level) ** 2
    moved = []
    for x, c in zip(state, clean, strict=True):
        score = ((1 - level) * c - x) / level**2
        noise = standard_noise(tuple(x.shape), generator, x)
        moved.append(x + epsilon * score + (2 * epsilon) ** 0.5 * noise)
    return moved


def _with_seen(target: Target, x: Tensor) -> Tensor:
    """Patches that were trusted to the end are as they were shown."""
    if target.shown is None or target.trusted_until > 0:
        return x
    return torch.where(_wide(target), target.shown.to(x), x)
