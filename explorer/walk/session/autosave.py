"""Where walks are kept while they are flown, and which of them were not left in order."""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from engine.model.claim import TakenError, claimed
from explorer.walk.files import atomic_path, empty_cache
from explorer.walk.journal import JOURNAL, Journal, JournalError, read_journal
from explorer.walk.results import LOCK
from explorer.walk.session.photo_file import PHOTO

OWNER = "owner.json"
#: The memory's own files, inside a session's folder; a cache that is made anew when it is opened.
MEMORY = "memory"
_WRITTEN = re.compile(rf"\d{{6,}}\.npz|{re.escape(JOURNAL)}|{re.escape(PHOTO)}|{re.escape(OWNER)}")


@dataclass(frozen=True)
class LeftWalk:
    """A walk that a crash left behind.

    Attributes:
        folder: its journal's.
        photo_name: what it walks into.
        views: how many were drawn, the photo not counted.
        when: of its last event, seconds since the epoch.
    """

    folder: Path
    photo_name: str
    views: int
    when: float


class AutosaveFolders:
    """One folder a walk, each owned by the process that flies it.

    Args:
        root: made where it is missing.
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    def new(self, name: str) -> Path:
        """A folder that nobody else has, called after the photo and the time."""
        words = re.sub(r"[^\w-]+", "-", name).strip("-")[:40] or "walk"
        stem = f"{time.strftime('%Y%m%d-%H%M%S')}-{words}"
        for number in range(1000):
            folder = self.root / (f"{stem}-{number}" if number else stem)
            try:
                folder.mkdir(parents=True)
            except FileExistsError:
                continue
            self.own(folder)
            return folder
        raise OSError(f"cannot make a folder for the walk in {self.root}")

    def own(self, folder: Path) -> None:
        """This process flies the walk in `folder` from here on, until it lets go of it or ends.

        Raises:
            TakenError: another one does.
        """
        me = {"pid": os.getpid(), "started": psutil.Process().create_time()}
        with claimed(folder / LOCK, f"opening {folder.name}"):
            owner = _owner(folder)
            if owner not in (None, os.getpid()):
                raise TakenError(
                    f"another Photowalk (process {owner}) is flying {folder.name}; close it there "
                    "first"
                )
            with atomic_path(folder / OWNER) as path:
                path.write_text(json.dumps(me), encoding="utf-8")

    def let_go(self, folder: Path) -> None:
        """This process flies that walk no more; another one may."""
        if _owner(folder) == os.getpid():
            (folder / OWNER).unlink(missing_ok=True)

    def left_open(self) -> list[LeftWalk]:
        """Walks that were neither left in order nor are flown by a running process, latest first.

        Those that hold no drawn view are not worth going on with, and are not among them.
        """
        found = []
        for folder, journal in self._unowned():
            if not journal.closed and len(journal.nodes) > 1:
                when = (folder / JOURNAL).stat().st_mtime
                name = str(journal.header.get("photo", folder.name))
                found.append(LeftWalk(folder, name, len(journal.nodes) - 1, when))
        return sorted(found, key=lambda walk: -walk.when)

    def prune(self, keep: int = 20) -> None:
        """Removes the oldest walks that were left in order or hold nothing, beyond `keep`."""
        done = []
        for folder, journal in self._unowned():
            if journal.closed or len(journal.nodes) <= 1:
                done.append(((folder / JOURNAL).stat().st_mtime, folder))
        for _, folder in sorted(done, reverse=True)[keep:]:
            with suppress(OSError, ValueError):
                _remove(folder)

    def discard(self, folder: Path) -> None:
        """Removes a walk for good.

        Raises:
            ValueError: the folder is not one of these.
            TakenError: a running process flies it.
        """
        if folder.parent != self.root or not _is_session(folder):
            raise ValueError(f"{folder} is no walk of {self.root}")
        self.own(folder)
        _remove(folder)

    def _unowned(self) -> Iterator[tuple[Path, Journal]]:
        """Walks that no running process flies; what cannot be read is not ours to judge."""
        if not self.root.is_dir():
            return
        for folder in sorted(p for p in self.root.iterdir() if _is_session(p)):
            if _owner(folder) is None:
                with suppress(JournalError):
                    yield folder, read_journal(folder)


def _is_session(folder: Path) -> bool:
    """It was made by `new`; a walk that the command line draws has no photo beside its journal."""
    files = (folder / JOURNAL, folder / PHOTO)
    return not folder.is_symlink() and all(f.is_file() and not f.is_symlink() for f in files)


def _remove(folder: Path) -> None:
    """What a session wrote there; what somebody else did stays."""
    empty_cache(folder / MEMORY)
    for path in folder.iterdir():
        if _WRITTEN.fullmatch(path.name) and not path.is_dir():
            path.unlink()
    with suppress(OSError):
        folder.rmdir()


def _owner(folder: Path) -> int | None:
    """The running process, this one or another, that flies this walk; None for none."""
    try:
        owner = json.loads((folder / OWNER).read_text(encoding="utf-8"))
        process = psutil.Process(int(owner["pid"]))
        if process.status() == psutil.STATUS_ZOMBIE:
            return None
        same = abs(process.create_time() - float(owner["started"])) < 1.0
        return process.pid if same else None
    except (OSError, ValueError, KeyError, TypeError, psutil.Error):
        return None
