"""What a terminal is told of the store: a table, an offer before a download, a bar during it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from explorer.store.folders import folder_faults
from explorer.store.store import FetchProgress, ModelStore, Plan, readable_size


def rows(store: ModelStore) -> list[dict[str, Any]]:
    """Every model of the catalogue in values that JSON can hold; sizes are rounded bytes."""
    return [
        {
            "name": entry.name,
            "state": store.state(entry).value,
            "bytes": entry.about_bytes,
            "licence": entry.licence,
            "purpose": entry.purpose,
            "repo": entry.repo,
            "revision": entry.revision,
        }
        for entry in store.entries
    ]


def as_table(store: ModelStore) -> str:
    """The same for people."""
    width = max(len(entry.name) for entry in store.entries)
    lines = [
        f"{row['name']:{width}}  {row['state']:11}  {readable_size(row['bytes']):>7}  "
        f"{row['licence']:10}  {row['purpose']}"
        for row in rows(store)
    ]
    return "\n".join([*lines, "", f"The store is {store.where.folder}."])


def offer(plan: Plan) -> str:
    """What a download would bring, from where, under which licence."""
    entry, listing = plan.entry, plan.pin.listing
    whole = readable_size(listing.size)
    size = whole if plan.missing == listing.size else f"{readable_size(plan.missing)} of {whole}"
    pinned = "its newest commit, pinned from now on" if plan.newly_pinned else "pinned"
    return (
        f"{entry.name}: {entry.purpose}\n"
        f"  from     {entry.repo} at {listing.revision[:12]} ({pinned})\n"
        f"  licence  {entry.licence}\n"
        f"  size     {size} in {len(listing.files)} files\n"
        f"  to       {plan.target}"
    )


def faults_of(store: ModelStore, name: str) -> list[str]:
    """Of a model of the store, or of a folder of the user's own."""
    known = {n.lower() for e in store.entries for n in (e.name, e.repo)}
    if name.lower() not in known and Path(name).is_dir():
        return folder_faults(Path(name))
    return store.faults(name)


@contextmanager
def download_bar(plan: Plan) -> Iterator[Callable[[FetchProgress], None]]:
    """Bytes, speed and the time left, on stderr; says that a stop loses nothing."""
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        DownloadColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
        TransferSpeedColumn,
    )

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    console = Console(stderr=True)
    try:
        with Progress(*columns, console=console) as bar:
            task = bar.add_task(plan.entry.name, total=plan.pin.listing.size)
            yield lambda p: bar.update(task, description=p.path, completed=p.done)
    except KeyboardInterrupt:
        console.print("What arrived is kept; the same command goes on with it.")
        raise
