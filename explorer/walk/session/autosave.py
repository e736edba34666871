"""Where walks are kept while they are flown, and which of them were not left in order."""

from __future__ import annotations

import json
import os
import re
import shutil
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from explorer.walk.files import atomic_path
from explorer.walk.journal import JOURNAL, Journal, JournalError, read_journal

OWNER = "owner.json"


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
        """This process flies the walk in `folder` from here on."""
        me = {"pid": os.getpid(), "started": psutil.Process().create_time()}
        with atomic_path(folder / OWNER) as path:
            path.write_text(json.dumps(me), encoding="utf-8")

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
            shutil.rmtree(folder, ignore_errors=True)

    def discard(self, folder: Path) -> None:
        """Removes a walk for good.

        Raises:
            ValueError: the folder is not one of these.
        """
        if folder.parent != self.root:
            raise ValueError(f"{folder} is no walk of {self.root}")
        shutil.rmtree(folder)

    def _unowned(self) -> Iterator[tuple[Path, Journal]]:
        """Walks that no running process flies; what cannot be read is not ours to judge."""
        if not self.root.is_dir():
            return
        for folder in sorted(p for p in self.root.iterdir() if (p / JOURNAL).is_file()):
            if not _owned(folder):
                with suppress(JournalError):
                    yield folder, read_journal(folder)


def _owned(folder: Path) -> bool:
    """A running process, this one or another, flies this walk."""
    try:
        owner = json.loads((folder / OWNER).read_text(encoding="utf-8"))
        process = psutil.Process(int(owner["pid"]))
        if process.status() == psutil.STATUS_ZOMBIE:
            return False
        return abs(process.create_time() - float(owner["started"])) < 1.0
    except (OSError, ValueError, KeyError, TypeError, psutil.Error):
        return False
