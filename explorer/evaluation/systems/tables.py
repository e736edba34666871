"""One table a system: our rows beside the published ones, which are marked as such."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table

from explorer.evaluation.curves import Panel
from explorer.evaluation.tables import number, show, table


@dataclass(frozen=True)
class SystemRow:
    """Attributes:
    name: of the method, query or setting.
    values: one a column; NaN where there is none.
    published: read from the system's own document: other data, other sizes.
    trivial: an answer that takes no model.
    """

    name: str
    values: tuple[float, ...]
    published: bool = False
    trivial: bool = False


@dataclass(frozen=True)
class SystemTable:
    """Attributes:
    seed: number of the document, 0 to 4.
    title: what is measured, on what.
    columns: with units; ↑ or ↓ says which way is better.
    digits: decimals of each column.
    """

    seed: int
    title: str
    columns: tuple[str, ...]
    digits: tuple[int, ...]
    rows: tuple[SystemRow, ...]
    notes: tuple[str, ...] = ()
    panels: tuple[Panel, ...] = ()

    def __post_init__(self) -> None:
        widths = {len(row.values) for row in self.rows} | {len(self.digits), len(self.columns)}
        if len(widths) != 1:
            raise ValueError(f"the table {self.title!r} has rows of different lengths: {widths}")


def mean(values: Sequence[float]) -> float:
    """Of the finite values; NaN where there is none."""
    finite = [v for v in values if math.isfinite(v)]
    return sum(finite) / len(finite) if finite else math.nan


def row(name: str, columns: Sequence[Sequence[float]], trivial: bool = False) -> SystemRow:
    """A row of means, from one list of values a column."""
    return SystemRow(name, tuple(mean(values) for values in columns), trivial=trivial)


def as_rich(found: SystemTable) -> Table:
    rows = []
    for entry in found.rows:
        mark = " (published, other data)" if entry.published else ""
        mark = " (no model)" if entry.trivial else mark
        cells = [number(v, d) for v, d in zip(entry.values, found.digits, strict=True)]
        rows.append([entry.name + mark, *cells])
    made = table(f"{found.seed:03d} · {found.title}", ["", *found.columns], rows)
    made.caption = "\n".join(found.notes) or None
    made.caption_justify = "left"
    return made


def show_tables(console: Console, tables: Sequence[SystemTable]) -> None:
    """Prints them in the order of the documents."""
    show(console, *(as_rich(t) for t in sorted(tables, key=lambda t: t.seed)))
