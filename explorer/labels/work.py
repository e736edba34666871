"""Labels a folder with a depth model: pictures at working size, each with its depth beside it.

Every picture becomes `NAME.jpg` and `NAME.depth.npz` (`engine.training.labels`), in the order of
the folder; a posed clip keeps its camera text, which is written last, so that no reader meets half
a clip. `labels.json` says which model it was and what its depth means. What is there is not done
again.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from PIL import Image

from engine.model.claim import claimed
from engine.training.clip_frames import read_posed_clip
from engine.training.labels import Label, label_path, write_label
from explorer.clips.frames import Cancelled
from explorer.labels.clip_depth import ClipUnits
from explorer.labels.items import (
    Found,
    as_photo,
    as_picture,
    found_in,
    read_photo,
    video_photos,
)
from explorer.priors.kinds import DepthKind, PriorError
from explorer.priors.prior import DepthPrior
from explorer.walk.files import atomic_path
from explorer.walk.photo import Photo
from explorer.walk.results import LOCK
from explorer.walk.telling import RunProgress

FORMAT = "photowalk-labels-1"
RECORD = "labels.json"
_QUALITY = 95


@dataclass(frozen=True)
class LabelOptions:
    """Attributes:
    folder: photos, videos and posed clips, at any depth.
    out: another folder, for the labelled pictures.
    size: (width, height) whose number of pixels the labelled pictures come near.
    every: seconds between two frames of a video without cameras.
    """

    folder: Path
    out: Path
    size: tuple[int, int] = (512, 288)
    every: float = 1.0


@dataclass
class Labelled:
    """What was done; as text, a few sentences for the user.

    Attributes:
        out: where it is.
        labelled: pictures that have a depth now, and had none before.
        before: photos, videos and clips that were whole already.
        left_out: why others have no depth, by their names in the folder.
        complete: False where it was stopped.
    """

    out: Path
    labelled: int = 0
    before: int = 0
    left_out: dict[str, str] = field(default_factory=dict)
    complete: bool = False

    def __str__(self) -> str:
        told = [f"{self.labelled} pictures labelled in {self.out}"]
        if self.before:
            told.append(f"{self.before} photos, videos and clips were there already")
        if self.left_out:
            name, reason = next(iter(self.left_out.items()))
            told.append(f"{len(self.left_out)} have no depth, such as {name}: {reason}")
        if not self.complete:
            told.append("stopped; the same command goes on")
        return "; ".join(told)


def label_folder(
    options: LabelOptions,
    prior: DepthPrior,
    show: Callable[[RunProgress], None],
    stopped: Callable[[], bool],
) -> Labelled:
    """See the module. Broken pictures are left out and named; the rest goes on.

    Raises:
        PriorError: nothing to label, `out` lies in the folder or around it, or it was labelled by
            another model, or holds what is no label of ours.
        TakenError: another process labels into `out`.
    """
    _check_apart(options)
    found = found_in(options.folder)
    with claimed(options.out / LOCK, f"labelling into {options.out}"):
        return _labelled(options, found, prior, show, stopped)


def _labelled(
    options: LabelOptions,
    found: Found,
    prior: DepthPrior,
    show: Callable[[RunProgress], None],
    stopped: Callable[[], bool],
) -> Labelled:
    _check_record(options, prior)
    done = Labelled(options.out)
    try:
        for _ in _Labeller(options, prior, done, stopped).items(found, show):
            if stopped():
                return done
    except Cancelled:
        return done
    done.complete = True
    _write_record(options, prior, done)
    return done


def _check_apart(options: LabelOptions) -> None:
    folder, out = options.folder.resolve(), options.out.resolve()
    if folder == out or folder in out.parents or out in folder.parents:
        raise PriorError(
            f"{options.out} and {options.folder} lie in one another; label into a folder apart"
        )


def _record(options: LabelOptions, prior: DepthPrior) -> dict[str, Any]:
    """What the labels depend on."""
    unit = "metres" if prior.kind.metric else "the picture's median depth; it has no unit"
    shift = "; its shift in inverse depth is unknown and taken to be 0"
    return {
        "format": FORMAT,
        "prior": prior.identity,
        "photos and videos": unit + (shift if prior.kind is DepthKind.INVERSE else ""),
        "clips": "the unit of their cameras, by triangulated keypoints",
        "size": list(options.size),
        "every": options.every,
    }


def _check_record(options: LabelOptions, prior: DepthPrior) -> None:
    path = options.out / RECORD
    if not path.exists():
        if others := [p.name for p in options.out.iterdir() if p.name != LOCK]:
            raise PriorError(
                f"{options.out} holds {others[0]} and no labels; label into a new folder"
            )
        _write_record(options, prior, None)
        return
    try:
        before = json.loads(path.read_text(encoding="utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise PriorError(f"{path} is damaged ({error}); label into another folder") from error
    now = _record(options, prior)
    other = [key for key in now if not isinstance(before, dict) or before.get(key) != now[key]]
    if other:
        raise PriorError(
            f"{options.out} was labelled otherwise ({', '.join(other)} differ); label into another "
            "folder, or repeat what it was labelled with"
        )


def _write_record(options: LabelOptions, prior: DepthPrior, done: Labelled | None) -> None:
    left_out = {} if done is None else {"left out": done.left_out}
    with atomic_path(options.out / RECORD) as path:
        path.write_text(json.dumps(_record(options, prior) | left_out, indent=1), encoding="utf-8")


class _Labeller:
    def __init__(
        self,
        options: LabelOptions,
        prior: DepthPrior,
        done: Labelled,
        stopped: Callable[[], bool],
    ) -> None:
        self.options, self.prior, self.done, self.stopped = options, prior, done, stopped
        self.began = time.monotonic()

    def items(self, found: Found, show: Callable[[RunProgress], None]) -> Iterator[None]:
        """Does the folder's items one by one."""
        work: list[tuple[Callable[[Path], None], Path]] = []
        work += [(self._photo, path) for path in found.photos]
        work += [(self._video, path) for path in found.videos]
        work += [(self._clip, path) for path in found.clips]
        for number, (label, path) in enumerate(work):
            name = path.relative_to(self.options.folder).as_posix()
            show(self._progress(name, number, len(work)))
            try:
                label(path)
            except Cancelled:
                raise
            except ValueError as error:
                self.done.left_out[name] = str(error)
            yield
        show(self._progress("labelled", len(work), len(work)))

    def _progress(self, message: str, done: int, total: int) -> RunProgress:
        rate = self.done.labelled / max(time.monotonic() - self.began, 1e-6)
        return RunProgress(message, done, total, rate)

    def _target(self, path: Path) -> Path:
        return self.options.out / path.relative_to(self.options.folder)

    def _photo(self, path: Path) -> None:
        target = self._target(path)
        target = target.with_name(f"{target.name}.jpg")
        if label_path(target).is_file():
            self.done.before += 1
            return
        photo = read_photo(path, self.options.size)
        self._keep(target, photo, Label(self.prior.depth(photo).depth, photo.intrinsics))

    def _video(self, path: Path) -> None:
        target = self._target(path)
        whole = target.with_name(f"{target.name}.done")
        if whole.is_file():
            self.done.before += 1
            return
        for frame in video_photos(path, self.options.every, self.options.size, self.stopped):
            picture = target.with_name(target.name) / f"{frame.milliseconds:09d}.jpg"
            if not label_path(picture).is_file():
                depth = self.prior.depth(frame.photo).depth
                self._keep(picture, frame.photo, Label(depth, frame.photo.intrinsics))
            if self.stopped():
                raise Cancelled
        with atomic_path(whole) as temporary:
            temporary.write_text("every frame is labelled\n")

    def _clip(self, text: Path) -> None:
        target = self._target(text)
        if target.is_file():
            self.done.before += 1
            return
        clip = read_posed_clip(text)
        units, unfitted = ClipUnits(clip), 0
        for index, camera in enumerate(clip.cameras):
            picture = target.with_suffix("") / f"{clip.microseconds[index]}.jpg"
            if not picture.is_file():
                (rgb,) = clip.frames([index], None)
                lens = camera.intrinsics
                photo = as_photo(as_picture(rgb), self.options.size, lens, clip.name)
                fitted = units.fitted(index, self.prior.depth(photo).depth, self.prior.kind)
                label = None if fitted is None else Label(fitted.depth, lens)
                self._keep(picture, photo, label)
            unfitted += not label_path(picture).is_file()
            if self.stopped():
                raise Cancelled
        with atomic_path(target) as temporary:
            temporary.write_bytes(text.read_bytes())
        if unfitted:
            raise PriorError(
                f"depth and cameras of {unfitted} of its {len(clip.cameras)} frames could not be "
                "brought together"
            )

    def _keep(self, target: Path, photo: Photo, label: Label | None) -> None:
        """The depth before the picture, so that a picture is always one that is done."""
        if label is not None:
            with atomic_path(label_path(target)) as temporary:
                write_label(temporary, label)
            self.done.labelled += 1
        with atomic_path(target) as temporary:
            Image.fromarray(photo.rgb).save(temporary, quality=_QUALITY, subsampling=0)
