"""The check that checkpoints are chosen by: worlds that training never saw, never real pictures.

Everything is drawn as a walk draws it (`engine.queries`): as many steps, the photo's depth enlarged
and of its mirror image as well, the view's hint from the context's own wrong depth.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F

from engine.geometry.cameras import Camera
from engine.geometry.rendering import warp_views
from engine.model.kinds import Kind
from engine.model.model import Model
from engine.queries import (
    Engine,
    Hint,
    KnownView,
    SamplerSettings,
    draw_depth_of_photo,
    draw_view,
    finish,
    open_context,
)
from engine.queries.query import FloatArray
from engine.training.augmentation import disturbed_depth, uniform
from engine.training.entries import EntryConfig, chosen_views, prepared
from engine.training.sequences import PosedSequence

SETTINGS = SamplerSettings()
#: Context views of a drawn view.
CONTEXTS = 2
#: Less coverage than this is a hole.
_HOLE = 0.5


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
    engine, generator = Engine.of(model, str(device)), torch.Generator().manual_seed(7)
    depth_scores, view, hole, blind = [], [], [], []
    for sequence in sequences:
        depth_scores.append(_photo_depth(engine, sequence, config, generator))
        asked = _next_view(engine, sequence, config, generator)
        with_hint = _drawn(engine, asked, asked.hint, generator)
        everywhere = np.ones_like(asked.holes)
        view.append(_psnr(with_hint, asked.truth, everywhere))
        if asked.holes.mean() > 0.01:
            hole.append(_psnr(with_hint, asked.truth, asked.holes))
        blind.append(_psnr(_drawn(engine, asked, None, generator), asked.truth, everywhere))
    abs_rel, delta1 = (sum(column) / len(column) for column in zip(*depth_scores, strict=True))
    return HeldOutScore(abs_rel, delta1, _mean(view), _mean(hole), _mean(blind))


@dataclass(frozen=True, eq=False)
class _NextView:
    """A view to be drawn: its context, camera and hint, the true picture (H, W, 3) through the
    codec, and where the hint has holes, (H, W)."""

    context: list[KnownView]
    camera: Camera
    hint: Hint
    truth: FloatArray
    holes: FloatArray


def _mean(values: list[float]) -> float:
    return sum(values) / len(values) if values else float("nan")


def _psnr(picture: FloatArray, truth: FloatArray, weight: FloatArray) -> float:
    error = float((np.square(picture - truth).mean(-1) * weight).sum() / weight.sum())
    return float(-10 * np.log10(max(error, 1e-9)))


def _photo_depth(
    engine: Engine, sequence: PosedSequence, config: EntryConfig, generator: torch.Generator
) -> tuple[float, float]:
    """AbsRel and δ < 1.25 of the first view at the working size."""
    size = list(config.size)
    rgb = F.interpolate(sequence.rgb[:1], size, mode="bilinear", antialias=True)
    truth = F.interpolate(sequence.depth[:1], size, mode="nearest-exact")[0, 0].numpy()
    camera = Camera(np.eye(4), sequence.cameras[0].intrinsics)
    asked = draw_depth_of_photo(engine, _picture(rgb[0]), camera, SETTINGS, generator)
    found = finish(asked)
    known = np.isfinite(truth) & np.isfinite(found)
    if not known.any():
        return 1.0, 0.0
    ratio = found[known] / truth[known]
    ratio = ratio / np.median(ratio)
    delta = np.maximum(ratio, 1 / ratio) < 1.25
    return float(np.abs(ratio - 1).mean()), float(delta.mean())


def _next_view(
    engine: Engine, sequence: PosedSequence, config: EntryConfig, generator: torch.Generator
) -> _NextView:
    """A view of the sequence, and what two others show of it by depth as wrong as a drawn one."""
    views = chosen_views(sequence.cameras, CONTEXTS, 1, generator)
    part = prepared(sequence, views, config, generator)
    strength = uniform(generator, 0.0, config.depth_error)
    depth = disturbed_depth(part.depth[:CONTEXTS], generator, strength)[:, 0]
    camera, pictures = part.cameras[CONTEXTS], part.rgb.permute(0, 2, 3, 1)
    seen = warp_views(
        pictures[:CONTEXTS], depth, list(part.cameras[:CONTEXTS]), camera, *config.size
    )
    context = [
        KnownView(pictures[i].numpy(), depth[i].numpy(), camera=part.cameras[i])
        for i in range(CONTEXTS)
    ]
    picture = Kind.RGB.to_picture(part.rgb[CONTEXTS:].to(engine.device), 1.0)
    contents = engine.maker.contents([Kind.RGB], [picture])
    decoded = engine.maker.pictures([Kind.RGB], contents, [None])[0]
    truth = Kind.RGB.from_picture(decoded, 1.0)[0].cpu()
    holes = (seen.coverage < _HOLE).float().numpy()
    hint = Hint(seen.rgb, seen.depth, seen.coverage)
    return _NextView(context, camera, hint, _picture(truth), holes)


def _drawn(
    engine: Engine, asked: _NextView, hint: Hint | None, generator: torch.Generator
) -> FloatArray:
    context = open_context(engine, asked.context)
    drawn = finish(draw_view(engine, context, asked.camera, hint, SETTINGS, generator))
    return drawn.cpu().numpy()


def _picture(rgb: torch.Tensor) -> FloatArray:
    """(3, H, W) to (H, W, 3)."""
    return np.ascontiguousarray(rgb.permute(1, 2, 0).numpy())
