"""Does what the worker is asked to; without Qt, so that it is tested without a window.

Every request is a generator of events that may be closed at any yield: a view in flight is then
given up, and what was drawn before stays.
"""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator, Sequence
from functools import partial, singledispatchmethod
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch

from engine.geometry.cameras import Camera
from engine.queries import Engine
from explorer.app.work import clip_work, photo_work, requests
from explorer.app.work.events import (
    Busy,
    Drawn,
    EngineReady,
    Event,
    Explained,
    Exported,
    FoundLeft,
    HeadMoved,
    JobDone,
    Opened,
    Restored,
    RevisitScored,
    Saved,
    undivided,
)
from explorer.store.store import ModelStore
from explorer.walk.export.selection import Checked, export_kinds
from explorer.walk.lens_estimate import with_estimated_lens
from explorer.walk.photo import Sizes, open_photo
from explorer.walk.plan import plan_path
from explorer.walk.ready import open_engine
from explorer.walk.records import StepProgress
from explorer.walk.session.autosave import AutosaveFolders
from explorer.walk.session.export_input import session_export_input
from explorer.walk.session.records import Added, SessionProgress
from explorer.walk.session.revisit import forth_and_back_cameras, revisit_score
from explorer.walk.session.session import Session
from explorer.walk.session.walk_file import SUFFIX, open_walk_file, save_walk_file

Events = Generator[Event, None, None]
Answer = TypeVar("Answer")


class NothingOpenError(ValueError):
    """A request that needs a walk or an engine, and there is none."""


class Studio:
    """Holds the engine and the open session.

    Args:
        autosave: where journals of walks are kept.
        store: models of others; None for the user's.
    """

    def __init__(self, autosave: AutosaveFolders, store: ModelStore | None = None) -> None:
        self._autosave, self._store = autosave, store
        self._engine: Engine | None = None
        self._warming: Iterator[Event] = iter(())
        self._session: Session | None = None

    def close(self) -> None:
        """Leaves the walk in order."""
        if self._session is not None:
            self._session.close()
            self._autosave.let_go(self._session.folder)
            self._session = None

    @singledispatchmethod
    def handle(self, request: object) -> Events:
        """Events of one request, the last when it is done; bad input is a ValueError."""
        raise TypeError(f"nobody handles a {type(request).__name__}")

    @handle.register
    def _(self, request: requests.LoadEngine) -> Events:
        yield Busy(f"loading the model on {request.options.device}", whole=True)
        begin = time.perf_counter()
        ready = open_engine(request.options, photo_work.SIZE, photo_work.CONTEXT_VIEWS)
        self._engine, self._warming = ready.engine, photo_work.warming(ready)
        taken = time.perf_counter() - begin
        yield EngineReady(str(ready.engine.device), ready.engine.weights_hash, taken)
        if self._session is not None:
            # The walk goes on where it is, drawn by the new engine.
            yield from map(undivided, self._reopen(self._session.folder, None))
        yield from self._warm()

    @handle.register
    def _(self, request: requests.OpenPhoto) -> Events:
        yield Busy(f"opening {request.path.name}")
        engine = self._need_engine()
        sizes = Sizes(request.size, request.picture).on(str(engine.device))
        photo = with_estimated_lens(open_photo(request.path, request.fov, sizes), engine)
        prior = yield from photo_work.wished_prior(request.prior, str(engine.device), self._store)
        place = partial(self._place, request.path.stem)
        what = photo_work.Beginning(photo, request.settings, prior, request.path)
        yield from photo_work.begin(what, engine, place, self._draw)

    @handle.register
    def _(self, request: requests.OpenVideo) -> Events:
        place = self._place(request.path.stem)
        yield from clip_work.open_video(request, self._need_engine(), place)

    @handle.register
    def _(self, request: requests.AddPhoto) -> Events:
        yield from clip_work.add_photo(request, self._need_engine(), self._need_session())

    @handle.register
    def _(self, request: requests.SavePicture) -> Events:
        yield from clip_work.save_picture(request, self._need_session())

    @handle.register
    def _(self, request: requests.EditView) -> Events:
        session = self._need_session()
        place = self._place(f"{session.photo.source_name} edited")
        yield from clip_work.edit_view(request, self._need_engine(), session, place)

    def _place(self, name: str) -> clip_work.Place:
        """Where a new walk goes."""
        return clip_work.Place(self._autosave.new(name), self._take)

    def _take(self, session: Session) -> None:
        """Holds a new session in place of the open one."""
        self.close()
        self._session = session

    @handle.register
    def _(self, request: requests.OpenWalk) -> Events:
        folder = request.path
        if folder.suffix == SUFFIX and not folder.is_dir():
            yield Busy(f"opening {folder.name}")
            folder = open_walk_file(folder, self._autosave.new(folder.stem))
        self._need_engine()
        yield from self._reopen(folder, request.path)

    def _reopen(self, folder: Path, source: Path | None) -> Events:
        if self._session is not None and self._session.folder == folder:
            self.close()
        self._autosave.own(folder)
        try:
            prior = yield from photo_work.prior_of(folder, self._need_engine().device, self._store)
            opening = Session.open(folder, self._need_engine(), prior)
            session = yield from _progress(opening, job=True)
        except BaseException:
            self._autosave.let_go(folder)
            raise
        self._take(session)
        yield Opened(session.photo, folder, session.settings, source, session.read)
        if session.head < 0:
            yield from self._draw(session.start(), -1)
            return
        moved = yield from _progress(session.go_to(session.head))
        moved = type(moved)(moved.head, moved.line, session.cloud())
        yield Restored(session.nodes, moved, session.scene_scale)

    @handle.register
    def _(self, request: requests.DrawView) -> Events:
        yield from self._draw(self._need_session().step(request.camera), request.ticket)

    @handle.register
    def _(self, request: requests.DrawDepth) -> Events:
        yield from self._draw(self._need_session().draw_depth(request.node_id), -1)

    @handle.register
    def _(self, request: requests.GoTo) -> Events:
        session = self._need_session()
        if request.node_id != session.head:
            yield HeadMoved((yield from _progress(session.go_to(request.node_id))))

    @handle.register
    def _(self, request: requests.Undo) -> Events:
        yield from self._move(self._need_session().undo_target(request.steps), "undo")

    @handle.register
    def _(self, request: requests.Redo) -> Events:
        yield from self._move(self._need_session().redo_target(request.steps), "redo")

    def _move(self, target: int | None, word: str) -> Events:
        if target is None:
            yield JobDone(f"There is nothing to {word}.")
            return
        yield HeadMoved((yield from _progress(self._need_session().go_to(target))))

    @handle.register
    def _(self, request: requests.LookForLeft) -> Events:
        self._autosave.prune()
        yield FoundLeft(tuple(self._autosave.left_open()))

    @handle.register
    def _(self, request: requests.NameBranch) -> Events:
        self._need_session().name_branch(request.node_id, request.name)
        yield Busy(f"this branch is called {request.name}")

    @handle.register
    def _(self, request: requests.Change) -> Events:
        if self._session is not None and self._session.settings != request.settings:
            self._session.change(request.settings)
            yield Busy("settings changed")

    @handle.register
    def _(self, request: requests.Explain) -> Events:
        session = self._need_session()
        yield Explained(request.node_id, session.context_parts(request.node_id))

    @handle.register
    def _(self, request: requests.FlyPath) -> Events:
        session = self._need_session()
        start = session.line()[-1]
        depth = session.read(start.id).view.depth
        if depth is None:
            yield from self._draw(session.draw_depth(start.id), -1)
            depth = session.read(start.id).view.depth
        plan = plan_path(request.path, request.views)
        cameras = plan.cameras(start.camera, torch.as_tensor(np.array(depth)))
        yield from self._fly(session, cameras, f"flying {plan.name}")
        yield JobDone(f"Flew {len(cameras)} views along {plan.name}.")

    @handle.register
    def _(self, request: requests.Replay) -> Events:
        earlier = self._need_session()
        place = partial(self._place, f"{earlier.photo.source_name} replayed")
        session, cameras = yield from photo_work.begin_again(
            earlier, request.settings, self._need_engine(), place, self._store, self._draw
        )
        yield from self._fly(session, cameras, "replaying")
        yield JobDone(f"Replayed {len(cameras)} views; the earlier walk is kept.")

    @handle.register
    def _(self, request: requests.TestRevisit) -> Events:
        session = self._need_session()
        cameras = forth_and_back_cameras(session, request.views, request.path)
        first = session.head
        yield from self._fly(session, cameras, "flying forth and back")
        nodes = [n for n in session.line() if n.id >= first]
        yield Busy("comparing the two ways")
        yield RevisitScored(revisit_score(session, nodes))
        yield JobDone(f"Flew {len(cameras)} views forth and back.")

    @handle.register
    def _(self, request: requests.Export) -> Events:
        session = self._need_session()
        record = session_export_input(session, request.raw, request.fps, request.dense)
        checked: tuple[Checked, ...] = ()
        for done, kind in enumerate(request.kinds):
            yield Busy(f"writing {kind.value}", done, len(request.kinds), job=True)
            # One kind at a time, so that a stop between two of them leaves whole files.
            checked += export_kinds(record, request.folder, (kind,), None, None)
        yield Exported(request.folder, checked, len(checked) == len(request.kinds))
        yield JobDone(f"Exported to {request.folder}.")

    @handle.register
    def _(self, request: requests.SaveAs) -> Events:
        yield Busy(f"saving {request.target.name}")
        save_walk_file(self._need_session().folder, request.target, None)
        yield Saved(request.target)

    @handle.register
    def _(self, request: requests.CloseWalk) -> Events:
        self.close()
        yield Busy("closed")

    def _fly(self, session: Session, cameras: Sequence[Camera], words: str) -> Events:
        for done, camera in enumerate(cameras):
            yield Busy(words, done, len(cameras), job=True)
            yield from self._draw(session.step(camera), -1)
        yield Busy(words, len(cameras), len(cameras), job=True)

    def _draw(self, steps: Generator[StepProgress, None, Added], ticket: int) -> Events:
        yield from self._warm()
        begin = time.perf_counter()
        while True:
            try:
                step = next(steps)
            except StopIteration as end:
                added: Added = end.value
                break
            try:
                yield Busy(f"drawing the {step.part}", step.index, step.total)
            except GeneratorExit:
                steps.close()
                raise
        taken = time.perf_counter() - begin
        yield Drawn(added, ticket, taken, self._need_session().scene_scale)

    def _warm(self) -> Events:
        """Compiles what is left of that; closed on the way, it is gone on with at the next view."""
        while (event := next(self._warming, None)) is not None:
            yield event

    def _need_engine(self) -> Engine:
        if self._engine is None:
            raise NothingOpenError("the model is not loaded")
        return self._engine

    def _need_session(self) -> Session:
        if self._session is None:
            raise NothingOpenError("open a photo first")
        return self._session


def _progress(
    work: Generator[SessionProgress, None, Answer], job: bool = False
) -> Generator[Event, None, Answer]:
    while True:
        try:
            step = next(work)
        except StopIteration as end:
            answer: Answer = end.value
            return answer
        yield Busy(step.message, step.done, step.total, job)
