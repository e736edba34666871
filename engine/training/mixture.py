"""The mixture of queries that one model is taught, as groups of tokens with their true answers.

photo  RGB 0 → DEPTH 0                                      (the first view's depth)
walk   context → RGB i; context + RGB i → DEPTH i           (seed 003, eq. 10; else eq. 12)
warp   context → WARP i; context + WARP i → RGB i, DEPTH i  (seed 003, eq. 9 and 11)
bare   context RGB → RGB i, where there is no depth         (seed 003, table 3: no geometry)
joint  several pictures of several views at once            (engine/training/joint)

Losses are taken only on asked pictures.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from engine.model.kinds import Kind
from engine.model.pictures import make_picture, noised
from engine.model.text import Words
from engine.model.tokens import Group, Picture, spread
from engine.model.transformer import preconditioning
from engine.training.augmentation import uniform
from engine.training.bare import BareWalk
from engine.training.entries import PhotoEntry, WalkEntry
from engine.training.looking import Looking, Seen


@dataclass(frozen=True)
class MixtureConfig:
    """Probabilities of what is dropped or disturbed in one step.

    Attributes:
        photo, warp, joint: shares of steps that teach the first view's depth, the simulated warp
            and the joint queries; walks get the rest.
        bare: share of steps that learn from pictures without depth; the others have the rest.
        drop_geometry: the context has no DEPTH (geometry dropout, seed 003 §4.3).
        drop_hint: asked pictures get no hint.
        views_only: share of walks that ask no depth.
        drop_caption: the prompt is the modality alone.
        corruption: largest noise level that observed pictures are given.
        pure_noise: share of asked pictures that start from noise alone, in joint lessons.
        walk_pure_noise: the same for what walks ask.
        photo_pure_noise: the same for a single view's depth, which is drawn in one step.
    """

    photo: float = 0.4
    warp: float = 0.06
    joint: float = 0.0
    bare: float = 0.0
    drop_geometry: float = 0.3
    drop_hint: float = 0.25
    views_only: float = 0.0
    drop_caption: float = 0.7
    corruption: float = 0.15
    pure_noise: float = 0.35
    walk_pure_noise: float = 0.35
    photo_pure_noise: float = 0.75


@dataclass(frozen=True)
class Lesson:
    """One training pass: groups, and for each asked picture, in order, its clean content."""

    groups: tuple[Group, ...]
    answers: tuple[Tensor, ...]


class LessonPlan:
    """Builds lessons of one batch size; all entries of a batch share one structure.

    `structure` decides what is dropped and `generator` draws noise: processes that train
    together share the first and differ in the second. `looking` has the image encoders that look at
    the colours that are observed, and at those of hints; without it nobody does.
    """

    def __init__(
        self,
        config: MixtureConfig,
        tokenizer: Words,
        generator: torch.Generator,
        structure: torch.Generator,
        looking: Looking | None = None,
    ) -> None:
        self.config, self.tokenizer = config, tokenizer
        self.generator, self.structure = generator, structure
        self.looking = looking

    def _chance(self, share: float) -> bool:
        return uniform(self.structure, 0, 1) < share

    def _prompt(self, kind: Kind, captions: Sequence[str], device: torch.device) -> Tensor:
        dropped = self._chance(self.config.drop_caption)
        if all(captions) and not dropped:
            ids = [self.tokenizer.encode(kind, caption).ids for caption in captions]
        else:
            ids = [self.tokenizer.encode(kind).ids] * len(captions)
        return torch.tensor(ids, device=device)

    def _asked(
        self,
        kind: Kind,
        slot: int,
        clean: Tensor,
        rays: Tensor,
        pure_noise: float,
        hint: Tensor | None = None,
        seen: Seen = (),
    ) -> Picture:
        """`clean` mixed with noise at a random level for each member of the batch.

        Args:
            seen: what encoders see in the hint.
        """
        batch = len(clean)
        level = torch.randn(batch, generator=self.generator).mul(1.2).add(0.6).sigmoid()
        pure = torch.rand(batch, generator=self.generator) < pure_noise
        level = torch.where(pure, torch.ones(()), level).to(clean)
        noisy = noised(clean, level, self.generator)
        return make_picture(kind, slot, noisy, level, rays, hint, seen)

    def _observed(
        self,
        kind: Kind,
        slot: int,
        clean: Tensor,
        rays: Tensor,
        seen: Seen = (),
    ) -> Picture:
        """Slightly noisy at times, and told so: what is drawn on a walk is never perfect either.

        Args:
            seen: what encoders see in the pictures.
        """
        level = torch.rand(len(clean), generator=self.generator) * self.config.corruption
        level = level * (torch.rand(len(clean), generator=self.generator) < 0.5)
        level = level.to(clean)
        content = noised(clean, level, self.generator)
        return make_picture(kind, slot, content, level, rays, features=seen)

    def _look(
        self, kind: Kind, entries: Sequence[object], name: str, view: int | None = None
    ) -> Seen:
        return () if self.looking is None else self.looking.at(kind, entries, name, view)

    def photo(self, entries: Sequence[PhotoEntry]) -> Lesson:
        rgb = torch.stack([e.rgb for e in entries])
        depth = torch.stack([e.depth for e in entries])
        rays = torch.stack([e.rays for e in entries])
        prompt = self._prompt(Kind.DEPTH, [e.caption for e in entries], rgb.device)
        looked = self._look(Kind.RGB, entries, "picture")
        seen = Group((self._observed(Kind.RGB, 0, rgb, rays, looked),))
        share = self.config.photo_pure_noise
        asked = self._asked(Kind.DEPTH, 0, depth, rays, share)
        return Lesson((seen, Group((asked,), prompt, (0,), asked=True)), (depth,))

    def _context(
        self, entries: Sequence[WalkEntry], rgb: Tensor, depth: Tensor, rays: Tensor
    ) -> Group:
        with_depth = not self._chance(self.config.drop_geometry)
        pictures = []
        for slot in range(entries[0].contexts):
            seen = self._look(Kind.RGB, entries, "pictures", slot)
            pictures.append(self._observed(Kind.RGB, slot, rgb[:, slot], rays[:, slot], seen))
            if with_depth:
                pictures.append(self._observed(Kind.DEPTH, slot, depth[:, slot], rays[:, slot]))
        return Group(tuple(pictures))

    def walk(self, entries: Sequence[WalkEntry], simulate_warp: bool = False) -> Lesson:
        rgb = torch.stack([e.rgb for e in entries])  # (B, V, C, h, w)
        depth = torch.stack([e.depth for e in entries])
        rays = torch.stack([e.rays for e in entries])
        hints = torch.stack([e.hints for e in entries])
        captions, slot = [e.caption for e in entries], entries[0].contexts
        hinted = not (simulate_warp or self._chance(self.config.drop_hint))
        views_only = self.config.views_only > 0 and self._chance(self.config.views_only)
        groups = [self._context(entries, rgb, depth, rays)]
        answers = []
        for target in range(hints.shape[1]):
            view = slot + target
            hint = hints[:, target] if hinted else None
            sees: tuple[int, ...] = (0,)
            if simulate_warp:
                warp = hints[:, target, : rgb.shape[2]]
                groups.append(self._ask(Kind.WARP, slot, warp, rays[:, view], None, captions, sees))
                answers.append(warp)
                sees = (*sees, len(groups))
                filled = self._look(Kind.WARP, entries, "warps", target)
                seen = self._observed(Kind.WARP, slot, warp, rays[:, view], filled)
                groups.append(Group((seen,), sees=(0,)))
            # As in drawing, what is seen in a hint joins asked colours alone.
            hinted_at = self._look(Kind.RGB, entries, "warps", target) if hinted else ()
            asked = (Kind.RGB, slot, rgb[:, view], rays[:, view], hint, captions, sees, hinted_at)
            groups.append(self._ask(*asked))
            answers.append(rgb[:, view])
            if views_only:
                continue
            looked = self._look(Kind.RGB, entries, "pictures", view)
            drawn = self._observed(Kind.RGB, slot, rgb[:, view], rays[:, view], looked)
            groups.append(Group((drawn,), sees=sees))
            sees = (*sees, len(groups) - 1)
            groups.append(
                self._ask(Kind.DEPTH, slot, depth[:, view], rays[:, view], hint, captions, sees)
            )
            answers.append(depth[:, view])
        return Lesson(tuple(groups), tuple(answers))

    def bare_walk(self, entries: Sequence[BareWalk]) -> Lesson:
        """New views by their rays alone: no depth is seen or asked, and there is no hint."""
        rgb = torch.stack([e.rgb for e in entries])  # (B, V, C, h, w)
        rays = torch.stack([e.rays for e in entries])
        captions, slot = [e.caption for e in entries], entries[0].contexts
        seen = [self._look(Kind.RGB, entries, "pictures", i) for i in range(slot)]
        context = [self._observed(Kind.RGB, i, rgb[:, i], rays[:, i], seen[i]) for i in range(slot)]
        groups, answers = [Group(tuple(context))], []
        for view in range(slot, rgb.shape[1]):
            clean = rgb[:, view]
            groups.append(self._ask(Kind.RGB, slot, clean, rays[:, view], None, captions, (0,)))
            answers.append(clean)
        return Lesson(tuple(groups), tuple(answers))

    def _ask(
        self,
        kind: Kind,
        slot: int,
        clean: Tensor,
        rays: Tensor,
        hint: Tensor | None,
        captions: Sequence[str],
        sees: tuple[int, ...],
        seen: Seen = (),
    ) -> Group:
        picture = self._asked(kind, slot, clean, rays, self.config.walk_pure_noise, hint, seen)
        return Group((picture,), self._prompt(kind, captions, clean.device), sees, asked=True)


#: Robust errors of depth grow as squares below this, as distances above; and their weight, by which
#: gradients are as large as those of squares where the mean square is that of a trained network.
_SMALL_ERROR, _ROBUST_WEIGHT = 0.05, 0.4


@dataclass(frozen=True)
class LessonLoss:
    """`total` to minimise; `by_kind` its mean for each kind asked, detached."""

    total: Tensor
    by_kind: dict[Kind, float]


def lesson_loss(
    predictions: Sequence[Sequence[Tensor]],
    lesson: Lesson,
    channel_weights: Tensor,
    robust_depth: bool = False,
) -> LessonLoss:
    """Squared error of clean latents over the level's own scale (see `preconditioning`).

    Args:
        channel_weights: (C,) how much each latent channel moves the decoded picture.
        robust_depth: depth by `robust` errors of latent pixels instead, which rather take one
            side than settle between near and far.
    """
    losses: dict[Kind, list[Tensor]] = {}
    answers = iter(lesson.answers)
    for group, found in zip(lesson.groups, predictions, strict=True):
        for picture, prediction in zip(group.pictures, found, strict=False):
            error = _scaled_error(prediction.float() - next(answers).float(), picture)
            error = error * picture.kind.loss_weight
            if picture.kind.encoded:
                error = error * channel_weights[:, None, None]
            if robust_depth and picture.kind is Kind.DEPTH:
                error = robust(error)
            losses.setdefault(picture.kind, []).append(error.mean())
    means = {kind: torch.stack(values).mean() for kind, values in losses.items()}
    total = torch.stack(list(means.values())).sum()
    return LessonLoss(total, {kind: float(mean.detach()) for kind, mean in means.items()})


def robust(squared: Tensor) -> Tensor:
    """(B, h, w) pseudo-Huber error of latent pixels, of squared errors (B, C, h, w); 0 at 0.

    Song and Dhariwal 2023 (arXiv 2310.14189): the best guess is nearly a median, not the mean.
    """
    return _ROBUST_WEIGHT * ((squared.mean(1) + _SMALL_ERROR**2).sqrt() - _SMALL_ERROR)


def _scaled_error(error: Tensor, picture: Picture) -> Tensor:
    """Squared error (B, C, h, w) over the level's scale; 0 where a patch was observed."""
    level = picture.level.float()
    rows, columns = picture.grid
    if level.ndim == 1:
        level = level[:, None].expand(-1, rows * columns)
    _, out = preconditioning(level.clamp_min(0.02))
    weight = (level > 0) / out.square()
    return error.square() * spread(weight, (rows, columns), picture.kind.patch)
