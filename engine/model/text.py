"""Prompts: a word-level tokenizer whose vocabulary travels with the checkpoint.

The first word of every prompt names what comes next (seed 003 §4.3, `<Geometry>`, `<Image>`);
a caption may follow.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from engine.model.kinds import FIRST_KINDS, KINDS, Kind

PAD, UNKNOWN = 0, 1
CAPTION_WORDS = 12
_WORD = re.compile(r"[a-z]+")


@dataclass(frozen=True)
class Prompt:
    """Token ids, the caption's words that the vocabulary lacks, and how many it knows."""

    ids: tuple[int, ...]
    unknown_words: tuple[str, ...]
    known: int = 0


class Words(Protocol):
    """What turns prompts into ids.

    Attributes:
        vocabulary: the words that captions may be written with; empty where any may.
    """

    @property
    def vocabulary(self) -> tuple[str, ...]: ...

    def encode(self, kinds: Kind | Sequence[Kind], caption: str = "") -> Prompt:
        """The prompt for one kind, or for several that are drawn together."""


def words_of(caption: str) -> list[str]:
    return _WORD.findall(caption.lower())


class Tokenizer:
    """Ids are positions: padding, the unknown word, the prompts of the first kinds, `vocabulary`,
    and then the prompts of kinds that came later, so that words keep the ids that they had."""

    def __init__(self, vocabulary: Sequence[str]) -> None:
        self.vocabulary = tuple(vocabulary)
        specials = ["<pad>", "<unknown>", *(KINDS[name].prompt for name in FIRST_KINDS)]
        later = [kind.prompt for kind in KINDS.values() if kind.name not in FIRST_KINDS]
        self._ids = {word: i for i, word in enumerate([*specials, *self.vocabulary, *later])}

    @staticmethod
    def from_captions(captions: Iterable[str]) -> Tokenizer:
        return Tokenizer(sorted({word for caption in captions for word in words_of(caption)}))

    def __len__(self) -> int:
        return len(self._ids)

    def encode(self, kinds: Kind | Sequence[Kind], caption: str = "") -> Prompt:
        """The prompt for one kind, or for several that are drawn together.

        Without a caption it is one token a kind; a caption is padded to a fixed length.
        """
        asked = (kinds,) if isinstance(kinds, Kind) else tuple(kinds)
        ids = [self._ids[kind.prompt] for kind in asked]
        words = words_of(caption)[:CAPTION_WORDS]
        unknown = tuple(dict.fromkeys(w for w in words if w not in self._ids))
        if words:
            ids += [self._ids.get(word, UNKNOWN) for word in words]
            ids += [PAD] * (len(asked) + CAPTION_WORDS - len(ids))
        return Prompt(tuple(ids), unknown, known=len(set(words)) - len(unknown))
