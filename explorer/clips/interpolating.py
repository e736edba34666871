"""`interpolate A B`: the views between two pictures of one place."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from engine.geometry.cameras import Camera
from engine.queries import Engine
from engine.queries.interpolate import (
    Between,
    InterpolationConfig,
    cameras_between,
    interpolate,
    interpolate_pictures,
)
from engine.queries.query import FloatArray
from engine.queries.scenes import SceneView, warp
from engine.sampling.joint import JointSampling
from engine.sampling.keys import noise_of
from explorer.clips.frames import ClipError, Rgb
from explorer.clips.geometry import DRAWN, Geometry, recover_geometry
from explorer.clips.output import CLIP_RESULTS, ClipRecord, write_clip
from explorer.clips.reconstructing import how
from explorer.clips.work import ClipDone, Common, Show, Work
from explorer.walk.colours import to_bytes, to_floats
from explorer.walk.composite import composite
from explorer.walk.depth_fusion import fuse_depth
from explorer.walk.photo import Photo, Sizes, open_photo
from explorer.walk.results import Results, results_in

#: Drawn cameras with a worse reprojection than this are not believed; matched ones are believed
#: by their matches. With less in common nothing is gained by geometry.
LEAST_SCORE = -0.16
LEAST_COMMON = 0.15


@dataclass(frozen=True)
class InterpolateOptions(Common):
    """Attributes:
    first, last: two pictures.
    views: how many are drawn between them.
    fov: horizontal degrees of both lenses; None reads it from the pictures.
    raw: the model's pictures alone, without the detail of the two.
    """

    first: Path = Path()
    last: Path = Path()
    views: int = 7
    fov: float | None = None
    raw: bool = False


@dataclass(frozen=True, eq=False)
class _Drawn:
    frames: list[Rgb]
    depths: list[FloatArray | None]
    cameras: list[Camera]


def interpolate_photos(
    options: InterpolateOptions,
    show: Show | None = None,
    stop: Callable[[], bool] | None = None,
) -> ClipDone:
    """Reads both pictures, finds how they lie to each other, draws between them, writes.

    Raises:
        ClipError, PhotoError: the pictures cannot be used together.
        ResultsError, TakenError: the folder of results cannot be used.
        StoppedError: the user stopped it.
    """
    with results_in(options.out, CLIP_RESULTS) as results:
        return _interpolated(options, results, Work(options.views + 1, show, stop))


def _interpolated(options: InterpolateOptions, results: Results, work: Work) -> ClipDone:
    work.tell("looking at both pictures")
    photos = _pair(options)
    engine = work.engine(options, options.views + 2)
    frames = [photo.rgb for photo in photos]
    lens = photos[0].intrinsics if options.fov is not None else None
    asked = recover_geometry(engine, frames, options.geometry(), lens)
    geometry = work.finish(asked, "depth and cameras")
    work.advance()
    joined = fits_together(geometry)
    if joined:
        drawn = _along_path(engine, geometry, options, work)
        sentence = f"Drew {options.views} views along the path between both ({how(geometry)})."
    else:
        drawn = _between_pictures(engine, frames, options, work)
        sentence = (
            f"Drew {options.views} views between both without geometry: too little of one picture "
            "was found in the other."
        )
    record = ClipRecord(
        drawn.frames,
        drawn.depths,
        drawn.cameras,
        seconds=work.seconds,
        about={
            "command": "interpolate",
            "options": options,
            "geometry": joined,
            "cameras_from": geometry.cameras_from,
            "score": geometry.score,
            "scores": geometry.scores,
            "inliers": geometry.inliers,
        },
    )
    write_clip(record, results, engine, work.tell)
    notes = tuple(note for photo in photos for note in photo.notes)
    return ClipDone(options.out, sentence, notes)


def _pair(options: InterpolateOptions) -> tuple[Photo, Photo]:
    if options.views < 1:
        raise ClipError(f"at least one view must lie between two, not {options.views}")
    sizes = Sizes(options.size, most=None)
    first = open_photo(options.first, options.fov, sizes)
    last = open_photo(options.last, options.fov, sizes)
    if first.rgb.shape != last.rgb.shape:
        raise ClipError(
            f"{options.first.name} is {first.original_width}x{first.original_height} pixels and "
            f"{options.last.name} {last.original_width}x{last.original_height}; give two pictures "
            "of one shape"
        )
    return first, last


def fits_together(geometry: Geometry) -> bool:
    """Whether the pictures lie to each other as it is believed, and share enough."""
    if geometry.cameras_from == DRAWN and geometry.score < LEAST_SCORE:
        return False
    first, last = geometry.views[0], geometry.views[-1]
    common = min(warp([first], last.camera).seen.mean(), warp([last], first.camera).seen.mean())
    return bool(common >= LEAST_COMMON)


def _along_path(
    engine: Engine, geometry: Geometry, options: InterpolateOptions, work: Work
) -> _Drawn:
    first, last = geometry.views[0], geometry.views[-1]
    cameras = cameras_between(first.camera, last.camera, options.views)
    config = InterpolationConfig(
        JointSampling(steps=options.steps or 4), with_depth=True, caption=options.caption
    )
    drawn = _Drawn([to_bytes(first.rgb)], [first.depth], [first.camera])
    for index, camera in enumerate(cameras):
        noise = noise_of(options.seed, f"interpolation/{index}")
        one = interpolate(engine, (first, last), [camera], config, noise)
        between = work.finish(one, f"view {index + 1}")[0]
        view = finished(between, options.raw)
        drawn.frames.append(to_bytes(view.rgb))
        drawn.depths.append(view.depth)
        drawn.cameras.append(camera)
        work.advance()
    drawn.frames.append(to_bytes(last.rgb))
    drawn.depths.append(last.depth)
    drawn.cameras.append(last.camera)
    return drawn


def finished(between: Between, raw: bool) -> SceneView:
    """Known detail where the warps are certain, the model's picture and depth elsewhere."""
    assert between.warped is not None
    assert between.camera is not None
    assert between.depth is not None
    warped = between.warped
    rgb = torch.tensor(between.rgb)
    coverage, seen = torch.tensor(warped.coverage), torch.tensor(warped.seen)
    if not raw:
        rgb = composite(rgb, torch.tensor(warped.rgb), coverage)
    trust = torch.where(seen, coverage, 0.0)
    drawn, known = torch.tensor(between.depth), torch.tensor(warped.depth)
    depth = fuse_depth(drawn, known, trust, torch.zeros_like(trust, dtype=torch.int32)).depth
    return SceneView(rgb.numpy(), depth.numpy(), between.camera)


def _between_pictures(
    engine: Engine, frames: Sequence[Rgb], options: InterpolateOptions, work: Work
) -> _Drawn:
    first, last = [to_floats(frame) for frame in frames]
    config = InterpolationConfig(
        JointSampling(steps=options.steps or 4), with_depth=False, caption=options.caption
    )
    noise = noise_of(options.seed, "interpolation")
    query = interpolate_pictures(engine, (first, last), options.views, config, noise)
    found = work.finish(query, "views between")
    work.advance(options.views)
    return _Drawn([frames[0], *(to_bytes(b.rgb) for b in found), frames[1]], [], [])
