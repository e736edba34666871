"""Unified masked conditioning (seed 001, §3.3): some frames are seen, all points are asked.

All pictures are in one group, so that networks which couple RGB and points by token can learn from
the same lessons as those that do not.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from engine.model.kinds import Kind
from engine.model.pictures import make_picture, noised
from engine.model.text import Words
from engine.model.tokens import Group
from engine.training.augmentation import uniform
from engine.training.joint.entries import JointEntry
from engine.training.mixture import Lesson

#: Shares of lessons with one frame, some frames and all frames (seed 001, §4.1).
TASK_SHARES = (0.35, 0.30, 0.35)


def observed_frames(views: int, structure: torch.Generator) -> tuple[int, ...]:
    """The first frame, the first and some others, or all."""
    draw = uniform(structure, 0, 1)
    if draw < TASK_SHARES[0]:
        return (0,)
    if draw < TASK_SHARES[0] + TASK_SHARES[1]:
        others = [v for v in range(1, views) if uniform(structure, 0, 1) < 0.5]
        return (0, *others)
    return tuple(range(views))


def conditioning_lesson(
    entries: Sequence[JointEntry],
    tokenizer: Words,
    generator: torch.Generator,
    structure: torch.Generator,
) -> Lesson:
    """RGB of every view, at level 0 where it is observed, and XYZ of every view."""
    views = entries[0].views
    seen = observed_frames(views, structure)
    pictures, answers = [], []
    level = _levels(len(entries), generator)
    for slot in range(views):
        for kind in (Kind.RGB, Kind.XYZ):
            clean = torch.stack([e.latents[kind][slot] for e in entries])
            own = (level * float(kind is Kind.XYZ or slot not in seen)).to(clean)
            pictures.append(make_picture(kind, slot, noised(clean, own, generator), own))
            answers.append(clean)
    ids = tokenizer.encode((Kind.RGB, Kind.XYZ)).ids
    prompt = torch.tensor([ids] * len(entries), device=entries[0].rays.device)
    return Lesson((Group(tuple(pictures), prompt, (), asked=True),), tuple(answers))


def _levels(batch: int, generator: torch.Generator) -> Tensor:
    level = torch.randn(batch, generator=generator).mul(1.2).add(0.6).sigmoid()
    pure = torch.rand(batch, generator=generator) < 0.35
    return torch.where(pure, torch.ones(()), level)
