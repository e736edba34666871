"""`reconstruct VIDEO`: depth, cameras and points of a video or a folder of pictures."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from explorer.clips.frames import Cancelled, Clip, ClipOptions
from explorer.clips.geometry import MATCHED, Geometry, recover_geometry
from explorer.clips.output import CLIP_RESULTS, ClipRecord, write_clip
from explorer.clips.video_in import read_clip
from explorer.clips.work import ClipDone, Common, Show, StoppedError, Work
from explorer.walk.results import Results, results_in


@dataclass(frozen=True)
class ReconstructOptions(Common):
    """Attributes:
    video: a file, or a folder of pictures.
    frames: how many are taken of it.
    start, end: seconds of the part that is taken.
    fov: horizontal degrees of the lens; None reads it from the pictures.
    match: correct the cameras by keypoint matches.
    """

    video: Path = Path()
    frames: int = 16
    start: float | None = None
    end: float | None = None
    fov: float | None = None
    match: bool = True


def reconstruct_clip(
    options: ReconstructOptions,
    show: Show | None = None,
    stop: Callable[[], bool] | None = None,
) -> ClipDone:
    """Reads, recovers, writes.

    Raises:
        ClipError: the video cannot be used.
        ResultsError, TakenError: the folder of results cannot be.
        StoppedError: the user stopped it before it was done.
    """
    with results_in(options.out, CLIP_RESULTS) as results:
        return _reconstructed(options, results, Work(2, show, stop))


def _reconstructed(options: ReconstructOptions, results: Results, work: Work) -> ClipDone:
    work.tell("reading the frames")
    wanted = ClipOptions(options.frames, options.size, options.start, options.end, fov=options.fov)
    try:
        clip = read_clip(options.video, wanted, stopped=work.stopped)
    except Cancelled as cancelled:
        raise StoppedError from cancelled
    work.advance()
    engine = work.engine(options)
    asked = recover_geometry(engine, clip.frames, options.geometry(options.match), clip.lens)
    found = work.finish(asked, "depth and cameras")
    work.advance()
    write_clip(_record(options, clip, found, work.seconds), results, engine, work.tell)
    count = len(clip.frames)
    sentence = f"Recovered depth and cameras of {count} frames ({how(found)})."
    return ClipDone(options.out, sentence, clip.notes)


def how(found: Geometry) -> str:
    """In words where the cameras come from."""
    words = f"cameras from {found.cameras_from}"
    if found.cameras_from == MATCHED:
        words += f", {sum(found.inliers)} of which agree"
    if len(found.scores) > 1:
        words += f"; the best of {len(found.scores)} samples"
    return words


def _record(options: ReconstructOptions, clip: Clip, found: Geometry, seconds: float) -> ClipRecord:
    return ClipRecord(
        frames=clip.frames,
        depths=[v.depth for v in found.views],
        cameras=[v.camera for v in found.views],
        labels=[f"{time:.2f} s" for time in clip.times],
        fps=clip.fps,
        times=clip.times,
        seconds=seconds,
        about={
            "command": "reconstruct",
            "options": options,
            "source": clip.source_name,
            "notes": clip.notes,
            "cameras_from": found.cameras_from,
            "inliers": found.inliers,
            "score": found.score,
            "scores": found.scores,
        },
    )
