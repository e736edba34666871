"""Progress with time left, counted in drawn views."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)


class Counter:
    """Counts views of one evaluation; `advance` after each, `now` to say what is being done."""

    def __init__(self, progress: Progress, total: int) -> None:
        self._progress = progress
        self._task = progress.add_task("", total=total)

    def now(self, doing: str) -> None:
        """Shows what is being done."""
        self._progress.update(self._task, description=doing)

    def advance(self, views: int = 1) -> None:
        """Counts views as done."""
        self._progress.advance(self._task, views)


@contextmanager
def counting(console: Console, total: int) -> Iterator[Counter]:
    """Shows a bar over `total` views while the block runs."""
    columns = (
        TextColumn("{task.description:<34}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("views, elapsed"),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(elapsed_when_finished=False),
    )
    with Progress(*columns, console=console) as progress:
        yield Counter(progress, total)
