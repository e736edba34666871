"""Joint lessons: one pattern, several sequences, as groups of tokens with their answers."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from engine.model.kinds import Kind
from engine.model.pictures import make_picture, noised
from engine.model.text import Words
from engine.model.tokens import Group, Picture, spread
from engine.training.augmentation import uniform
from engine.training.joint.entries import JointEntry
from engine.training.joint.patterns import Mask, Pattern, PictureName
from engine.training.looking import Looking
from engine.training.mixture import Lesson, MixtureConfig

#: Share of lessons in which every asked picture has a noise level of its own (diffusion forcing).
_OWN_LEVELS = 0.3


class JointPlan:
    """Builds lessons of a pattern; `structure` decides for the batch, `generator` draws noise."""

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

    def lesson(self, pattern: Pattern, entries: Sequence[JointEntry]) -> Lesson:
        """Observed pictures first, then one asked group that sees them and itself."""
        batch, device = len(entries), entries[0].rays.device
        level = self._levels(batch)
        own = uniform(self.structure, 0, 1) < _OWN_LEVELS
        asked, answers = [], []
        for name in (*pattern.asked, *pattern.partial):
            picture_level = (self._levels(batch) if own else level).to(device)
            clean = self._content(entries, name)
            answers.append(clean)
            if name in pattern.partial:
                asked.append(self._partial(pattern, name, entries, picture_level))
            else:
                noisy = noised(clean, picture_level, self.generator)
                rays = self._rays(pattern, name, entries)
                asked.append(make_picture(name[0], name[1], noisy, picture_level, rays))
        groups = self._observed(pattern, entries)
        prompt = self._prompt(pattern, entries, device)
        sees = tuple(range(len(groups)))
        groups.append(Group(tuple(asked), prompt, sees, asked=True))
        return Lesson(tuple(groups), tuple(answers))

    # -- pictures --------------------------------------------------------------------------

    def _observed(self, pattern: Pattern, entries: Sequence[JointEntry]) -> list[Group]:
        pictures, looking = [], self.looking
        for name in pattern.observed:
            clean = self._content(entries, name)
            level = torch.rand(len(entries), generator=self.generator) * self.config.corruption
            level = level * (torch.rand(len(entries), generator=self.generator) < 0.5)
            level = level.to(clean)
            rays = self._rays(pattern, name, entries)
            seen = looking.at(name[0], entries, "pictures", name[1]) if looking else ()
            content = noised(clean, level, self.generator)
            pictures.append(make_picture(*name, content, level, rays, features=seen))
        return [Group(tuple(pictures))] if pictures else []

    def _partial(
        self, pattern: Pattern, name: PictureName, entries: Sequence[JointEntry], level: Tensor
    ) -> Picture:
        """Seen patches hold what is seen at level 0, the others noise at `level`."""
        kind, slot = name
        clean = self._content(entries, name)
        seen = self._mask(pattern, slot, entries)  # (B, N)
        rows, columns = clean.shape[-2] // kind.patch, clean.shape[-1] // kind.patch
        shown = clean
        if pattern.mask is Mask.WARPED:
            shown = torch.stack([e.warped[kind][slot] for e in entries])
        wide = spread(seen, (rows, columns), kind.patch)
        content = torch.where(wide, shown, noised(clean, level, self.generator))
        levels = torch.where(seen, torch.zeros_like(level[:, None]), level[:, None])
        return make_picture(kind, slot, content, levels, self._rays(pattern, name, entries))

    def _mask(self, pattern: Pattern, slot: int, entries: Sequence[JointEntry]) -> Tensor:
        if pattern.mask is Mask.WARPED:
            return torch.stack([e.seen[slot] for e in entries])
        device = entries[0].rays.device
        rows, columns = entries[0].rays.shape[-2:]
        chosen = [
            self._random_mask(rows, columns)
            if pattern.mask is Mask.RANDOM
            else self._all_but_a_region(rows, columns)
            for _ in entries
        ]
        return torch.stack(chosen).to(device)

    def _random_mask(self, rows: int, columns: int) -> Tensor:
        share = uniform(self.generator, 0.05, 0.8)
        return torch.rand(rows * columns, generator=self.generator) < share

    def _all_but_a_region(self, rows: int, columns: int) -> Tensor:
        mask = torch.ones(rows, columns, dtype=torch.bool)
        height = 1 + int(uniform(self.generator, 0.2, 0.7) * rows)
        width = 1 + int(uniform(self.generator, 0.2, 0.6) * columns)
        top = int(uniform(self.generator, 0, rows - height + 1))
        left = int(uniform(self.generator, 0, columns - width + 1))
        mask[top : top + height, left : left + width] = False
        return mask.flatten()

    @staticmethod
    def _content(entries: Sequence[JointEntry], name: PictureName) -> Tensor:
        kind, slot = name
        if kind is Kind.RAYS:
            return torch.stack([e.rays[slot] for e in entries])
        return torch.stack([e.latents[kind][slot] for e in entries])

    @staticmethod
    def _rays(pattern: Pattern, name: PictureName, entries: Sequence[JointEntry]) -> Tensor | None:
        kind, slot = name
        if kind is Kind.RAYS or not pattern.rays_given[slot]:
            return None
        return torch.stack([e.rays[slot] for e in entries])

    # -- noise and words -------------------------------------------------------------------

    def _levels(self, batch: int) -> Tensor:
        level = torch.randn(batch, generator=self.generator).mul(1.2).add(0.6).sigmoid()
        pure = torch.rand(batch, generator=self.generator) < self.config.pure_noise
        return torch.where(pure, torch.ones(()), level)

    def _prompt(
        self, pattern: Pattern, entries: Sequence[JointEntry], device: torch.device
    ) -> Tensor:
        kinds = tuple(dict.fromkeys(kind for kind, _ in (*pattern.asked, *pattern.partial)))
        captions = [entry.caption for entry in entries]
        told = pattern.caption or uniform(self.structure, 0, 1) >= self.config.drop_caption
        if not (told and all(captions)):
            captions = [""] * len(captions)
        ids = [self.tokenizer.encode(kinds, caption).ids for caption in captions]
        return torch.tensor(ids, device=device)
