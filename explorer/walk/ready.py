"""The engine that a walk draws with: fitted to the machine, and compiled where that pays."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from engine.model.compiler import compiler_fault
from engine.model.memory_plan import MemoryPlan
from engine.queries.compiling import Compiled, WarmUp, warm_up
from engine.queries.engine import Engine
from engine.queries.fitting import load_fitted

UNCOMPILED = "The model goes on uncompiled: "


@dataclass(frozen=True)
class EngineWish:
    """Attributes:
    weights: a checkpoint; None for the embedded one.
    device: a torch device.
    compiled: True or False as the user says; None for what pays: on a GPU where a compiler works.
    codec: where the checkpoint's codec lies now; None for where it lay, or beside it.
    """

    weights: Path | None = None
    device: str = "cpu"
    compiled: bool | None = None
    codec: Path | None = None


@dataclass
class ReadyEngine:
    """Attributes:
    engine: ready to draw.
    plan: how it was brought into the device's memory.
    notes: what the user should know of it, one sentence each.
    compiled: None where it runs as it is.
    """

    engine: Engine
    plan: MemoryPlan
    notes: list[str] = field(default_factory=list)
    compiled: Compiled | None = None

    @property
    def runs_compiled(self) -> bool:
        return self.compiled is not None and self.compiled.fault is None

    def warming(
        self, size: tuple[int, int], context_views: int, tell: Callable[[str], None]
    ) -> Iterator[str]:
        """Compiles all that a walk needs; yields what is going on between two layouts.

        Args:
            tell: hears how it ended, in one sentence.
        """
        if self.compiled is None:
            return
        seconds = 0.0
        for step in warm_up(self.engine, size, context_views):
            seconds = step.seconds
            if self.compiled.fault is not None:
                tell(f"{UNCOMPILED}{self.compiled.fault}.")
                return
            yield compiling_words(step)
        tell(f"The model is compiled, in {seconds:.0f} s; views are quicker from now on.")


def ready_engine(
    wish: EngineWish, size: tuple[int, int] = (256, 144), context_views: int = 2
) -> ReadyEngine:
    """Loads, fits, and prepares what is to be compiled; the compiling itself is `warming`.

    Raises:
        CheckpointError, TooLargeError (both `ValueError`): one sentence.
    """
    fitted = load_fitted(wish.weights, wish.device, size, context_views, wish.codec)
    ready = ReadyEngine(fitted.engine, fitted.plan)
    place = fitted.engine.device
    if fitted.plan.rank:
        ready.notes.append(f"The model works {fitted.plan.words(place.type.upper())}.")
    asked = place.type == "cuda" if wish.compiled is None else wish.compiled
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
