"""The lens of a photo of which neither the user nor its tags say anything, told by its picture."""

from __future__ import annotations

import math
from dataclasses import replace

from engine.geometry.cameras import Intrinsics
from engine.queries import Engine
from engine.queries.lens import lens_of_picture
from explorer.walk.colours import to_floats
from explorer.walk.photo import Photo


def with_estimated_lens(photo: Photo, engine: Engine) -> Photo:
    """The photo with the lens that the engine sees in it; as it is where the lens was said, or
    where the engine cannot tell."""
    if not photo.lens_assumed:
        return photo
    found = lens_of_picture(engine, to_floats(photo.rgb))
    if found is None:
        return photo
    lens, longest, shortest = (
        _centred(photo, focal) for focal in (found.focal, found.longest, found.shortest)
    )
    likely = f"{longest.horizontal_fov:.0f}° to {shortest.horizontal_fov:.0f}° is likely"
    words = f"{lens.horizontal_fov:.0f}° across, estimated from the picture ({likely})"
    notes = (*photo.notes, f"its lens is {words}")
    return replace(photo, intrinsics=lens, lens_source=words, notes=notes, lens_assumed=False)


def _centred(photo: Photo, focal: float) -> Intrinsics:
    """The lens of a focal length in diagonals of the photo, whose pixels are square."""
    pixels = focal * math.hypot(photo.width, photo.height)
    return Intrinsics(fx=pixels / photo.width, fy=pixels / photo.height)
