"""The one way to an engine, for walks, clips, the window and tables: fitted to the machine, and
compiled where that pays."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Self

from engine.model.compiler import compiler_fault
from engine.model.devices import AUTO, require_device
from engine.model.memory_plan import MemoryPlan
from engine.queries.compiling import Compiled, WarmUp, warm_up
from engine.queries.engine import Engine
from engine.queries.fitting import load_fitted

UNCOMPILED = "The model goes on uncompiled: "


@dataclass(frozen=True, kw_only=True)
class EngineOptions:
    """Which engine; whatever asks for one has these options, by these names.

    Attributes:
        weights: a checkpoint; None for the embedded one.
        device: a torch device, or "auto" for the best one that works.
        codec: where the checkpoint's codec lies now; None for where it lay, or beside it.
        compile: run the network compiled; None for what pays: on a GPU where a compiler works.
    """

    weights: Path | None = None
    device: str = AUTO
    codec: Path | None = None
    compile: bool | None = None

    def resolved(self) -> Self:
        """The same with the device by its full name; it has computed once.

        Raises:
            DeviceError: it does not compute.
        """
        return replace(self, device=require_device(self.device))

    @property
    def engine_options(self) -> EngineOptions:
        """These alone, of options that have others besides."""
        return EngineOptions(
            weights=self.weights, device=self.device, codec=self.codec, compile=self.compile
        )


@dataclass
class ReadyEngine:
    """Attributes:
    engine: ready to draw.
    plan: how it was brought into the device's memory.
    size, context_views: what it was fitted to: (width, height) of pictures, views it is shown.
    notes: what the user should know of it, one sentence each.
    compiled: None where it runs as it is.
    """

    engine: Engine
    plan: MemoryPlan
    size: tuple[int, int]
    context_views: int
    notes: list[str] = field(default_factory=list)
    compiled: Compiled | None = None

    @property
    def runs_compiled(self) -> bool:
        return self.compiled is not None and self.compiled.fault is None

    @property
    def compiling_fault(self) -> str | None:
        """One sentence where compiling was begun and failed."""
        fault = None if self.compiled is None else self.compiled.fault
        return None if fault is None else f"{UNCOMPILED}{fault}."

    def warming(self, tell: Callable[[str], None]) -> Iterator[str]:
        """Compiles all that a walk needs; yields what is going on between two layouts.

        Args:
            tell: hears how it ended, in one sentence.
        """
        if self.compiled is None:
            return
        seconds = 0.0
        for step in warm_up(self.engine, self.size, self.context_views):
            seconds = step.seconds
            if self.compiling_fault is not None:
                tell(self.compiling_fault)
                return
            yield compiling_words(step)
        tell(f"The model is compiled, in {seconds:.0f} s; views are quicker from now on.")


def open_engine(
    options: EngineOptions, size: tuple[int, int] = (256, 144), context_views: int = 2
) -> ReadyEngine:
    """Loads, fits, and prepares what is to be compiled; the compiling itself is `warming`.

    Args:
        size: (width, height) of the pictures to be drawn.
        context_views: the most that the model is shown at once.

    Raises:
        DeviceError, CheckpointError, TooLargeError (all `ValueError`): one sentence.
    """
    options = options.resolved()
    fitted = load_fitted(options.weights, options.device, size, context_views, options.codec)
    ready = ReadyEngine(fitted.engine, fitted.plan, size, context_views)
    place = fitted.engine.device
    if fitted.plan.rank:
        ready.notes.append(f"The model works {fitted.plan.words(place.type.upper())}.")
    asked = place.type == "cuda" if options.compile is None else options.compile
    if not asked:
        return ready
    if fitted.plan.layers_visit:
        fault: str | None = "its layers take turns in the device's memory"
    else:
        fault = compiler_fault(place)
    if fault is None:
        ready.compiled = Compiled(fitted.engine.transformer)
    else:
        ready.notes.append(f"{UNCOMPILED}{fault}.")
    return ready


def compiling_words(step: WarmUp) -> str:
    """For a status line."""
    if not step.done:
        return "compiling the model, before the first view"
    return f"compiling the model, part {step.done} of {step.total}, about {step.left:.0f} s more"
