"""Files that are either whole or not there."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def atomic_path(target: Path) -> Iterator[Path]:
    """A temporary path beside `target`, with its suffix, that becomes `target` on success.

    Write a file there. When the block ends well it is flushed to the disk and renamed over the
    target in one step; when it raises, the target stays as it was and nothing is left behind.
    The target's folder is made where it is missing.

    Raises:
        FileNotFoundError: the block ended without writing the file.
    """
    target = Path(target)
    target.parent.mkdir(parents=True, exist_ok=True)
    # A folder of its own gives a free name without making the file, and keeps the whole suffix.
    folder = Path(tempfile.mkdtemp(prefix=f".{target.name[:40]}.", dir=target.parent))
    temporary = folder / f"part{target.suffix}"
    try:
        yield temporary
        _flush(temporary)
        os.replace(temporary, target)
        _flush(target.parent)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def atomic_folder(target: Path) -> Iterator[Path]:
    """As `atomic_path` for a folder of files: yields an empty one that then takes its place.

    An older folder of that name is removed just before the new one is renamed to it.
    """
    target = Path(target)
    target.parent.mkdir(parents=True, exist_ok=True)
    outer = Path(tempfile.mkdtemp(prefix=f".{target.name[:40]}.", dir=target.parent))
    temporary = outer / "part"
    temporary.mkdir()
    try:
        yield temporary
        for path in temporary.rglob("*"):
            _flush(path)
        if target.exists():
            os.replace(target, outer / "old")
        os.replace(temporary, target)
        _flush(target.parent)
    finally:
        shutil.rmtree(outer, ignore_errors=True)


def _flush(path: Path) -> None:
    """Ask the system to put a file, or a folder's names, on the disk."""
    if os.name == "nt" and path.is_dir():
        return
    handle = os.open(path, os.O_RDWR if os.name == "nt" else os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
