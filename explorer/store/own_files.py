"""What in the store's folder is a download's own: only that is ever replaced or removed."""

from __future__ import annotations

import glob
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from engine.model import claim
from explorer.store.download import part_path
from explorer.store.errors import StoreError
from explorer.store.lock_file import Pin


def check_own(folder: Path, pin: Pin | None) -> None:
    """A folder of the store's is one that a download of ours made, and no link to another."""
    if folder.is_symlink() or (pin is None and folder.is_dir() and any(folder.iterdir())):
        raise StoreError(
            f"{folder} was not fetched by Photowalk, and would be changed; move it away, or choose "
            "another folder with --store"
        )


def remove_leftovers(folder: Path, before: Pin | None, pin: Pin) -> None:
    """Files and parts of another commit."""
    wanted = {folder / f.path for f in pin.listing.files}
    wanted |= {part_path(folder / f.path, f) for f in pin.listing.files}
    for path in files_of(folder, before) if before is not None else ():
        if path not in wanted:
            path.unlink(missing_ok=True)


def files_of(folder: Path, pin: Pin) -> Iterator[Path]:
    """What a download brings: files, and the parts in which they arrive; there or not."""
    for file in pin.listing.files:
        path = folder / file.path
        yield path
        # Of any content: a hash that the hub did not tell is filled in later.
        yield from path.parent.glob(f".{glob.escape(path.name)}.*.part")


def remove_empty(folder: Path) -> None:
    """Folders that hold nothing any more; what is not ours stays."""
    for path in sorted((p for p in folder.rglob("*") if p.is_dir()), reverse=True):
        with suppress(OSError):
            path.rmdir()
    with suppress(OSError):
        folder.rmdir()


@contextmanager
def claimed(store: Path, name: str) -> Iterator[None]:
    """Holds a model for as long as the block runs.

    Raises:
        StoreError: another process holds it.
    """
    try:
        with claim.claimed(store / f".{name}.claim", f"fetching {name}"):
            yield
    except claim.TakenError as error:
        raise StoreError(str(error)) from error
