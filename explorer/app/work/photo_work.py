"""What the worker does to open a photo whose depth comes from a model of others; without Qt."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Generator, Iterator
from pathlib import Path

import torch

from engine.queries import Engine
from explorer.app.work import requests
from explorer.app.work.clip_work import Events, Place
from explorer.app.work.events import Busy, Event, Failed, Noted, Opened
from explorer.priors.choice import load_prior
from explorer.priors.kinds import DepthKind
from explorer.store.errors import StoreError
from explorer.store.store import ModelStore
from explorer.walk.depth_source import EVERY_VIEW, DepthSource
from explorer.walk.journal import read_journal
from explorer.walk.photo import Photo
from explorer.walk.ready import ReadyEngine
from explorer.walk.session.session import Adding, Session

#: Compiled layers take every size; they only must see one.
SIZE, CONTEXT_VIEWS = (256, 144), 4
OWN_DEPTH = "Depth is drawn by our own model."


def wished_prior(
    wish: requests.PriorWish | None, device: str, store: ModelStore | None
) -> Generator[Event, None, DepthSource | None]:
    """Loads the depth prior that was chosen; None where there is none to be had, which is told."""
    if wish is None:
        return None
    yield Busy(f"loading the depth prior {Path(wish.named).name}")
    kind = DepthKind(wish.kind) if wish.kind else None
    try:
        return load_prior(wish.named, kind, device, wish.every_view, store)
    except StoreError as error:
        yield told(error)
        return None


def prior_of(
    folder: Path, device: torch.device, store: ModelStore | None
) -> Generator[Event, None, DepthSource | None]:
    """The prior that a walk was begun with, where it still gives views their depth.

    Raises:
        JournalError: there is no walk, or it is damaged.
    """
    journal = read_journal(folder)
    identity = journal.header.get("depth prior")
    if identity is None or (journal.nodes and identity.get("views") != EVERY_VIEW):
        return None
    every, named = identity.get("views") == EVERY_VIEW, identity.get("folder", identity["model"])
    wish = requests.PriorWish(named, identity.get("kind"), every)
    return (yield from wished_prior(wish, str(device), store))


def warming(ready: ReadyEngine) -> Iterator[Event]:
    """What the user should know of a new engine, and its warm-up, step by step."""
    yield from map(Noted, ready.notes)
    ended: list[str] = []
    for words in ready.warming(SIZE, CONTEXT_VIEWS, ended.append):
        yield Busy(words)
    yield from map(Noted, ended)


def told(error: StoreError) -> Failed:
    """Why a prior is not used, and what happens instead."""
    details = "".join(traceback.format_exception(error))
    words = " ".join(str(error).split())
    return Failed(f"{words[0].upper()}{words[1:]}. {OWN_DEPTH}", details, "depth prior")


def begin(
    request: requests.OpenPhoto,
    photo: Photo,
    engine: Engine,
    place: Callable[[], Place],
    prior: DepthSource | None,
    draw: Callable[[Adding, int], Events],
) -> Events:
    """A walk into a photo; where its prior finds no depth, that is told, and our own goes on.

    Args:
        place: gives a new walk its place.
        draw: events of what a session draws.
    """
    to = place()
    session = Session.create(to.folder, photo, engine, request.settings, prior)
    to.take(session)
    yield Opened(photo, to.folder, session.settings, request.path, session.read)
    try:
        yield from draw(session.start(), -1)
    except StoreError as error:
        if prior is None:
            raise
        yield told(error)
        yield from begin(request, photo, engine, place, None, draw)
