"""`edit VIDEO --first-frame EDITED`: one frame is edited, the others follow."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from engine.queries.edit import EditConfig, FrameToEdit, propagate_edit
from engine.queries.query import FloatArray
from engine.sampling.joint import JointSampling
from engine.sampling.keys import noise_of
from explorer.clips.frames import Cancelled, Clip, ClipError, ClipOptions, Fit, Rgb
from explorer.clips.output import CLIP_RESULTS, ClipRecord, write_clip
from explorer.clips.regions import Mask, edited_region
from explorer.clips.tracking import Tracked, track_edit
from explorer.clips.video_in import read_clip
from explorer.clips.work import ClipDone, Common, Show, StoppedError, Work
from explorer.walk.colours import to_bytes, to_floats
from explorer.walk.composite import composite
from explorer.walk.files import atomic_folder
from explorer.walk.photo_decoding import PhotoError, decode_photo
from explorer.walk.recorded import picture_name
from explorer.walk.results import Results, results_in

#: Where the edit lies in each frame.
REGIONS = "regions"


@dataclass(frozen=True)
class EditOptions(Common):
    """Attributes:
    video: a file, or a folder of pictures.
    first_frame: its first frame, edited.
    region: a picture that is bright where the edit is; None finds it by comparing.
    frames: how many frames are taken.
    start, end: seconds of the part that is taken.
    raw: the model's picture in the whole region.
    """

    video: Path = Path()
    first_frame: Path = Path()
    region: Path | None = None
    frames: int = 16
    start: float | None = None
    end: float | None = None
    raw: bool = False


def edit_clip(
    options: EditOptions, show: Show | None = None, stop: Callable[[], bool] | None = None
) -> ClipDone:
    """Reads, tracks the edit, draws it into every frame, writes.

    Raises:
        ClipError: the video or the edited frame cannot be used.
        ResultsError, TakenError: the folder of results cannot be.
        StoppedError: the user stopped it.
    """
    with results_in(options.out, (*CLIP_RESULTS, REGIONS)) as results:
        return _edited(options, results, Work(options.frames, show, stop))


def _edited(options: EditOptions, results: Results, work: Work) -> ClipDone:
    work.tell("reading the frames")
    wanted = ClipOptions(options.frames, options.size, options.start, options.end)
    try:
        clip = read_clip(options.video, wanted, stopped=work.stopped)
    except Cancelled as cancelled:
        raise StoppedError from cancelled
    work.total = len(clip.frames)
    edited = _still(options.first_frame, clip)
    region = _region(options, clip, edited)
    work.tell("following the edit")
    tracked = list(track_edit(clip.frames, edited, region))
    engine = work.engine(options, len(clip.frames))
    frames = [edited]
    config = EditConfig(JointSampling(steps=options.steps or 4), caption=options.caption)
    noise = noise_of(options.seed, "edit")
    to_edit = frames_to_edit(clip.frames[1:], tracked)
    asked = propagate_edit(engine, to_floats(edited), to_edit, config, noise)
    drawn = work.finish(asked, "drawing")
    for frame, picture in zip(to_edit, drawn, strict=True):
        frames.append(to_bytes(picture if options.raw else joined(frame, picture)))
    lost = sum(not t.region.any() for t in tracked)
    about = {
        "command": "edit",
        "options": options,
        "source": clip.source_name,
        "notes": clip.notes,
        "region_share": [float(region.mean()), *(float(t.region.mean()) for t in tracked)],
    }
    record = ClipRecord(frames, fps=clip.fps, times=clip.times, seconds=work.seconds, about=about)
    write_clip(record, results, engine, work.tell)
    masks = [region, *(t.region for t in tracked)]
    results.write(REGIONS, lambda path: _write_regions(path, masks))
    notes = clip.notes
    if lost:
        notes += (f"in {lost} frames nothing of the region was found; they are as they were",)
    return ClipDone(options.out, f"Carried the edit through {len(frames)} frames.", notes)


def frames_to_edit(frames: Sequence[Rgb], tracked: Sequence[Tracked]) -> list[FrameToEdit]:
    """Later frames with what tracking found in them."""
    return [
        FrameToEdit(to_floats(frame), t.region, to_floats(t.carried), t.seen)
        for frame, t in zip(frames, tracked, strict=True)
    ]


def joined(frame: FrameToEdit, drawn: FloatArray) -> FloatArray:
    """The frame outside, the carried edit where it is certain, the model's picture elsewhere."""
    rgb, carried, picture = (torch.tensor(x) for x in (frame.rgb, frame.carried, drawn))
    region, seen = (torch.tensor(x) for x in (frame.region, frame.carried_seen))
    known = torch.where(region[..., None], carried, rgb)
    picture = composite(picture, known, (~region | seen).float())
    return torch.where(region[..., None], picture, rgb).numpy()


def _still(path: Path, clip: Clip) -> Rgb:
    """A picture brought to the clip's working size as its frames were."""
    try:
        decoded = decode_photo(path, needed_side=max(clip.size) * 8)
    except PhotoError as error:
        raise ClipError(str(error)) from error
    size = (decoded.width, decoded.height)
    wanted = clip.original_size[0] / clip.original_size[1]
    if abs(size[0] / size[1] - wanted) > 0.02 * wanted:
        raise ClipError(
            f"{path.name} is {size[0]}x{size[1]} pixels, of another shape than the video's frames "
            f"({clip.original_size[0]}x{clip.original_size[1]}); edit a whole frame"
        )
    fit = Fit.of(clip.original_size, clip.size)
    share = decoded.image.width / clip.original_size[0]
    scaled = Fit((fit.crop[0] * share, fit.crop[1] * share), clip.size)
    return scaled.apply(decoded.image)


def _region(options: EditOptions, clip: Clip, edited: Rgb) -> Mask:
    if options.region is None:
        return edited_region(clip.frames[0], edited)
    region: Mask = _still(options.region, clip).mean(-1) > 127
    if not region.any():
        raise ClipError(f"{options.region} is dark everywhere; paint the region white")
    return region


def _write_regions(path: Path, masks: Sequence[Mask]) -> None:
    with atomic_folder(path) as folder:
        for index, mask in enumerate(masks):
            picture = Image.fromarray((mask * 255).astype(np.uint8))
            picture.save(folder / f"{picture_name(index)}.png")
