"""Files that are either whole or not there."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

#: Begins the names of temporary folders, so that those which a kill left are known as ours.
TEMPORARY = ".photowalk-"


@contextmanager
def atomic_path(target: Path) -> Iterator[Path]:
    """A temporary path beside `target`, with its suffix, that becomes `target` on success.

    Write a file there. When the block ends well it is flushed to the disk and renamed over the
    target in one step; when it raises, the target stays as it was and nothing is left behind.
    The target's folder is made where it is missing.

    Raises:
        FileNotFoundError: the block ended without writing the file.
    """
    with _beside(target) as temporary:
        yield temporary
        _flush(temporary)
        os.replace(temporary, target)
        _flush(target.parent)


@contextmanager
def atomic_folder(target: Path) -> Iterator[Path]:
    """As `atomic_path` for a folder of files: yields an empty one that then takes its name.

    Raises:
        OSError: something has that name already.
    """
    with _beside(target) as temporary:
        temporary.mkdir()
        yield temporary
        for path in temporary.rglob("*"):
            _flush(path)
        os.replace(temporary, target)
        _flush(target.parent)


@contextmanager
def replacing(target: Path) -> Iterator[Path]:
    """A temporary path at which a whole file or folder is made; it then takes `target`'s place.

    A folder that has the name is removed with all that is in it just before: whoever calls this
    knows whose it is (`explorer.walk.results`).
    """
    with _beside(target) as temporary:
        yield temporary
        if target.is_dir():
            os.replace(target, temporary.with_name("old"))
        os.replace(temporary, target)
        _flush(target.parent)


def empty_cache(folder: Path) -> None:
    """Takes the numbered arrays out of a folder of the memory, if there is one, and nothing else.

    Raises:
        ValueError: it is a link to another folder.
    """
    if folder.is_symlink():
        raise ValueError(f"{folder} is a link, where a walk keeps what it may lose; remove it")
    for path in folder.glob("[0-9]*.npz"):
        path.unlink()
    with suppress(OSError):  # it is not there, or holds something else
        folder.rmdir()


@contextmanager
def _beside(target: Path) -> Iterator[Path]:
    """A free name beside `target`; what lies there in the end is removed."""
    target.parent.mkdir(parents=True, exist_ok=True)
    # A folder of its own gives a free name without making the file, and keeps the whole suffix.
    folder = Path(tempfile.mkdtemp(prefix=f"{TEMPORARY}{target.name[:40]}.", dir=target.parent))
    try:
        yield folder / f"part{target.suffix}"
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _flush(path: Path) -> None:
    """Ask the system to put a file, or a folder's names, on the disk."""
    if os.name == "nt" and path.is_dir():
        return
    handle = os.open(path, os.O_RDWR if os.name == "nt" else os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
