"""A new view's colours and depth out of stored pictures, each pixel sampled once, from one of them.

The photo is asked first, then the drawn views whose surfaces the memory sees there; so nothing is
resampled twice that the photo shows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from engine.geometry.cameras import Camera
from memory.pictures.finding import Finding
from memory.pictures.guesses import Guesses
from memory.pictures.records import PHOTO, LookedUp, LookUpConfig, Seen
from memory.pictures.source import Source

__all__ = ["PHOTO", "LookUpConfig", "LookedUp", "Seen", "look_up"]


def look_up(
    source_of: Callable[[int], Source | None],
    camera: Camera,
    size: tuple[int, int],
    seen: Seen,
    config: LookUpConfig | None = None,
) -> LookedUp:
    """
    Args:
        source_of: a view by its id; None where its picture or its depth is missing.
        size: (width, height) of the new picture.
    """
    config = config or LookUpConfig()
    guesses = Guesses.of(seen, size)
    found = Finding(camera, size, guesses, config)
    photo = source_of(PHOTO)
    if photo is not None:
        found.photo(photo)
    for view_id in _others(seen, config):
        left = found.left(guesses.around(seen.view_ids == view_id))
        # What the photo has shown needs no other picture, and that none of its preparation.
        source = source_of(view_id) if len(left) >= config.least * size[0] * size[1] else None
        if source is not None:
            found.drawn(source, left)
    return found.result()


def _others(seen: Seen, config: LookUpConfig) -> Iterator[int]:
    """Drawn views by how much of the picture is theirs."""
    ids, counts = np.unique(seen.view_ids, return_counts=True)
    order = [i for i in np.argsort(-counts, kind="stable") if ids[i] > PHOTO]
    for i in order[: config.views]:
        if counts[i] >= config.least * seen.view_ids.size:
            yield int(ids[i])
