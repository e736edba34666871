"""The store: a folder of models, each in a folder of its name, and a lock file for all of them."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from engine.model.weights_folder import file_hash
from explorer.store.catalogue import Entry, embedded_catalogue
from explorer.store.download import DownloadConfig, download, part_path
from explorer.store.errors import NotFetchedError, OfflineError, StoreError
from explorer.store.folders import read_json
from explorer.store.hub import HubFile, ask_listing, file_url
from explorer.store.lock_file import Pin, read_pins, write_pin
from explorer.store.own_files import (
    check_own,
    claimed,
    files_of,
    remove_empty,
    remove_leftovers,
)
from explorer.store.places import Places, places

#: Bytes that stay free on the disk beside what is fetched.
SPARE_ROOM = 64 * 2**20


class State(Enum):
    """How much of a model is here."""

    ABSENT = "not fetched"
    PARTIAL = "begun"
    HERE = "here"


@dataclass(frozen=True)
class Plan:
    """What fetching a model would bring, before anything of it is fetched.

    Attributes:
        pin: the commit and its files.
        missing: bytes that are still to come.
        target: the folder.
        newly_pinned: no commit was known before; this one is the branch's latest.
    """

    entry: Entry
    pin: Pin
    missing: int
    target: Path
    newly_pinned: bool


@dataclass(frozen=True)
class FetchProgress:
    """Bytes of the whole model that are here, and the file that is being fetched."""

    path: str
    done: int
    total: int


class ModelStore:
    """The models of a catalogue, as far as they are on this machine.

    Args:
        where: folder, hub and offline switch; None for the user's.
        catalogue: None for the one that comes with Photowalk.
    """

    def __init__(
        self,
        where: Places | None = None,
        catalogue: Sequence[Entry] | None = None,
        config: DownloadConfig | None = None,
    ) -> None:
        self.where = where or places()
        self.entries = tuple(embedded_catalogue() if catalogue is None else catalogue)
        self._config = config or DownloadConfig()

    def entry(self, name: str) -> Entry:
        """By its name or its repository.

        Raises:
            StoreError: there is none.
        """
        for entry in self.entries:
            if name.lower() in (entry.name.lower(), entry.repo.lower()):
                return entry
        known = ", ".join(entry.name for entry in self.entries)
        raise StoreError(f"there is no model and no folder called {name!r}; known are {known}")

    def state(self, entry: Entry) -> State:
        """By names and sizes alone; `faults` reads the files."""
        pin = read_pins(self.where.folder).get(entry.name)
        folder = self.where.folder / entry.name
        if pin is not None and all(_is_here(folder, f) for f in pin.listing.files):
            return State.HERE
        return State.PARTIAL if folder.is_dir() and any(folder.iterdir()) else State.ABSENT

    def folder(self, name: str) -> Path:
        """Where a model lies.

        Raises:
            NotFetchedError: it is not here, or not all of it.
            StoreError: there is no model of that name.
        """
        entry = self.entry(name)
        if self.state(entry) is not State.HERE:
            raise NotFetchedError(
                f"{entry.name} is not on this machine ({readable_size(entry.about_bytes)}, "
                f"{entry.licence}); fetch it with: photowalk models get {entry.name}"
            )
        return self.where.folder / entry.name

    def any_folder(self, name: str) -> Path:
        """Where a model lies, also one that is only begun.

        Raises:
            NotFetchedError: nothing of it is here.
        """
        entry = self.entry(name)
        if self.state(entry) is State.ABSENT:
            raise NotFetchedError(f"{entry.name} is not on this machine")
        return self.where.folder / entry.name

    def plan(self, name: str, update: bool = False) -> Plan:
        """What `fetch` would bring; asks the hub where no commit was pinned here yet.

        Args:
            update: pin the branch's latest commit anew.

        Raises:
            StoreError: there is no such model, it is not safe, or the hub cannot be asked.
        """
        entry = self.entry(name)
        pin = None if update else read_pins(self.where.folder).get(entry.name)
        newly = pin is None and (update or entry.revision is None)
        if pin is None:
            self._must_be_online(entry)
            revision = None if update else entry.revision
            listing = ask_listing(entry, self.where.endpoint, revision, self._config.timeout)
            pin = Pin(entry.repo, listing)
        folder = self.where.folder / entry.name
        stale = _stale(read_pins(self.where.folder).get(entry.name), pin)
        arrived = sum(_arrived(folder, f) for f in pin.listing.files if f.path not in stale)
        missing = pin.listing.size - arrived
        return Plan(entry, pin, missing, folder, newly)

    def fetch(self, plan: Plan, on_progress: Callable[[FetchProgress], None] | None = None) -> Path:
        """Fetches what a plan says, and returns the model's folder. Goes on where it was stopped.

        Raises:
            OfflineError: nothing may be fetched.
            StoreError: it does not fit, is not what it should be, or did not arrive.
        """
        if plan.missing:
            self._must_be_online(plan.entry)
            self._must_fit(plan)
        store, pin = self.where.folder, plan.pin
        with claimed(store, plan.entry.name):
            before = read_pins(store).get(plan.entry.name)
            check_own(plan.target, before)
            # Before the new pin is written: after it, a file of the right size counts as here.
            for path in _stale(before, pin):
                (plan.target / path).unlink(missing_ok=True)
            write_pin(store, plan.entry.name, pin)
            remove_leftovers(plan.target, before, pin)
            for file, tell in self._files_to_fetch(plan, on_progress):
                self._check_classes(plan, file)
                url = file_url(plan.entry, self.where.endpoint, pin.listing.revision, file.path)
                digest = download(url, plan.target / file.path, file, tell, self._config)
                pin = pin.with_hash(file.path, digest)
                write_pin(store, plan.entry.name, pin)
            self._check_classes(plan, None)
        return plan.target

    def faults(self, name: str) -> list[str]:
        """What is wrong with a model that is here, file by file; empty when all is well.

        Raises:
            NotFetchedError: it was never fetched.
        """
        folder = self.any_folder(name)
        pin = read_pins(self.where.folder).get(folder.name)
        if pin is None:
            raise StoreError(f"{folder} is in no lock file; remove it and fetch it again")
        return [fault for f in pin.listing.files if (fault := _fault(folder, f))]

    def remove(self, name: str) -> int:
        """Removes a model's files, and returns how many bytes that were; its pin stays.

        Raises:
            NotFetchedError: nothing of it is here.
            StoreError: no download of ours brought what is there.
        """
        folder = self.any_folder(name)
        with claimed(self.where.folder, folder.name):
            pin = read_pins(self.where.folder).get(folder.name)
            check_own(folder, pin)
            assert pin is not None
            files = [f for f in files_of(folder, pin) if f.is_file()]
            size = sum(path.stat().st_size for path in files)
            for path in files:
                path.unlink()
            remove_empty(folder)
        return size

    def _files_to_fetch(
        self, plan: Plan, on_progress: Callable[[FetchProgress], None] | None
    ) -> Iterator[tuple[HubFile, Callable[[int], None]]]:
        """The missing files, each with where its own bytes are told to."""
        total, before = plan.pin.listing.size, 0
        for file in plan.pin.listing.files:
            if not _is_here(plan.target, file):

                def tell(arrived: int, file: HubFile = file, before: int = before) -> None:
                    if on_progress is not None:
                        on_progress(FetchProgress(file.path, before + arrived, total))

                yield file, tell
            before += file.size

    def _check_classes(self, plan: Plan, before: HubFile | None) -> None:
        """What the small files say the model is, before its weights are fetched."""
        if before is not None and not before.path.endswith(".safetensors"):
            return
        for name, expected in plan.entry.classes.items():
            config = read_json(plan.target / name)
            found = config.get("_class_name") or (config.get("architectures") or [None])[0]
            if found != expected:
                raise StoreError(
                    f"{plan.entry.repo} holds a {found} where {plan.entry.name} should be a "
                    f"{expected}; its weights are not fetched"
                )

    def _must_be_online(self, entry: Entry) -> None:
        if self.where.offline:
            raise OfflineError(
                f"{self.where.offline} is set, so {entry.name} is not fetched; unset it, or name "
                "a local folder"
            )

    def _must_fit(self, plan: Plan) -> None:
        self.where.folder.mkdir(parents=True, exist_ok=True)
        free = shutil.disk_usage(self.where.folder).free
        if plan.missing + SPARE_ROOM > free:
            raise StoreError(
                f"{plan.entry.name} needs {readable_size(plan.missing)} more, and only "
                f"{readable_size(free)} are free in {self.where.folder}; make room, or choose "
                "another folder with --store"
            )


def readable_size(size: int) -> str:
    """Bytes as people write them."""
    for unit, factor in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if size >= factor:
            return f"{size / factor:.3g} {unit}"
    return f"{size} bytes"


def _is_here(folder: Path, file: HubFile) -> bool:
    path = folder / file.path
    return file.sha256 is not None and path.is_file() and path.stat().st_size == file.size


def _arrived(folder: Path, file: HubFile) -> int:
    if _is_here(folder, file):
        return file.size
    part = part_path(folder / file.path, file)
    return min(part.stat().st_size, file.size) if part.is_file() else 0


def _stale(before: Pin | None, now: Pin) -> set[str]:
    """Paths that had another content at the commit that was pinned before."""
    old = {f.path: f.content for f in before.listing.files} if before is not None else {}
    return {f.path for f in now.listing.files if old.get(f.path, f.content) != f.content}


def _fault(folder: Path, file: HubFile) -> str | None:
    path = folder / file.path
    if not path.is_file():
        return f"{path} is missing"
    if path.stat().st_size != file.size:
        return f"{path} has {path.stat().st_size:,} bytes instead of {file.size:,}"
    if file.sha256 is None or file_hash(path) != file.sha256:
        return f"{path} differs from what was fetched"
    return None
