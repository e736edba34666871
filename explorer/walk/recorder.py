"""The journal of a walk: a folder that only grows, and from which the walk can go on.

    journal.jsonl    line 1: what is being walked; then one line an event, in the order of events
    000000.npz ...   the arrays of one event, written whole before its line is

A line is the sign that its event is complete: after a crash at any moment, what the lines name is
there and whole, and a torn last line is dropped. Arrays are stored as the memory holds them, so
that a resumed walk continues bit for bit.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, overload

import numpy as np

from engine.geometry.cameras import Camera, Intrinsics
from explorer.walk.files import atomic_path
from explorer.walk.records import DrawnView, RetrievedView
from memory.views import View

JOURNAL = "journal.jsonl"
FORMAT = "photowalk journal"
VERSION = 1


class JournalError(ValueError):
    """A journal that cannot be read, or that belongs to another walk; one sentence."""


class RecordedViews(Sequence[DrawnView]):
    """The views of a journal that count, in order; each is read from disk when it is asked for."""

    def __init__(self, folder: Path, entries: Sequence[dict[str, Any]]) -> None:
        self._folder = folder
        self._entries = entries

    def __len__(self) -> int:
        return len(self._entries)

    @overload
    def __getitem__(self, index: int) -> DrawnView: ...

    @overload
    def __getitem__(self, index: slice) -> RecordedViews: ...

    def __getitem__(self, index: int | slice) -> DrawnView | RecordedViews:
        if isinstance(index, slice):
            return RecordedViews(self._folder, self._entries[index])
        return _read_view(self._folder, self._entries[index])

    @property
    def cameras(self) -> list[Camera]:
        """Of each view."""
        return [_camera(entry) for entry in self._entries]

    def arrays(self, name: str) -> RecordedArrays:
        """One array of each view: "rgb", "raw_rgb", "coverage", "depth" or "confidence"."""
        return RecordedArrays(self._folder, self._entries, name)

    @property
    def descriptions(self) -> list[dict[str, Any]]:
        """What `describe` said of each view when it was drawn."""
        return [{k: v for k, v in e.items() if k not in ("event", "file")} for e in self._entries]


class RecordedArrays(Sequence[Any]):
    """One array of each view, None where a view has none; read from disk when it is asked for."""

    def __init__(self, folder: Path, entries: Sequence[dict[str, Any]], name: str) -> None:
        self._folder, self._entries, self._name = folder, entries, name

    def __len__(self) -> int:
        return len(self._entries)

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return RecordedArrays(self._folder, self._entries[index], self._name)
        entry = self._entries[index]
        with (
            _whole(self._folder / entry["file"]) as path,
            np.load(path, allow_pickle=False) as all_,
        ):
            return all_[self._name] if self._name in all_.files else None


@dataclass(frozen=True, eq=False)
class Journal:
    """What a journal holds.

    Attributes:
        header: what is being walked, as given to `Recorder.create`.
        views: without those that were taken back.
        events: how many events there are, those included.
        length: bytes of the file up to the last whole line.
    """

    header: dict[str, Any]
    views: RecordedViews
    events: int
    length: int


class Recorder:
    """Appends to a journal. Use `create` or `resume`."""

    def __init__(self, folder: Path, events: int) -> None:
        self._folder = folder
        self._events = events

    @staticmethod
    def create(folder: Path, header: Mapping[str, Any]) -> Recorder:
        """Starts a new journal; an older one in that folder is removed.

        Args:
            folder: made where it is missing.
            header: values that JSON can hold.
        """
        folder.mkdir(parents=True, exist_ok=True)
        # The list of events goes first, so that no half-removed journal looks whole.
        (folder / JOURNAL).unlink(missing_ok=True)
        for path in folder.glob("[0-9]*.npz"):
            path.unlink()
        recorder = Recorder(folder, 0)
        first = {"format": FORMAT, "version": VERSION, **header}
        with atomic_path(folder / JOURNAL) as path:
            path.write_bytes(_line(first))
        return recorder

    @staticmethod
    def resume(folder: Path, journal: Journal) -> Recorder:
        """Goes on with a journal that was read; a torn last line is cut off."""
        with (folder / JOURNAL).open("r+b") as file:
            file.truncate(journal.length)
        return Recorder(folder, journal.events)

    def record(self, drawn: DrawnView) -> None:
        """Appends a view; when this returns, it is on the disk."""
        name = f"{self._events:06d}.npz"
        with atomic_path(self._folder / name) as path:
            np.savez_compressed(path, **_arrays(drawn))
        self._append({"event": "view", "file": name, **describe(drawn)})

    def rewind(self, view_id: int) -> None:
        """Appends that all views after `view_id` were taken back."""
        self._append({"event": "rewind", "view": view_id})

    def _append(self, event: dict[str, Any]) -> None:
        with (self._folder / JOURNAL).open("ab") as file:
            file.write(_line(event))
            file.flush()
            os.fsync(file.fileno())
        self._events += 1


def read_journal(folder: Path) -> Journal:
    """Reads a journal; its views' pictures are read later, one by one.

    Raises:
        JournalError: there is none, it is damaged, or of another version.
    """
    path = folder / JOURNAL
    if not path.is_file():
        raise JournalError(f"{folder} holds no journal of a walk to go on with")
    data = path.read_bytes()
    data = data[: data.rfind(b"\n") + 1]
    lines = data.splitlines()
    try:
        parsed = [json.loads(line) for line in lines]
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise JournalError(f"{path} is damaged; start a new walk in another folder") from error
    if not parsed or not isinstance(parsed[0], dict) or parsed[0].get("format") != FORMAT:
        raise JournalError(f"{path} is not the journal of a walk")
    if parsed[0].get("version") != VERSION:
        raise JournalError(f"{path} was written by another version of Photowalk")
    kept: list[dict[str, Any]] = []
    for event in parsed[1:]:
        if event.get("event") == "rewind":
            kept = kept[: int(event["view"]) + 1]
        else:
            kept.append(event)
    views = RecordedViews(folder, kept)
    return Journal(parsed[0], views, len(parsed) - 1, len(data))


def describe(drawn: DrawnView) -> dict[str, Any]:
    """A view without its pictures, in values that JSON can hold; the journal's and walk.json's."""
    view, k = drawn.view, drawn.view.camera.intrinsics
    return {
        "view": view.id,
        "T_world_camera": view.camera.T_world_camera.tolist(),
        "intrinsics": [k.fx, k.fy, k.cx, k.cy],
        "caption": view.caption,
        "coverage": round(drawn.coverage, 4),
        "retrieved": [{"view": r.view_id, "share": round(r.share, 4)} for r in drawn.retrieved],
        "seconds": {part: round(s, 4) for part, s in drawn.seconds.items()},
        "has_depth": view.depth is not None,
        "depth_scale": drawn.depth_scale,
        "depth_spread": drawn.depth_spread,
    }


def _line(event: Mapping[str, Any]) -> bytes:
    return (json.dumps(event, allow_nan=False, ensure_ascii=False) + "\n").encode()


def _arrays(drawn: DrawnView) -> dict[str, Any]:
    arrays: dict[str, Any] = {
        "rgb": drawn.view.rgb,
        "raw_rgb": drawn.raw_rgb,
        "coverage": drawn.coverage_map,
    }
    if drawn.view.depth is not None:
        arrays["depth"] = drawn.view.depth
    if drawn.view.confidence is not None:
        arrays["confidence"] = drawn.view.confidence
    return arrays


def _camera(entry: dict[str, Any]) -> Camera:
    return Camera(np.array(entry["T_world_camera"]), Intrinsics(*entry["intrinsics"]))


def _read_view(folder: Path, entry: dict[str, Any]) -> DrawnView:
    with _whole(folder / str(entry.get("file"))) as path:
        with np.load(path, allow_pickle=False) as arrays:
            stored = {name: arrays[name] for name in arrays.files}
        view = View(
            entry["view"],
            _camera(entry),
            stored["rgb"],
            stored.get("depth"),
            stored.get("confidence"),
            entry["caption"],
        )
        return DrawnView(
            view=view,
            raw_rgb=stored["raw_rgb"],
            coverage_map=stored["coverage"],
            retrieved=tuple(RetrievedView(r["view"], r["share"]) for r in entry["retrieved"]),
            seconds=dict(entry["seconds"]),
            depth_scale=entry["depth_scale"],
            depth_spread=entry["depth_spread"],
        )


@contextmanager
def _whole(path: Path) -> Iterator[Path]:
    """Turns what reading a missing or damaged file raises into one sentence."""
    try:
        yield path
    except FileNotFoundError as error:
        raise JournalError(f"{path} is missing; start a new walk in another folder") from error
    except Exception as error:  # zip, numpy and JSON each have their own errors for damage
        raise JournalError(f"{path} is damaged; start a new walk in another folder") from error
