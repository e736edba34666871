"""The task of all variants: two views are known, a third one is asked along known cameras."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from engine.model.kinds import Kind
from engine.model.pictures import make_picture, noised
from engine.model.text import Words
from engine.model.tokens import Group, Picture
from engine.training.ablations.variants import Variant
from engine.training.augmentation import uniform
from engine.training.joint.entries import JointEntry
from engine.training.mixture import Lesson

#: Slots of the known views, and of the asked one: the last of a run of three.
KNOWN, ASKED = (0, 1), 2


def known_group(
    variant: Variant, entries: Sequence[JointEntry], with_geometry: bool = True
) -> Group:
    """The context: RGB of both known views, and what the variant adds."""
    pictures = []
    for slot in KNOWN:
        pictures.append(_clean(Kind.RGB, slot, entries))
        if variant.geometry is not None and with_geometry:
            pictures.append(_clean(variant.geometry, slot, entries))
    if variant.warp:
        warped = torch.stack([e.warped[Kind.RGB][ASKED] for e in entries])
        pictures.append(_observed(Kind.WARP, ASKED, warped, entries))
    return Group(tuple(pictures))


def asked_kinds(variant: Variant) -> tuple[Kind, ...]:
    """RGB, and what is drawn along with it."""
    return (Kind.RGB,) if variant.joint is None else (Kind.RGB, variant.joint)


def asked_group(
    variant: Variant,
    entries: Sequence[JointEntry],
    noisy: Sequence[Tensor],
    level: Tensor,
    tokenizer: Words,
) -> Group:
    """The asked view with contents `noisy`, one of each asked kind, at `level` (B,)."""
    kinds = asked_kinds(variant)
    rays = torch.stack([e.rays[ASKED] for e in entries])
    pictures = tuple(
        make_picture(kind, ASKED, content, level, rays)
        for kind, content in zip(kinds, noisy, strict=True)
    )
    prompt = torch.tensor([tokenizer.encode(kinds).ids] * len(entries), device=level.device)
    return Group(pictures, prompt, (0,), asked=True)


def ablation_lesson(
    variant: Variant,
    entries: Sequence[JointEntry],
    tokenizer: Words,
    generator: torch.Generator,
    structure: torch.Generator,
) -> Lesson:
    """One training pass of a variant."""
    with_geometry = uniform(structure, 0, 1) >= variant.dropout
    level = torch.randn(len(entries), generator=generator).mul(1.2).add(0.6).sigmoid()
    pure = torch.rand(len(entries), generator=generator) < 0.35
    level = torch.where(pure, torch.ones(()), level).to(entries[0].rays)
    answers, noisy = [], []
    for kind in asked_kinds(variant):
        clean = torch.stack([e.latents[kind][ASKED] for e in entries])
        answers.append(clean)
        noisy.append(noised(clean, level, generator))
    groups = (
        known_group(variant, entries, with_geometry),
        asked_group(variant, entries, noisy, level, tokenizer),
    )
    return Lesson(groups, tuple(answers))


def _clean(kind: Kind, slot: int, entries: Sequence[JointEntry]) -> Picture:
    content = torch.stack([e.latents[kind][slot] for e in entries])
    return _observed(kind, slot, content, entries)


def _observed(kind: Kind, slot: int, content: Tensor, entries: Sequence[JointEntry]) -> Picture:
    rays = torch.stack([e.rays[slot] for e in entries])
    return make_picture(kind, slot, content, rays=rays)
