"""Which lesson comes next: kinds by their shares, as far as the sources of pictures can serve them.

Sources differ in what they have (heterogeneous supervision, seed 000): scenes with depth and
cameras serve every lesson; posed videos without depth teach new views without a hint and cameras;
photos teach their depth where it is labelled, and completion where it is not (seed 004).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from enum import Enum
from functools import partial
from typing import Any

import torch

from engine.model.pictures import PictureMaker
from engine.model.text import Words
from engine.training.buffer import Offer, ReplayBuffer, SourceShares
from engine.training.entries import EntryConfig
from engine.training.joint.lessons import JointPlan
from engine.training.joint.patterns import complete_patches, draw_pattern
from engine.training.looking import Looking
from engine.training.making import (
    BARE_JOINT,
    BARE_PHOTO,
    JOINT,
    PHOTO,
    EntryMaker,
    EntrySource,
    MakingConfig,
    bare_walk_name,
    is_photo,
    photo_name,
    walk_name,
    wanted,
)
from engine.training.mixture import Lesson, LessonPlan, MixtureConfig
from engine.training.workers import EntryWorkers


class LessonKind(Enum):
    """In the order in which shares are added up; values are the entries that each is made of."""

    PHOTO = PHOTO
    JOINT = JOINT
    WARP = "warp"
    WALK = "walk"
    BARE_WALK = "bare walk"
    BARE_JOINT = BARE_JOINT
    BARE_PHOTO = BARE_PHOTO


#: How the share of lessons without depth is divided where sources can serve all three.
_BARE = {LessonKind.BARE_WALK: 0.5, LessonKind.BARE_JOINT: 0.25, LessonKind.BARE_PHOTO: 0.25}


@dataclass(frozen=True)
class SyllabusConfig:
    """The names are the trainer's; see `TrainerConfig`.

    Attributes:
        photos: how entries of single views are made, once for each size; none: as those of walks.
            A step has one size, `photo_batch` of the first, and as many pixels of any other.
        photo_buffer, photo_uses: of single views of all sizes together, which are small and soon
            made, so that more of them may wait and each serve less often; None: as others.
    """

    photo_batch: int = 24
    walk_batch: int = 6
    joint_batch: int = 16
    joint_views: int = 3
    context_shares: tuple[float, ...] = (0.35, 0.3, 0.2, 0.15)
    buffer: int = 96
    uses: float = 3.0
    workers: int = 0
    entries: EntryConfig = field(default_factory=EntryConfig)
    joint: EntryConfig = field(default_factory=lambda: EntryConfig(size=(80, 128)))
    photos: tuple[EntryConfig, ...] = ()
    photo_buffer: int | None = None
    photo_uses: float | None = None
    mixture: MixtureConfig = field(default_factory=MixtureConfig)

    @property
    def photo_steps(self) -> tuple[tuple[EntryConfig, int], ...]:
        """How single views are made, with the batch of each size."""
        ways = self.photos or (self.entries,)
        first = math.prod(ways[0].size)
        batches = [round(self.photo_batch * first / math.prod(way.size)) for way in ways]
        return tuple((way, max(1, batch)) for way, batch in zip(ways, batches, strict=True))


@dataclass(frozen=True)
class Draws:
    """Random numbers of a process among several: `structure` is drawn alike by all of them.

    Attributes:
        seed: of this process alone, for those that make its entries.
    """

    generator: torch.Generator
    structure: torch.Generator
    seed: int


@dataclass(frozen=True)
class Asked:
    """A lesson, its batch size and the name it is reported under."""

    lesson: Lesson
    samples: int
    name: str


def lesson_shares(mixture: MixtureConfig, can: Callable[[Offer], bool]) -> dict[LessonKind, float]:
    """Of every kind that sources can serve, as `can` says; they sum to 1.

    Raises:
        ValueError: no kind with a share can be served.
    """
    with_depth = 1.0 - mixture.bare
    rest = 1.0 - mixture.photo - mixture.joint - mixture.warp
    shares = {
        LessonKind.PHOTO: with_depth * mixture.photo,
        LessonKind.JOINT: with_depth * mixture.joint,
        LessonKind.WARP: with_depth * mixture.warp,
        LessonKind.WALK: with_depth * rest,
    }
    bare = {kind: part for kind, part in _BARE.items() if can(wanted(kind.value))}
    for kind, part in bare.items():
        shares[kind] = mixture.bare * part / sum(bare.values())
    served = {k: s for k, s in shares.items() if s > 0 and can(wanted(k.value))}
    if not served:
        raise ValueError(
            "none of the lessons can be made of these pictures; add scenes with depth and cameras "
            "(--worlds, --rgbd), or give --bare-share to pictures without depth"
        )
    total = sum(served.values())
    return {kind: share / total for kind, share in served.items()}


class Syllabus:
    """Makes entries, keeps them in buffers and builds lessons of them.

    Attributes:
        shares: of the steps, for each kind of lesson.
    """

    def __init__(
        self,
        config: SyllabusConfig,
        sources: SourceShares,
        maker: PictureMaker,
        tokenizer: Words,
        draws: Draws,
        device: torch.device,
    ) -> None:
        self.config, self.draws = config, draws
        self.shares = lesson_shares(config.mixture, sources.can)
        looking = Looking(maker)
        given = (config.mixture, tokenizer, draws.generator, draws.structure, looking)
        self.plan, self.joint_plan = LessonPlan(*given), JointPlan(*given)
        self.source = self._source(sources, maker, device)
        self.buffers: dict[str, ReplayBuffer[Any]] = {}

    def _source(
        self, sources: SourceShares, maker: PictureMaker, device: torch.device
    ) -> EntrySource:
        """Entries from this process, or from as many others as are configured; with their pictures
        where the model has encoders that look at them."""
        config, codec = self.config, maker.codec
        contexts = len(config.context_shares)
        entries, joint, *photos = (
            replace(way, keep_pictures=bool(maker.read))
            for way in (config.entries, config.joint, *config.photos)
        )
        making = MakingConfig(entries, joint, config.joint_views, contexts, tuple(photos))
        if not config.workers:
            return EntryMaker(sources, codec, making, self.draws.generator, device)
        names = self._names()
        return EntryWorkers(config.workers, sources, codec, making, names, self.draws.seed, device)

    def _names(self) -> tuple[str, ...]:
        """Kinds of entries that will be asked for."""
        walks = [n + 1 for n, share in enumerate(self.config.context_shares) if share > 0]
        names: list[str] = []
        for kind in self.shares:
            if kind in (LessonKind.WALK, LessonKind.WARP):
                names += [walk_name(n) for n in walks]
            elif kind is LessonKind.BARE_WALK:
                names += [bare_walk_name(n) for n in walks]
            elif kind is LessonKind.PHOTO:
                names += [photo_name(n) for n in range(len(self.config.photo_steps))]
            else:
                names.append(kind.value)
        return tuple(dict.fromkeys(names))

    def _draw(self, name: str, count: int) -> list[Any]:
        buffer = self.buffers.get(name)
        if buffer is None:
            buffer = ReplayBuffer(
                partial(self.source.make, name), *self._kept(name), self.draws.generator
            )
            self.buffers[name] = buffer
        return [buffer.draw() for _ in range(count)]

    def _kept(self, name: str) -> tuple[int, float]:
        """How many entries of that name wait, and how often each serves."""
        config = self.config
        if not is_photo(name):
            return config.buffer, config.uses
        each = math.ceil((config.photo_buffer or config.buffer) / len(config.photo_steps))
        return each, config.photo_uses or config.uses

    def _kind(self) -> LessonKind:
        draw, passed = float(torch.rand((), generator=self.draws.structure)), 0.0
        for kind, share in self.shares.items():
            passed += share
            if draw < passed:
                return kind
        return kind

    def _contexts(self) -> int:
        shares = torch.tensor(self.config.context_shares)
        return 1 + int(torch.multinomial(shares, 1, generator=self.draws.structure))

    def next(self) -> Asked:
        """The next lesson: the same kind in all processes, each of scenes of its own."""
        kind, config = self._kind(), self.config
        if kind is LessonKind.PHOTO:
            return self._photos()
        if kind is LessonKind.BARE_PHOTO:
            pattern = complete_patches(1, self.draws.structure)
            entries = self._draw(BARE_PHOTO, config.photo_batch)
            return _asked(partial(self.joint_plan.lesson, pattern), entries, "bare photo")
        if kind in (LessonKind.JOINT, LessonKind.BARE_JOINT):
            bare = kind is LessonKind.BARE_JOINT
            pattern = draw_pattern(config.joint_views, self.draws.structure, geometry=not bare)
            entries = self._draw(kind.value, config.joint_batch)
            name = f"bare {pattern.name}" if bare else pattern.name
            return _asked(partial(self.joint_plan.lesson, pattern), entries, name)
        contexts = self._contexts()
        if kind is LessonKind.BARE_WALK:
            walks = self._draw(bare_walk_name(contexts), config.walk_batch)
            return _asked(self.plan.bare_walk, walks, "bare walk")
        walks = self._draw(walk_name(contexts), config.walk_batch)
        simulate = kind is LessonKind.WARP
        return _asked(partial(self.plan.walk, simulate_warp=simulate), walks, kind.value)

    def _photos(self) -> Asked:
        """Single views of one of the sizes."""
        ways = self.config.photo_steps
        n = int(torch.randint(len(ways), (), generator=self.draws.structure)) if ways[1:] else 0
        return _asked(self.plan.photo, self._draw(photo_name(n), ways[n][1]), PHOTO)

    def close(self) -> None:
        """No more lessons are needed."""
        self.source.close()


def _asked(build: Any, entries: list[Any], name: str) -> Asked:
    return Asked(build(entries), len(entries), name)
