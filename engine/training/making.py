"""Makes the entries that lessons are built of, in the trainer's process or in others."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

import torch

from engine.model.codecs.picture_codec import PictureCodec
from engine.training.bare import BareWalk, bare_joint_entry, bare_walk_entry
from engine.training.buffer import Offer, SourceShares
from engine.training.entries import EntryConfig, PhotoEntry, WalkEntry, photo_entry, walk_entry
from engine.training.joint.entries import JointEntry, joint_entry
from engine.training.sequences import PosedSequence

Entry = PhotoEntry | WalkEntry | JointEntry | BareWalk
#: Sequences drawn in search of one that is long enough.
_DRAWS = 64
PHOTO, JOINT = "photo", "joint"
#: Entries of pictures without depth.
BARE = "bare "
BARE_JOINT, BARE_PHOTO = f"{BARE}joint", f"{BARE}photo"


def photo_name(size: int) -> str:
    """The name of single views of the first size, the second, and so on; counted from 0."""
    return f"{PHOTO} {size}" if size else PHOTO


def is_photo(name: str) -> bool:
    """Entries of that name are single views with depth, of any size."""
    return name.split()[0] == PHOTO


def bare_walk_name(contexts: int) -> str:
    """The name of walks without depth with so many context views."""
    return BARE + walk_name(contexts)


def wanted(name: str) -> Offer:
    """What a sequence must have to be made into entries of that name."""
    single = is_photo(name) or name == BARE_PHOTO
    return Offer(depth=not name.startswith(BARE), cameras=not single)


def walk_name(contexts: int) -> str:
    """The name of walks with so many context views."""
    return f"walk {contexts}"


@dataclass(frozen=True)
class MakingConfig:
    """Attributes:
    entries, joint: how entries of walks, and of joint lessons, are made.
    photos: how entries of single views are made, once for each size; none: as those of walks.
    joint_views: views of a joint lesson.
    most_contexts: largest number of context views of a walk.
    """

    entries: EntryConfig = field(default_factory=EntryConfig)
    joint: EntryConfig = field(default_factory=lambda: EntryConfig(size=(80, 128)))
    joint_views: int = 3
    most_contexts: int = 4
    photos: tuple[EntryConfig, ...] = ()

    @property
    def singles(self) -> tuple[EntryConfig, ...]:
        """How single views are made, at least one way."""
        return self.photos or (self.entries,)

    def views(self, name: str) -> int:
        """How many an entry of that name is made of."""
        if is_photo(name) or name == BARE_PHOTO:
            return 1
        if name in (JOINT, BARE_JOINT):
            return self.joint_views
        return int(name.split()[-1]) + self.entries.targets

    @property
    def names(self) -> tuple[str, ...]:
        """Every kind of entry."""
        contexts = range(1, self.most_contexts + 1)
        walks = [name(n) for name in (walk_name, bare_walk_name) for n in contexts]
        photos = [photo_name(n) for n in range(len(self.singles))]
        return (*photos, JOINT, BARE_PHOTO, BARE_JOINT, *walks)


class EntrySource(Protocol):
    """Where a trainer's buffers get their entries from."""

    def make(self, name: str) -> Entry | None:
        """A new entry of a kind; None where none is ready and an old one should serve again."""

    def close(self) -> None:
        """No more entries are needed."""


class SingleViews:
    """Single views of several sequences that are open at once, each view served once.

    Reading a sequence takes several times as long as cutting a view of it, and views of one
    sequence side by side in a batch would teach little more than one.

    Sources keep their shares, whether their sequences have many views or one.

    Args:
        open_at_once: so many sequences of each source are held.
    """

    def __init__(
        self, sequences: SourceShares, generator: torch.Generator, open_at_once: int = 32
    ) -> None:
        self._sequences, self._generator, self._most = sequences, generator, open_at_once
        self._open: dict[int, list[tuple[PosedSequence, list[int]]]] = defaultdict(list)

    def next(self) -> PosedSequence:
        """A sequence of one view."""
        source = self._sequences.choose(self._generator, wanted(PHOTO))
        held = self._open[id(source)]
        if len(held) < self._most:
            sequence = source.draw(self._generator)
            order = torch.randperm(len(sequence.cameras), generator=self._generator)
            held.append((sequence, order.tolist()))
        index = int(torch.randint(len(held), (), generator=self._generator))
        sequence, views = held[index]
        view = views.pop()
        if not views:
            del held[index]
        return sequence.only(view)


class EntryMaker:
    """Makes entries one by one, when they are asked for."""

    def __init__(
        self,
        sequences: SourceShares,
        codec: PictureCodec,
        config: MakingConfig,
        generator: torch.Generator,
        device: torch.device,
    ) -> None:
        self.sequences, self.codec, self.config = sequences, codec, config
        self.generator, self.device = generator, device
        self._singles = SingleViews(sequences, generator)
        self._long: dict[str, PosedSequence] = {}

    def make(self, name: str) -> Entry:
        """
        Raises:
            ValueError: an unknown name, or no sequence has enough views for it.
        """
        if name not in self.config.names:
            raise ValueError(f"there are no entries called {name!r}; known: {self.config.names}")
        config = self.config
        if is_photo(name):
            single = config.singles[config.names.index(name)]
            view = self._singles.next()
            return photo_entry(view, self.codec, single, self.generator, self.device)
        sequence = self._long_enough(name)
        if name == JOINT:
            draws = (config.joint, self.generator, self.device)
            return joint_entry(sequence, config.joint_views, self.codec, *draws)
        if name in (BARE_JOINT, BARE_PHOTO):
            views = config.joint_views if name == BARE_JOINT else 1
            how = config.joint if name == BARE_JOINT else config.singles[0]
            draws = (how, self.generator, self.device)
            return bare_joint_entry(sequence, views, self.codec, *draws)
        contexts = int(name.split()[-1])
        draws = (config.entries, self.generator, self.device)
        make = bare_walk_entry if name.startswith(BARE) else walk_entry
        return make(sequence, contexts, self.codec, *draws)

    def _long_enough(self, name: str) -> PosedSequence:
        """A short sequence serves short walks only.

        Where no draw is long enough, the last one that was serves again, so that a run does not
        end because long ones are rare.

        Raises:
            ValueError: there never was any.
        """
        views = self.config.views(name)
        for _ in range(_DRAWS):
            sequence = self.sequences.draw(self.generator, wanted(name))
            if len(sequence.cameras) >= views:
                self._long[name] = sequence
                return sequence
        if name not in self._long:
            raise ValueError(
                f"none of {_DRAWS} sequences that were drawn has the {views} views that lessons of "
                f"{name!r} need; render some worlds with --views {views} or more"
            )
        return self._long[name]

    def close(self) -> None:
        """Nothing runs between two entries."""


def scarcest(wanted: Sequence[str], waiting: dict[str, int]) -> str:
    """The name of which the fewest entries wait; the first of equals."""
    return min(wanted, key=lambda name: waiting.get(name, 0))
