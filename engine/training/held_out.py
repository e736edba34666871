"""The check that checkpoints are chosen by: worlds that training never saw, never real pictures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from engine.geometry.pictures import picture_to_depth
from engine.geometry.rays import plucker_rays
from engine.model.model import Model
from engine.model.text import Kind
from engine.model.tokens import Group, Picture
from engine.model.transformer import Cache
from engine.sampling.flow import FlowConfig, euler, finish, standard_noise
from engine.training.entries import EntryConfig, WalkEntry, walk_entry
from engine.training.sequences import PosedSequence


@dataclass(frozen=True)
class HeldOutScore:
    """Means over held-out worlds.

    Attributes:
        photo_abs_rel: depth of a single view after a median scale, |d − d*| / d*.
        photo_delta1: share of pixels within 25 %.
        view_psnr: next view with a hint, against truth through the codec, dB.
        hole_psnr: the same where coverage is below one half.
        blind_psnr: next view without a hint.
    """

    photo_abs_rel: float
    photo_delta1: float
    view_psnr: float
    hole_psnr: float
    blind_psnr: float


@torch.no_grad()
def held_out_score(
    model: Model, sequences: Sequence[PosedSequence], config: EntryConfig, device: torch.device
) -> HeldOutScore:
    """Draws a depth and two next views from each sequence, with fixed noise."""
    generator = torch.Generator().manual_seed(7)
    depth_scores, view, hole, blind = [], [], [], []
    for sequence in sequences:
        depth_scores.append(_photo_depth(model, sequence, config, generator, device))
        entry = walk_entry(sequence, 2, model.codec, config, generator, device)
        truth = model.codec.decode(entry.rgb[2:3])
        covered = _coverage_of(entry, truth)
        with_hint = _next_view(model, entry, True, generator)
        view.append(_psnr(with_hint, truth, torch.ones_like(covered)))
        if float((covered < 0.5).float().mean()) > 0.01:
            hole.append(_psnr(with_hint, truth, (covered < 0.5).float()))
        blind.append(
            _psnr(_next_view(model, entry, False, generator), truth, torch.ones_like(covered))
        )
    abs_rel, delta1 = (sum(column) / len(column) for column in zip(*depth_scores, strict=True))
    return HeldOutScore(abs_rel, delta1, _mean(view), _mean(hole), _mean(blind))


def _mean(values: list[float]) -> float:
    return sum(values) / len(values) if values else float("nan")


def _psnr(picture: Tensor, truth: Tensor, weight: Tensor) -> float:
    error = ((picture - truth).square().mean(1, keepdim=True) * weight).sum() / weight.sum()
    return float(10 * torch.log10(4.0 / error.clamp_min(1e-8)))


def _coverage_of(entry: WalkEntry, picture: Tensor) -> Tensor:
    small = entry.hints[:1, -1:]
    return torch.nn.functional.interpolate(small, size=picture.shape[-2:], mode="nearest")


def _sampled(
    model: Model, asked: Picture, group_cache: Cache, steps: int, generator: torch.Generator
) -> Tensor:
    prompt = torch.tensor([model.tokenizer.encode(asked.kind).ids], device=asked.content.device)
    noise = standard_noise(tuple(asked.content.shape), generator, asked.content)

    def predict(noisy: Tensor, level: float) -> Tensor:
        levels = torch.full((1,), level, device=noisy.device)
        picture = Picture(asked.kind, asked.slot, noisy, levels, asked.rays, asked.hint)
        return model.transformer.predict(Group((picture,), prompt, asked=True), group_cache)[0]

    return finish(euler(predict, noise, FlowConfig(steps), asked.kind.name))


def _photo_depth(
    model: Model,
    sequence: PosedSequence,
    config: EntryConfig,
    generator: torch.Generator,
    device: torch.device,
) -> tuple[float, float]:
    """AbsRel and δ < 1.25 of the first view at the working size."""
    size = list(config.size)
    rgb = torch.nn.functional.interpolate(sequence.rgb[:1], size, mode="bilinear", antialias=True)
    depth = torch.nn.functional.interpolate(sequence.depth[:1], size, mode="nearest-exact")
    clean = torch.zeros(1, device=device)
    rays = plucker_rays(
        sequence.cameras[0].relative_to(sequence.cameras[0]), size[0] // 16, size[1] // 16
    )
    rays = rays[None].to(device)
    latent = model.codec.encode(rgb.to(device) * 2 - 1)
    seen = Group((Picture(Kind.RGB, 0, latent, clean, rays),))
    cache = model.transformer.remember(seen, Cache())
    asked = Picture(Kind.DEPTH, 0, torch.zeros_like(latent), clean, rays)
    picture = model.codec.decode(_sampled(model, asked, cache, 2, generator)).mean(1)
    found, truth = picture_to_depth(picture[0].cpu(), 1.0), depth[0, 0]
    known = truth.isfinite() & found.isfinite()
    if not bool(known.any()):
        return 1.0, 0.0
    ratio = found[known] / truth[known]
    ratio = ratio / ratio.median()
    delta = torch.maximum(ratio, 1 / ratio) < 1.25
    return float((ratio - 1).abs().mean()), float(delta.float().mean())


def _next_view(model: Model, entry: WalkEntry, hinted: bool, generator: torch.Generator) -> Tensor:
    """The first target of an entry, decoded."""
    clean = torch.zeros(1, device=entry.rgb.device)
    pictures = []
    for slot in range(entry.contexts):
        rays = entry.rays[slot : slot + 1]
        pictures.append(Picture(Kind.RGB, slot, entry.rgb[slot : slot + 1], clean, rays))
        pictures.append(Picture(Kind.DEPTH, slot, entry.depth[slot : slot + 1], clean, rays))
    cache = model.transformer.remember(Group(tuple(pictures)), Cache())
    slot = entry.contexts
    hint = entry.hints[:1] if hinted else None
    empty = torch.zeros_like(entry.rgb[:1])
    asked = Picture(Kind.RGB, slot, empty, clean, entry.rays[slot : slot + 1], hint)
    return model.codec.decode(_sampled(model, asked, cache, 4, generator))
