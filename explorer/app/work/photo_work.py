"""What the worker does to open a photo whose depth comes from a model of others; without Qt."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Generator, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from engine.geometry.cameras import Camera
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
from explorer.walk.records import WalkSettings
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
    return (yield from _prior_called(identity, device, store))


def _prior_called(
    identity: Mapping[str, Any], device: torch.device, store: ModelStore | None
) -> Generator[Event, None, DepthSource | None]:
    """The prior of an identity, as a walk's header has it."""
    every = identity.get("views") == EVERY_VIEW
    named = identity.get("folder") or identity.get("model") or "of another program"
    wish = requests.PriorWish(named, identity.get("kind"), every)
    return (yield from wished_prior(wish, str(device), store))


def warming(ready: ReadyEngine) -> Iterator[Event]:
    """What the user should know of a new engine, and its warm-up, step by step."""
    yield from map(Noted, ready.notes)
    ended: list[str] = []
    for words in ready.warming(ended.append):
        yield Busy(words)
    yield from map(Noted, ended)


def told(error: StoreError) -> Failed:
    """Why a prior is not used, and what happens instead."""
    details = "".join(traceback.format_exception(error))
    words = " ".join(str(error).split())
    return Failed(f"{words[0].upper()}{words[1:]}. {OWN_DEPTH}", details, "depth prior")


@dataclass(frozen=True)
class Beginning:
    """What a walk begins with, whoever asks for it.

    Attributes:
        source: the photo's file; None for a replay.
        prior: gives the photo's depth; None for our own model.
    """

    photo: Photo
    settings: WalkSettings
    prior: DepthSource | None
    source: Path | None = None


def begin(
    what: Beginning,
    engine: Engine,
    place: Callable[[], Place],
    draw: Callable[[Adding, int], Events],
) -> Generator[Event, None, Session]:
    """A walk into a photo; where its prior finds no depth, that is told, and our own goes on.

    Args:
        place: gives a new walk its place.
        draw: events of what a session draws.
    """
    to = place()
    session = Session.create(to.folder, what.photo, engine, what.settings, what.prior)
    to.take(session)
    yield Opened(what.photo, to.folder, session.settings, what.source, session.read)
    try:
        yield from draw(session.start(), -1)
    except StoreError as error:
        if what.prior is None:
            raise
        yield told(error)
        return (yield from begin(replace(what, prior=None), engine, place, draw))
    return session


def begin_again(
    earlier: Session,
    settings: WalkSettings,
    engine: Engine,
    place: Callable[[], Place],
    store: ModelStore | None,
    draw: Callable[[Adding, int], Events],
) -> Generator[Event, None, tuple[Session, list[Camera]]]:
    """The walk of an open session from its photo, with the depth prior that it was begun with.

    Returns:
        The new session, and the cameras of the earlier line: in the new walk's unit of length,
        which is another one where the prior is not to be had any more.
    """
    prior = earlier.view_source
    if prior is None and earlier.depth_prior is not None:
        prior = yield from _prior_called(earlier.depth_prior, engine.device, store)
    line, scale = [node.camera for node in earlier.line()[1:]], earlier.scene_scale
    session = yield from begin(Beginning(earlier.photo, settings, prior), engine, place, draw)
    factor = session.scene_scale / scale
    return session, [_scaled(camera, factor) for camera in line]


def _scaled(camera: Camera, factor: float) -> Camera:
    T = np.array(camera.T_world_camera)
    T[:3, 3] *= factor
    return Camera(T, camera.intrinsics)
