"""What the clip commands share: options, progress, and a clean way to stop."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from engine.queries import Drawing, Engine
from engine.queries.reconstruct import ReconstructionConfig
from explorer.clips.geometry import GeometryOptions
from explorer.walk.ready import EngineOptions, ReadyEngine, open_engine
from explorer.walk.telling import RunProgress

Answer = TypeVar("Answer")
#: Views of one query of a clip that is cut into windows.
WINDOW = ReconstructionConfig.window
Show = Callable[[RunProgress], None]


@dataclass(frozen=True)
class Common(EngineOptions):
    """Options of every clip command, beside those of its engine.

    Attributes:
        out: folder for the results.
        size: (width, height) whose pixel count the working size comes near.
        steps: sampling steps; None for the query's own.
        samples: answers drawn, of which the most consistent is kept (seed 000).
        caption: what is to be seen, in words that the model knows.
        seed: of all noise.
    """

    out: Path
    size: tuple[int, int] = (256, 144)
    steps: int | None = None
    samples: int = 1
    caption: str = ""
    seed: int = 0

    def geometry(self, match: bool = True) -> GeometryOptions:
        """How depth and cameras are recovered."""
        return GeometryOptions(self.samples, self.steps, self.caption, self.seed, match)


class StoppedError(Exception):
    """The user asked to stop before there was anything to keep."""


class Work:
    """Runs drawings, tells how far they are, and stops between two steps.

    Args:
        total: units of progress: usually views.
    """

    def __init__(self, total: int, show: Show | None, stop: Callable[[], bool] | None) -> None:
        self.total, self.done = total, 0
        self._show, self._stop = show or (lambda _: None), stop or (lambda: False)
        self._began = time.perf_counter()
        self._ready: ReadyEngine | None = None

    def engine(self, options: Common, views: int = WINDOW) -> Engine:
        """The model that the options name; what the user should know of it is told.

        Args:
            views: the most that one query holds.
        """
        self.tell("loading the model")
        self._ready = ready = open_engine(options, options.size, views)
        for sentence in ready.notes:
            self.note(sentence)
        return ready.engine

    def note(self, sentence: str) -> None:
        """Tells what holds from now on."""
        self._show(RunProgress("", self.done, self.total, 0.0, sentence))

    @property
    def seconds(self) -> float:
        """Since the work began."""
        return time.perf_counter() - self._began

    def tell(self, message: str) -> None:
        rate = self.done / self.seconds if self.done else 0.0
        self._show(RunProgress(message, self.done, self.total, rate))

    def stopped(self) -> bool:
        return self._stop()

    def finish(self, drawing: Drawing[Answer], message: str) -> Answer:
        """The answer of a drawing.

        Raises:
            StoppedError: the user stopped it.
        """
        while True:
            if self.stopped():
                drawing.close()
                raise StoppedError
            try:
                step = next(drawing)
            except StopIteration as end:
                self._note_fault()
                return end.value  # type: ignore[no-any-return]
            self.tell(f"{message}: {step.picture}, step {step.index} of {step.total}")

    def _note_fault(self) -> None:
        """Clips are compiled while they are drawn, so whether it works is known after a drawing."""
        if self._ready is not None and self._ready.compiling_fault is not None:
            self.note(self._ready.compiling_fault)
            self._ready = None

    def advance(self, units: int = 1) -> None:
        self.done = min(self.total, self.done + units)


@dataclass(frozen=True)
class ClipDone:
    """What a command left behind; as text, what the user should know."""

    out: Path
    sentence: str
    notes: tuple[str, ...] = ()

    def __str__(self) -> str:
        return "\n".join([f"{self.sentence} The files are in {self.out}.", *self.notes])
