"""Makes the entries that lessons are built of, in the trainer's process or in others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

import torch

from engine.model.codecs.picture_codec import PictureCodec
from engine.training.buffer import SourceShares
from engine.training.entries import EntryConfig, PhotoEntry, WalkEntry, photo_entry, walk_entry
from engine.training.joint.entries import JointEntry, joint_entry

Entry = PhotoEntry | WalkEntry | JointEntry
PHOTO, JOINT = "photo", "joint"


def walk_name(contexts: int) -> str:
    """The name of walks with so many context views."""
    return f"walk {contexts}"


@dataclass(frozen=True)
class MakingConfig:
    """Attributes:
    entries, joint: how entries of walks and photos, and of joint lessons, are made.
    joint_views: views of a joint lesson.
    most_contexts: largest number of context views of a walk.
    """

    entries: EntryConfig = field(default_factory=EntryConfig)
    joint: EntryConfig = field(default_factory=lambda: EntryConfig(size=(80, 128)))
    joint_views: int = 3
    most_contexts: int = 4

    @property
    def names(self) -> tuple[str, ...]:
        """Every kind of entry."""
        return (PHOTO, JOINT, *(walk_name(n + 1) for n in range(self.most_contexts)))


class EntrySource(Protocol):
    """Where a trainer's buffers get their entries from."""

    def make(self, name: str) -> Entry | None:
        """A new entry of a kind; None where none is ready and an old one should serve again."""

    def close(self) -> None:
        """No more entries are needed."""


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

    def make(self, name: str) -> Entry:
        """
        Raises:
            ValueError: an unknown name.
        """
        if name not in self.config.names:
            raise ValueError(f"there are no entries called {name!r}; known: {self.config.names}")
        sequence, config = self.sequences.draw(self.generator), self.config
        if name == PHOTO:
            return photo_entry(sequence, self.codec, config.entries, self.generator, self.device)
        if name == JOINT:
            draws = (config.joint, self.generator, self.device)
            return joint_entry(sequence, config.joint_views, self.codec, *draws)
        contexts = int(name.split()[1])
        draws = (config.entries, self.generator, self.device)
        return walk_entry(sequence, contexts, self.codec, *draws)

    def close(self) -> None:
        """Nothing runs between two entries."""


def scarcest(wanted: Sequence[str], waiting: dict[str, int]) -> str:
    """The name of which the fewest entries wait; the first of equals."""
    return min(wanted, key=lambda name: waiting.get(name, 0))
