"""A whole walk without a window: read the photo, draw the views, write everything down."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from engine.geometry.cameras import Camera, Intrinsics
from engine.queries import Engine
from explorer.walk.begun_on import change_of_device, device_of, settled_for
from explorer.walk.depth_source import DepthSource
from explorer.walk.files import empty_cache
from explorer.walk.journal import JOURNAL, Journal, JournalError, read_journal
from explorer.walk.lens_estimate import with_estimated_lens
from explorer.walk.output import WALK_RESULTS, OutputSettings, WalkOutput
from explorer.walk.photo import Photo, open_photo
from explorer.walk.plan import PathPlan, plan_path
from explorer.walk.ready import ReadyEngine, open_engine
from explorer.walk.recorder import Recorder
from explorer.walk.results import JOURNAL_FOLDER, Results, results_in
from explorer.walk.run_header import header_of, sizes_of
from explorer.walk.run_options import DENSE, RunOptions
from explorer.walk.telling import RunProgress, RunResult
from explorer.walk.walk import Steps, Walk
from memory.config import MemoryConfig
from memory.memory import Memory

#: What a part is called where its name alone says too little.
_WORDS = {"size": "model size"}


def walk_photo(
    options: RunOptions,
    on_progress: Callable[[RunProgress], None] | None = None,
    should_stop: Callable[[], bool] | None = None,
    engine: Engine | None = None,
    depth_source: DepthSource | None = None,
    results: Results | None = None,
) -> RunResult:
    """Draws a walk and writes its files; `should_stop` is asked between sampling steps.

    Args:
        results: the folder of `options.out`, where the caller holds it already.
        engine: a loaded engine; None to load the one that the options name.
        depth_source: what the options' `depth_prior` names, opened by the caller; a walk that is
            resumed after its photo has its depth needs none.

    Raises:
        PhotoError, SizeError, PathError, TrajectoryError, JournalError, WalkError, ResultsError,
            TakenError (all `ValueError`): one sentence about what cannot be used.
    """
    if results is None:
        with results_in(options.out, WALK_RESULTS) as held:
            return walk_photo(options, on_progress, should_stop, engine, depth_source, held)
    asked, plan = options.sizes, plan_path(options.path, options.views)
    settings = options.settings()
    journal = _earlier_walk(options)
    place = settled_for(options, journal).device if engine is None else str(engine.device)
    sizes = sizes_of(asked, journal, place)
    photo = open_photo(options.photo, options.fov, sizes)
    run = _Run(options.out, plan, on_progress or _silent, should_stop or _never)
    if smaller := sizes.smaller_than_asked(photo.picture_size):
        run.note(smaller)
    run.tell("loading the model")
    compiled = False
    if engine is None:
        size = photo.width, photo.height
        ready = open_engine(settled(options), size, settings.context_views)
        run.warm(ready)
        engine, compiled = ready.engine, ready.runs_compiled
    assumed, photo = photo.lens_assumed, _with_lens(photo, engine, journal)
    estimated = assumed and not photo.lens_assumed
    if estimated:
        run.note(f"The photo does not say its lens: {photo.lens_source}; --fov states it.")
    header = header_of(photo, plan, settings, engine)
    header["device"] = device_of(journal) or str(engine.device)
    if change := change_of_device(header["device"], str(engine.device)):
        run.note(change)
    header["compiling"] = True if compiled else None
    header["lens"] = photo.lens_source if estimated else None
    header["depth prior"] = _prior_identity(options, depth_source, journal)
    results.claim(f"{JOURNAL_FOLDER}/{JOURNAL}")
    recorder = _open_journal(options.out, header, journal)
    views_folder = options.out / JOURNAL_FOLDER / "memory"
    # A cache of this run alone: a resumed walk fills it again from the journal.
    empty_cache(views_folder)
    memory = Memory(MemoryConfig(), views_folder, engine.device, recorder.picture)
    walk = Walk(photo, engine, memory, settings, recorder, depth_source)
    dense = options.points == DENSE
    about = OutputSettings(results, options.raw, header, plan.views, recorder.png, dense)
    output = WalkOutput(about)
    return run.draw(walk, output, journal)


class _Run:
    """One run of a walk: drives the generators, tells how far they are, writes the results."""

    def __init__(
        self,
        out: Path,
        plan: PathPlan,
        on_progress: Callable[[RunProgress], None],
        should_stop: Callable[[], bool],
    ) -> None:
        self._out, self._plan = out, plan
        self._on_progress, self._should_stop = on_progress, should_stop
        self._done = 0
        self._seconds: list[float] = []

    def tell(self, message: str) -> None:
        total = sum(self._seconds)
        speed = len(self._seconds) / total if total > 0 else 0.0
        self._on_progress(RunProgress(message, self._done, self._plan.views, speed))

    def note(self, sentence: str) -> None:
        self._on_progress(RunProgress("", self._done, self._plan.views, 0.0, sentence))

    def warm(self, ready: ReadyEngine) -> None:
        """Tells how the model runs, and compiles it where it is to be."""
        for sentence in ready.notes:
            self.note(sentence)
        for words in ready.warming(self.note):
            self.tell(words)
            if self._should_stop():
                return

    def draw(self, walk: Walk, output: WalkOutput, journal: Journal | None) -> RunResult:
        """Restores what was drawn before, draws the rest, and exports."""
        for drawn in journal.views if journal else ():
            walk.restore(drawn)
            output.add(drawn)
        self._done = max(walk.view_count - 1, 0)
        stopped = False
        if walk.view_count == 0:
            stopped = not self._finish(walk.start(), "looking at the photo", output)
        if not stopped:
            depth = torch.as_tensor(np.array(walk.memory.views[0].depth))
            cameras = self._plan.cameras(walk.photo.camera, depth)
            _check_cameras(walk, cameras, self._out)
            for camera in cameras[self._done :]:
                begin = time.perf_counter()
                if not self._finish(walk.step(camera), "drawing", output):
                    break
                self._seconds.append(time.perf_counter() - begin)
                self._done = walk.view_count - 1
        if walk.view_count:
            recorded = read_journal(self._out / JOURNAL_FOLDER).views
            output.finish(walk, recorded, self.tell)
        median = float(np.median(self._seconds)) if self._seconds else 0.0
        return RunResult(self._out, self._done, self._plan.views, median)

    def _finish(self, steps: Steps, message: str, output: WalkOutput) -> bool:
        """Runs a step to its end; False where the user stopped it."""
        while True:
            if self._should_stop():
                steps.close()
                return False
            try:
                next(steps)
            except StopIteration as end:
                output.add(end.value)
                self.tell(message)
                return True
            self.tell(message)


def settled(options: RunOptions) -> RunOptions:
    """The same with the device by its full name; left open, a resumed walk keeps its own."""
    return settled_for(options, recorded_walk(options))


def recorded_walk(options: RunOptions) -> Journal | None:
    """The walk that a run with these options goes on with; None where it begins anew.

    Raises:
        JournalError: it cannot go on, or would lose an unfinished walk.
    """
    return _earlier_walk(options) if options.resume else None


def _with_lens(photo: Photo, engine: Engine, journal: Journal | None) -> Photo:
    """A photo of an unknown lens with the one that is seen in it; a resumed walk keeps its own."""
    if journal is None or not photo.lens_assumed:
        return with_estimated_lens(photo, engine)
    if journal.header.get("lens") is None:
        return photo
    try:
        lens = Intrinsics(*map(float, journal.header["field of view"]))
    except (KeyError, TypeError, ValueError) as error:
        raise JournalError(f"the journal of the walk does not say its lens ({error})") from error
    source = str(journal.header["lens"])
    return replace(photo, intrinsics=lens, lens_source=source, lens_assumed=False)


def _prior_identity(
    options: RunOptions, source: DepthSource | None, journal: Journal | None
) -> dict[str, Any] | None:
    """A resumed walk keeps the prior that it was begun with."""
    if source is not None:
        return source.identity
    if options.resume and journal is not None and len(journal.views):
        recorded: dict[str, Any] | None = journal.header.get("depth prior")
        return recorded
    return None


def _check_cameras(walk: Walk, cameras: list[Camera], out: Path) -> None:
    """A resumed walk must be on the same path; then its cameras are the same numbers."""
    for view_id, camera in zip(range(1, walk.view_count), cameras, strict=False):
        drawn = walk.memory.views[view_id].camera
        if np.abs(drawn.T_world_camera - camera.T_world_camera).max() > 1e-9:
            raise JournalError(f"the walk in {out} follows another path; choose another --out")


def refuse_loss(out: Path, ways: str) -> None:
    """An unfinished walk is not lost without being asked.

    Args:
        ways: what a command's user may do about it, beside choosing another folder.

    Raises:
        JournalError: `out` holds one, or a damaged one.
    """
    folder = out / JOURNAL_FOLDER
    if not (folder / JOURNAL).is_file():
        return
    journal = read_journal(folder)
    if len(journal.views) <= journal.header.get("path", ["", 0])[1]:
        raise JournalError(f"{out} holds an unfinished walk; {ways}, or choose another --out")


def _earlier_walk(options: RunOptions) -> Journal | None:
    """The walk to go on with. Refuses to go on with none, and to lose an unfinished one."""
    out, folder = options.out, options.out / JOURNAL_FOLDER
    if options.resume and options.overwrite:
        raise JournalError("--resume goes on with a walk and --overwrite loses it; give one")
    if options.overwrite:
        return None
    if not (folder / JOURNAL).is_file():
        if options.resume:
            raise JournalError(f"{out} holds no walk to go on with; leave out --resume")
        return None
    if options.resume:
        return read_journal(folder)
    refuse_loss(out, "add --resume to go on with it or --overwrite to lose it")
    return None


def _without_place(recorded: Any) -> Any:
    """What a part of the header says but for where it lay: a model that moved is the same."""
    if isinstance(recorded, dict):
        return {name: value for name, value in recorded.items() if name != "folder"}
    return recorded


def _open_journal(out: Path, header: dict[str, Any], journal: Journal | None) -> Recorder:
    if journal is None:
        return Recorder.create(out / JOURNAL_FOLDER, header)
    for part, wanted in header.items():
        if part == "device":
            continue  # another one is told, and may be wanted
        if _without_place(journal.header.get(part)) != _without_place(wanted):
            raise JournalError(
                f"the walk in {out} was begun with another {_WORDS.get(part, part)}; use the same "
                "one, or leave out --resume and choose another --out"
            )
    return Recorder.resume(out / JOURNAL_FOLDER, journal)


def _silent(_progress: RunProgress) -> None:
    return


def _never() -> bool:
    return False
