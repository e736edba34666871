"""One process at a time works in a folder; a killed one holds nothing.

The system's own lock on a file, which it lets go of with the process. (`filelock` empties the file
that it locks, so that nobody could be told whose the lock is.)
"""

from __future__ import annotations

import json
import os
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

#: Windows lets nobody read what is locked, so a byte beyond all that is written is.
_PLACE = 1 << 30
#: Bytes; what is written into a lock is shorter.
_LONGEST = 1000


class TakenError(ValueError):
    """Another process works there, or nobody can be kept out; one sentence."""


@contextmanager
def claimed(lock: Path, doing: str) -> Iterator[None]:
    """Holds a lock file for as long as the block runs; it is gone afterwards.

    Args:
        lock: the file; its folder is made where it is missing.
        doing: what the holder does, as in "drawing into out/a"; told to whom it keeps out.

    Raises:
        TakenError: another process, or another part of this one, holds it, with its age; or a file
            of somebody's own has its name.
    """
    made = _make(lock.parent)
    try:
        handle = _taken(lock, doing)
        try:
            yield
        finally:
            # Gone before it is let go of: who opened it in between finds that it is no more.
            if os.name == "nt":
                os.close(handle)
            with suppress(OSError):
                lock.unlink()
            if os.name != "nt":
                os.close(handle)
    finally:
        with suppress(OSError):  # something lies there now
            for folder in made:
                folder.rmdir()


def _make(folder: Path) -> list[Path]:
    """Makes a folder; those that were missing, the innermost first."""
    missing = [place for place in (folder, *folder.parents) if not place.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    return missing


def _taken(lock: Path, doing: str) -> int:
    flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0)
    while True:
        handle = os.open(lock, flags, 0o666)
        try:
            _lock(handle)
        except (BlockingIOError, PermissionError) as error:
            owner = _owner(handle)
            os.close(handle)
            raise TakenError(
                f"another Photowalk ({owner}) is {doing} right now; wait until it is done"
            ) from error
        except OSError as error:
            os.close(handle)
            raise TakenError(
                f"{lock.parent} is on a disk that knows no locks ({error.strerror}); choose "
                "another folder"
            ) from error
        if _is_there(lock, handle):
            if not _is_ours(handle):
                os.close(handle)
                raise TakenError(
                    f"{lock} is no lock of Photowalk's, and would be replaced; choose another "
                    "folder, or move it away"
                )
            os.ftruncate(handle, 0)
            os.write(handle, json.dumps({"process": os.getpid(), "since": time.time()}).encode())
            return handle
        os.close(handle)  # whoever held it took it away in between


def _lock(handle: int) -> None:
    if os.name == "nt":
        import msvcrt

        os.lseek(handle, _PLACE, os.SEEK_SET)
        msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined,unused-ignore]
        os.lseek(handle, 0, os.SEEK_SET)
    else:
        import fcntl

        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _is_there(lock: Path, handle: int) -> bool:
    try:
        return os.path.samestat(lock.stat(), os.fstat(handle))
    except FileNotFoundError:
        return False


def _is_ours(handle: int) -> bool:
    """New, or what a killed process of ours left; anything else is somebody's own."""
    status = os.fstat(handle)
    if not stat.S_ISREG(status.st_mode) or status.st_size > _LONGEST:
        return False
    if status.st_size == 0:
        return True
    try:
        told = _read(handle)
        return (
            set(told) == {"process", "since"}
            and int(told["process"]) > 0
            and float(told["since"]) > 0
        )
    except (OSError, ValueError, TypeError, OverflowError, RecursionError):
        return False
    finally:
        os.lseek(handle, 0, os.SEEK_SET)


def _read(handle: int) -> Any:
    os.lseek(handle, 0, os.SEEK_SET)
    return json.loads(os.read(handle, _LONGEST))


def _owner(handle: int) -> str:
    """Who holds a lock, and for how long, as far as it has been written down."""
    try:
        told = _read(handle)
        since = time.strftime("%H:%M on %d %B", time.localtime(float(told["since"])))
        return f"process {int(told['process'])}, since {since}"
    except (OSError, ValueError, KeyError, TypeError, OverflowError, RecursionError):
        return "whose name is not known"
