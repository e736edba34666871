"""The depth priors that somebody can choose from, with what each of them would cost."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from explorer.priors.kinds import DepthKind, PriorError, kind_of
from explorer.priors.prior import MEMORY_FACTOR, PREPROCESSOR
from explorer.store.catalogue import Entry
from explorer.store.folders import open_folder, read_json
from explorer.store.store import ModelStore, State, readable_size

_DEPTH_CLASS = "ForDepthEstimation"


@dataclass(frozen=True)
class Offer:
    """A depth prior of the catalogue.

    Attributes:
        name: what it is called everywhere.
        state: how much of it is on this machine.
        bytes: of its files, rounded.
        words: what it is for, its licence, its size and the memory that it takes.
    """

    name: str
    state: State
    bytes: int
    words: str


def offers(store: ModelStore) -> tuple[Offer, ...]:
    """Every depth prior that the store knows, those that are here first. Reaches no network."""
    found = [_offer(entry, store.state(entry)) for entry in store.entries if is_prior(entry)]
    return tuple(sorted(found, key=lambda offer: offer.state is not State.HERE))


def is_prior(entry: Entry) -> bool:
    """By the class that its config.json must name."""
    return entry.classes.get("config.json", "").endswith(_DEPTH_CLASS)


def missing_library() -> str | None:
    """What must be installed before any prior works; None where nothing is missing."""
    if importlib.util.find_spec("transformers") is None:
        return 'A depth prior needs transformers; install it with: pip install "photowalk[models]".'
    return None


def folder_kind(folder: Path) -> DepthKind | None:
    """What a folder's model puts out; None where only the user knows.

    Raises:
        StoreError: it is no depth model's folder, is damaged, or not safe to open.
    """
    opened = open_folder(folder)
    read_json(folder / PREPROCESSOR)
    if opened.class_name and not opened.class_name.endswith(_DEPTH_CLASS):
        raise PriorError(f"{folder} holds a {opened.class_name}, which is no depth model")
    return kind_of(opened.config)


def folder_words(folder: Path) -> str:
    """As an offer's, for a folder that `folder_kind` took."""
    opened = open_folder(folder)
    size = readable_size(opened.bytes)
    return f"{opened.class_name or 'a depth model'}\n{size}, {_memory(opened.bytes)}"


def named_offer(found: Sequence[Offer], name: str) -> Offer | None:
    """The offer of that name; None for a folder."""
    return next((offer for offer in found if offer.name == name), None)


def _offer(entry: Entry, state: State) -> Offer:
    size = readable_size(entry.about_bytes)
    brought = f"{size} on this machine" if state is State.HERE else f"{size} to download"
    purpose = entry.purpose.removeprefix("depth prior: ")
    words = (
        f"{purpose[:1].upper()}{purpose[1:]}\n"
        f"Licence {entry.licence}, {brought}, {_memory(entry.about_bytes)}\n"
        f"From {entry.repo}"
    )
    return Offer(entry.name, state, entry.about_bytes, words)


def _memory(weights: int) -> str:
    return f"about {readable_size(int(weights * MEMORY_FACTOR))} of memory while it looks"
