"""What makes a walk this walk: the header of its journal, by which a walk that goes on is known."""

from __future__ import annotations

import hashlib
from dataclasses import asdict
from typing import Any

from engine.queries import Engine
from explorer.walk.begun_on import device_of
from explorer.walk.journal import Journal, JournalError
from explorer.walk.photo import Photo
from explorer.walk.plan import PathPlan
from explorer.walk.records import WalkSettings
from explorer.walk.sizes import Sizes

#: A part of the header; walks of earlier versions have none.
PICTURE_SIZE = "picture size"


def sizes_of(asked: Sizes, journal: Journal | None, device: str) -> Sizes:
    """A walk that goes on keeps the picture's usual size of where it was begun; one that was begun
    by an earlier version has no pictures beside the model's.

    Raises:
        JournalError: a size was asked for of a walk without pictures.
    """
    if journal is None or PICTURE_SIZE in journal.header:
        return asked.on(device_of(journal) or device)
    if asked.picture is not None:
        raise JournalError(
            f"the walk in {journal.folder.parent} was begun by an earlier version, and its "
            "pictures have the model's size; leave out --size (what it said then, --model-size "
            "says now)"
        )
    return asked.without_picture()


def header_of(
    photo: Photo, plan: PathPlan, settings: WalkSettings, engine: Engine
) -> dict[str, Any]:
    """What makes a walk this walk; the names of its parts are read by users."""
    k = photo.intrinsics
    chosen = asdict(settings)
    chosen.pop("raw")  # says what is shown, not what is drawn
    chosen |= chosen.pop("sampler")
    shown = photo.rgb if photo.picture is None else photo.picture
    pictures = {} if photo.picture is None else {PICTURE_SIZE: list(photo.picture_size)}
    return {
        "size": [photo.width, photo.height],
        **pictures,
        "photo": hashlib.sha256(shown.tobytes()).hexdigest(),
        "field of view": [k.fx, k.fy, k.cx, k.cy],
        "path": [plan.name, plan.views],
        "weights": engine.weights_hash,
        **{name.replace("_", " "): value for name, value in chosen.items()},
    }
