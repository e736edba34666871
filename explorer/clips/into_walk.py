"""Clips as walks: a video to fly away from, a second photo, an edit that all views take on.

Everything here takes or gives sessions; each generator may be closed at any yield, and what was
open before is untouched.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from engine.geometry.cameras import Camera
from engine.queries import Drawing, Engine, Step
from engine.queries.edit import EditConfig, propagate_edit
from engine.queries.interpolate import cameras_between
from engine.sampling.keys import Noise, noise_of
from explorer.clips.editing import frames_to_edit, joined
from explorer.clips.frames import Clip, ClipError, Rgb
from explorer.clips.geometry import Geometry, GeometryOptions, recover_geometry
from explorer.clips.interpolating import fits_together
from explorer.clips.regions import Mask, edited_region
from explorer.clips.tracking import track_edit
from explorer.walk.colours import to_bytes, to_floats
from explorer.walk.photo import Photo
from explorer.walk.records import WalkSettings
from explorer.walk.session.records import Added, Node
from explorer.walk.session.session import Session
from memory.pictures.picture import Picture

#: What files are taken for videos.
VIDEO_SUFFIXES = (".mp4", ".mov", ".m4v", ".mkv", ".webm", ".avi", ".mpg", ".mpeg", ".ts", ".gif")


@dataclass(frozen=True, eq=False)
class Seen:
    """A view to be taken into a walk, in its world.

    Attributes:
        rgb: (H, W, 3) uint8 at the model's size.
        depth: (H, W) scene units.
        picture: (Hp, Wp, 3) uint8 at the picture's size; None of one size.
    """

    camera: Camera
    rgb: Rgb
    depth: np.ndarray[tuple[int, ...], np.dtype[np.float32]]
    picture: Rgb | None = None


def is_video(path: Path) -> bool:
    """By its name."""
    return path.suffix.lower() in VIDEO_SUFFIXES


def views_of_clip(
    engine: Engine, clip: Clip, options: GeometryOptions
) -> Drawing[tuple[Photo, list[Seen]]]:
    """The first frame as the photo of a walk, and all frames with their depth and cameras."""
    found: Geometry = yield from recover_geometry(engine, clip.frames, options, clip.lens)
    first = found.views[0].camera
    photo = Photo(
        rgb=clip.frames[0],
        original_width=clip.original_size[0],
        original_height=clip.original_size[1],
        intrinsics=first.intrinsics,
        source_name=clip.source_name,
        lens_source=found.cameras_from,
        notes=(*clip.notes, f"cameras from {found.cameras_from}"),
        picture=clip.pictures[0] if clip.pictures else None,
    )
    pictures = clip.pictures or (None,) * len(clip.frames)
    seen = [
        Seen(view.camera.relative_to(first), frame, view.depth, picture)
        for view, frame, picture in zip(found.views, clip.frames, pictures, strict=True)
    ]
    return photo, seen


def begin_with(
    folder: Path,
    photo: Photo,
    seen: Sequence[Seen],
    engine: Engine,
    settings: WalkSettings,
    earlier: Session | None = None,
) -> tuple[Session, Iterator[Added]]:
    """A new session, and its views as they are taken in.

    Args:
        earlier: the walk that they come from, whose depth prior goes on.
    """
    if earlier is None:
        session = Session.create(folder, photo, engine, settings)
    else:
        prior = earlier.view_source, earlier.depth_prior
        session = Session.create(folder, photo, engine, settings, *prior)
    return session, (taken_into(session, s) for s in seen)


def taken_into(session: Session, seen: Seen) -> Added:
    """Takes a view in after the head."""
    return session.adopt(seen.camera, seen.rgb, seen.depth, seen.picture)


@dataclass(frozen=True, eq=False)
class SecondPhoto:
    """A photo placed in a walk, and the cameras between the walk's photo and it."""

    seen: Seen
    cameras: tuple[Camera, ...]
    sentence: str


def place_photo(
    session: Session, engine: Engine, photo: Photo, views: int, options: GeometryOptions
) -> Drawing[SecondPhoto]:
    """Where a second photo lies in a walk's world.

    Raises:
        ClipError: it has another shape, or too little of the walk's photo is found in it.
    """
    own = session.read(session.line()[0].id).view
    if photo.rgb.shape != own.rgb.shape:
        raise ClipError(
            f"{photo.source_name} is {photo.width}x{photo.height} pixels at working size and the "
            f"walk's photo {own.width}x{own.height}; add a photo of the same shape"
        )
    frames = [np.array(own.rgb), photo.rgb]
    found: Geometry = yield from recover_geometry(engine, frames, options, own.camera.intrinsics)
    if not fits_together(found):
        raise ClipError(
            f"too little of the walk's photo is found in {photo.source_name}; add one that was "
            "taken nearer to it"
        )
    first, last = found.views
    factor = session.scene_scale  # the geometry's unit is the first photo's median depth
    T = np.array(last.camera.relative_to(first.camera).T_world_camera)
    T[:3, 3] *= factor
    camera = Camera(own.camera.T_world_camera @ T, last.camera.intrinsics)
    between = tuple(cameras_between(own.camera, camera, views)) if views else ()
    seen = Seen(camera, photo.rgb, (last.depth * factor).astype(np.float32), photo.picture)
    return SecondPhoto(seen, between, f"Added {photo.source_name} by {found.cameras_from}.")


def edit_line(
    session: Session, engine: Engine, node_id: int, edited: Rgb, large: Rgb | None = None
) -> Generator[Step, None, list[Seen]]:
    """Every view of the line with the edit of one of them; their depths stay.

    The edit is followed from the edited view to the head, and back to the photo, with the seed and
    the caption of the session.

    Args:
        edited: (H, W, 3) the edited view at the model's size.
        large: (Hp, Wp, 3) the same at the picture's size, where the walk has one.

    Raises:
        ClipError: the picture has another size, or does not differ from the view.
    """
    nodes, settings = session.line(), session.settings
    place = _place(nodes, node_id)
    recorded = [session.read(node.id) for node in nodes]
    views = [drawn.view for drawn in recorded]
    for view in views:
        if view.depth is None:
            raise ClipError(
                f"view {view.id} has no geometry yet; draw it first, so that the edit has a place"
            )
    originals = [np.array(view.rgb) for view in views]
    region = edited_region(originals[place], edited)
    pictures = list(originals)
    for order in (range(place, len(views)), range(place, -1, -1)):
        frames = [originals[i] for i in order]
        noise = noise_of(settings.seed, f"{order}")
        config = EditConfig(caption=settings.sampler.caption)
        followed = yield from _followed(engine, frames, edited, region, config, noise)
        for index, picture in zip(order, followed, strict=True):
            pictures[index] = picture
    shown: list[Rgb | None] = [None] * len(views)
    if large is not None:
        shown = [
            _with_changes(drawn.picture, original, picture)
            for drawn, original, picture in zip(recorded, originals, pictures, strict=True)
        ]
        shown[place] = large
    return [
        Seen(view.camera, picture, np.array(view.depth), whole)
        for view, picture, whole in zip(views, pictures, shown, strict=True)
    ]


#: Levels by which a pixel must differ to have been changed.
_CHANGED = 6


def _with_changes(shown: Picture | None, before: Rgb, after: Rgb) -> Rgb | None:
    """A large picture (Hp, Wp, 3) with what changed of its small one, enlarged."""
    if shown is None:
        return None
    whole, size = shown.rgb, shown.size
    changed = np.abs(after.astype(np.int16) - before).max(-1) > _CHANGED
    mask = cv2.dilate(changed.astype(np.float32), np.ones((3, 3), np.uint8))
    share = cv2.resize(mask, size, interpolation=cv2.INTER_LINEAR)[..., None]
    enlarged = cv2.resize(after, size, interpolation=cv2.INTER_CUBIC).astype(np.float32)
    return np.asarray(np.round(whole + share * (enlarged - whole)), np.uint8)


def _place(nodes: Sequence[Node], node_id: int) -> int:
    for place, node in enumerate(nodes):
        if node.id == node_id:
            return place
    raise ClipError(f"view {node_id} is on another branch; go there first")


def _followed(
    engine: Engine,
    frames: list[Rgb],
    edited: Rgb,
    region: Mask,
    config: EditConfig,
    noise: Noise,
) -> Generator[Step, None, list[Rgb]]:
    """All frames with the edit of the first of them."""
    if len(frames) < 2:
        return [edited]
    to_edit = frames_to_edit(frames[1:], list(track_edit(frames, edited, region)))
    drawn = yield from propagate_edit(engine, to_floats(edited), to_edit, config, noise)
    pairs = zip(to_edit, drawn, strict=True)
    return [edited, *(to_bytes(joined(frame, picture)) for frame, picture in pairs)]
