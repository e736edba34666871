"""Work in a terminal: a bar that tells how far it is, and a clean way to stop it."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
)

from explorer.walk.telling import RunProgress


@contextmanager
def stop_requests() -> Iterator[threading.Event]:
    """Ctrl-C or kill asks the work to stop between two steps; a second one ends it at once."""
    stop = threading.Event()

    def ask(number: int, _frame: FrameType | None) -> None:
        if stop.is_set():
            raise KeyboardInterrupt
        stop.set()
        print("\nStopping after this step; again to stop at once.", file=sys.stderr)

    before = {s: signal.signal(s, ask) for s in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for s, handler in before.items():
            signal.signal(s, handler)


@contextmanager
def progress_bar() -> Iterator[Callable[[RunProgress], None]]:
    """Views drawn, views per second and the time left, on stderr."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
    )
    bar = Progress(*columns, console=Console(stderr=True))
    task = bar.add_task("", rate="")

    def show(progress: RunProgress) -> None:
        if progress.note:
            bar.console.print(progress.note, highlight=False)
            return
        bar.start()  # not before there is something to tell: bad input prints its sentence alone
        bar.update(
            task,
            description=progress.message,
            completed=progress.done,
            total=progress.total,
            rate=_rate(progress.views_per_second),
        )

    try:
        yield show
    finally:
        if bar.live.is_started:
            bar.stop()


def _rate(views_per_second: float) -> str:
    return f"{views_per_second:.2f} views/s" if views_per_second else ""
