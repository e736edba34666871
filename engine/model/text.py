"""Prompts: a word-level tokenizer whose vocabulary travels with the checkpoint.

The first word of every prompt names what comes next (seed 003 §4.3, `<Geometry>`, `<Image>`);
a caption may follow.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Protocol

PAD, UNKNOWN = 0, 1
CAPTION_WORDS = 12
_WORD = re.compile(r"[a-z]+")


class Kind(IntEnum):
    """What a picture shows. The order is that of the checkpoint's projections: append only."""

    RGB = 0
    DEPTH = 1
    XYZ = 2
    RAYS = 3
    WARP = 4


#: The prompt word that asks for each kind.
PROMPTS = {
    Kind.RGB: "<Image>",
    Kind.DEPTH: "<Geometry>",
    Kind.XYZ: "<Points>",
    Kind.RAYS: "<Rays>",
    Kind.WARP: "<Warp>",
}


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
    """Ids are positions in `vocabulary`, after padding, the unknown word and the five prompts."""

    def __init__(self, vocabulary: Sequence[str]) -> None:
        self.vocabulary = tuple(vocabulary)
        specials = ["<pad>", "<unknown>", *PROMPTS.values()]
        self._ids = {word: i for i, word in enumerate([*specials, *self.vocabulary])}

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
        ids = [self._ids[PROMPTS[kind]] for kind in asked]
        words = words_of(caption)[:CAPTION_WORDS]
        unknown = tuple(dict.fromkeys(w for w in words if w not in self._ids))
        if words:
            ids += [self._ids.get(word, UNKNOWN) for word in words]
            ids += [PAD] * (len(asked) + CAPTION_WORDS - len(ids))
        return Prompt(tuple(ids), unknown, known=len(set(words)) - len(unknown))
