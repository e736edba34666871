"""What the worker does with several pictures at once; without Qt.

Each function is a generator of events that a studio passes on.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

import numpy as np
from PIL import Image

from engine.queries import Drawing, Engine
from explorer.app.work import requests
from explorer.app.work.events import Busy, Drawn, Event, JobDone, Opened, Saved
from explorer.clips.frames import ClipError, ClipOptions
from explorer.clips.geometry import GeometryOptions
from explorer.clips.into_walk import (
    begin_with,
    edit_line,
    place_photo,
    taken_into,
    views_of_clip,
)
from explorer.clips.video_in import read_clip
from explorer.walk.files import atomic_path
from explorer.walk.photo import Photo, Sizes, open_photo
from explorer.walk.photo_decoding import decode_photo
from explorer.walk.records import WalkSettings
from explorer.walk.session.records import Added
from explorer.walk.session.session import Session

Answer = TypeVar("Answer")
Events = Generator[Event, None, None]
Take = Callable[[Session], None]
#: Views drawn on the way to a second photo.
BETWEEN = 6


@dataclass(frozen=True)
class Place:
    """Where a new walk goes: its folder, and who holds it from then on."""

    folder: Path
    take: Take


def open_video(request: requests.OpenVideo, engine: Engine, to: Place) -> Events:
    """A walk that begins with the frames of a video."""
    yield Busy(f"reading {request.path.name}")
    sizes = Sizes(request.size).on(str(engine.device))
    clip = read_clip(request.path, ClipOptions(request.frames, request.size, pictures=sizes))
    asked = views_of_clip(engine, clip, _geometry(request.settings))
    photo, seen = yield from drawing_events(asked)
    session, views = begin_with(to.folder, photo, seen, engine, request.settings)
    to.take(session)
    yield Opened(photo, to.folder, session.settings, request.path, session.read)
    for done, added in enumerate(views):
        yield Busy("taking in the frames", done, len(seen), job=True)
        yield taken_in(session, added)
    yield JobDone(f"Opened {len(seen)} frames of {clip.source_name}. Fly away from its path.")


def add_photo(request: requests.AddPhoto, engine: Engine, session: Session) -> Events:
    """A second photo, and the views between the first one and it."""
    yield Busy(f"looking at {request.path.name}")
    own = session.photo
    photo = open_photo(request.path, None, _sizes_of(own, (own.width, own.height)))
    asked = place_photo(session, engine, photo, BETWEEN, _geometry(session.settings))
    found = yield from drawing_events(asked)
    seen = found.seen
    yield taken_in(session, taken_into(session, seen))
    for done, camera in enumerate(reversed(found.cameras)):
        yield Busy("drawing between both photos", done, len(found.cameras), job=True)
        yield from _stepped(session, camera)
    yield JobDone(found.sentence)


def edit_view(request: requests.EditView, engine: Engine, session: Session, to: Place) -> Events:
    """A walk of its own in which every view has the edit."""
    yield Busy(f"reading {request.edited.name}")
    view = session.read(request.node_id).view
    edited = _same_size(request.edited, (view.width, view.height), session.photo)
    editing = edit_line(session, engine, request.node_id, edited.rgb, edited.picture)
    seen = yield from drawing_events(editing)
    photo = session.photo
    changed = type(photo)(
        seen[0].rgb,
        photo.original_width,
        photo.original_height,
        photo.intrinsics,
        f"{photo.source_name} edited",
        photo.lens_source,
        photo.notes,
        picture=seen[0].picture,
    )
    made, views = begin_with(to.folder, changed, seen, engine, session.settings, session)
    to.take(made)
    yield Opened(changed, to.folder, made.settings, None, made.read)
    for done, added in enumerate(views):
        yield Busy("taking in the edited views", done, len(seen), job=True)
        yield taken_in(made, added)
    yield JobDone(f"Edited {len(seen)} views; the earlier walk is kept.")


def save_picture(request: requests.SavePicture, session: Session) -> Events:
    """One view as a PNG file, to be edited elsewhere."""
    with atomic_path(request.target) as path:
        shown = session.read(request.node_id).shown_rgb(raw=False)
        Image.fromarray(shown).save(path, format="PNG")
    yield Saved(request.target)


def _geometry(settings: WalkSettings) -> GeometryOptions:
    return GeometryOptions(caption=settings.sampler.caption, seed=settings.seed)


def taken_in(session: Session, added: Added) -> Drawn:
    """The event of a view that was seen, not drawn."""
    return Drawn(added, -1, 0.0, session.scene_scale)


def drawing_events(drawing: Drawing[Answer]) -> Generator[Event, None, Answer]:
    """A drawing's steps as a job's progress."""
    while True:
        try:
            step = next(drawing)
        except StopIteration as end:
            answer: Answer = end.value
            return answer
        try:
            yield Busy(f"drawing {step.picture}", step.index, step.total, job=True)
        except GeneratorExit:
            drawing.close()
            raise


def _stepped(session: Session, camera: object) -> Events:
    steps = session.step(camera)  # type: ignore[arg-type]
    while True:
        try:
            step = next(steps)
        except StopIteration as end:
            yield taken_in(session, end.value)
            return
        try:
            yield Busy(f"drawing the {step.part}", step.index, step.total)
        except GeneratorExit:
            steps.close()
            raise


def _same_size(path: Path, size: tuple[int, int], of: Photo) -> Photo:
    """An edited picture at both sizes of a walk's photo; it must have kept its shape."""
    edited = open_photo(path, None, _sizes_of(of, size))
    if (edited.width, edited.height) != size:
        raise ClipError(
            f"{path.name} is {edited.original_width}x{edited.original_height} pixels, of another "
            f"shape than the view ({size[0]}x{size[1]}); edit the picture that was saved from it"
        )
    if edited.picture is None:
        return edited
    # The crop to the model's shape was made when the walk's own picture was: it is not cut again.
    whole = decode_photo(path, needed_side=max(of.picture_size)).image
    whole = whole.resize(of.picture_size, Image.Resampling.LANCZOS)
    return replace(edited, picture=np.asarray(whole))


def _sizes_of(photo: Photo, model: tuple[int, int]) -> Sizes:
    """Those of a walk into it; two pixels more, since sides are rounded down to even ones."""
    width, height = photo.picture_size
    sizes = Sizes(model, most=(width + 2, height + 2))
    return sizes.without_picture() if photo.picture is None else sizes
