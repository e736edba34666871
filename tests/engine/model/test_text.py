"""Prompts: modality first, caption after, unknown words told."""

from __future__ import annotations

import pytest

from engine.model.kinds import KINDS, Kind
from engine.model.text import CAPTION_WORDS, PAD, UNKNOWN, Tokenizer


def test_every_kind_has_its_own_word() -> None:
    tokenizer = Tokenizer([])
    ids = {tokenizer.encode(kind).ids for kind in KINDS.values()}
    assert len(ids) == len(KINDS)


def test_captions_are_padded_and_unknown_words_told_once() -> None:
    tokenizer = Tokenizer.from_captions(["A bright Room, with a table."])
    prompt = tokenizer.encode(Kind.RGB, "a dragon room dragon")
    assert prompt.unknown_words == ("dragon",)
    assert len(prompt.ids) == 1 + CAPTION_WORDS
    assert prompt.ids[2] == prompt.ids[4] == UNKNOWN
    assert prompt.ids[-1] == PAD


def test_long_captions_are_cut() -> None:
    tokenizer = Tokenizer(["a"])
    assert len(tokenizer.encode(Kind.RGB, "a " * 40).ids) == 1 + CAPTION_WORDS


@pytest.mark.parametrize("caption", ["", "  ", "123 !?"])
def test_no_words_no_caption(caption: str) -> None:
    assert len(Tokenizer(["a"]).encode(Kind.DEPTH, caption).ids) == 1


def test_appending_words_keeps_old_ids() -> None:
    old, new = Tokenizer(["room"]), Tokenizer(["room", "attic"])
    assert old.encode(Kind.RGB, "room").ids == new.encode(Kind.RGB, "room").ids
