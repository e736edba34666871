"""Reading the journal of a walk: a folder that only grows, written by `explorer.walk.recorder`.

    journal.jsonl    line 1: what is being walked; then one line an event, in the order of events
    000000.npz ...   the arrays of one event, written whole before its line is

A line is the sign that its event is complete: after a crash at any moment, what the lines name is
there and whole, and a torn last line is dropped. Events:

    view      a view was drawn after the one that was the head, and is the head now
    depth     a view that had none got its depth
    rewind    the head went back to a view of its own line
    goto      the head went to any node: undo, redo, another branch
    settings  views are drawn with these from here on
    branch    a node was given a name
    closed    the walk was left in order

Views are nodes of a tree, numbered in the order of drawing; the journal's `views` are those from
the photo to the head. Arrays are stored as the memory holds them, so that a walk goes on bit for
bit.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, overload

import numpy as np
from numpy.typing import NDArray

from engine.geometry.cameras import Camera
from engine.model.inner_files import OutsideError, own_file
from explorer.walk.journal_events import EventTree, camera_of, check_header, parsed
from explorer.walk.records import DrawnView, RetrievedView
from memory.pictures.picture import DEPTH, RGB, Picture, read_depth
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
        return read_view(self._folder, self._entries[index])

    @property
    def cameras(self) -> list[Camera]:
        """Of each view."""
        return [camera_of(entry) for entry in self._entries]

    def arrays(self, name: str) -> RecordedArrays:
        """One array of each view: "rgb", "raw_rgb", "coverage", "depth", "confidence" or
        "source_ids"; or `RGB` or `DEPTH` of `memory.pictures.picture`, decoded."""
        return RecordedArrays(self._folder, self._entries, name)

    @property
    def descriptions(self) -> list[dict[str, Any]]:
        """What `describe` said of each view when it was drawn."""
        return [{k: v for k, v in e.items() if k not in _STORAGE} for e in self._entries]


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
        name = entry["file"]
        if self._name in DEPTH_ARRAYS:
            name = entry.get("depth_file", name)
        found = _arrays(self._folder, name, (self._name,)).get(self._name)
        if found is None or self._name not in _DECODERS:
            return found
        with _whole(self._folder / name):
            return _DECODERS[self._name](found)

    def stored(self, index: int) -> NDArray[Any] | None:
        """The bytes of a picture's PNG file, as it is on the disk."""
        name = self._entries[index]["file"]
        return _arrays(self._folder, name, (self._name,)).get(self._name)


def _read_rgb(stored: NDArray[Any]) -> NDArray[np.uint8]:
    picture = Picture.read({RGB: stored})
    assert picture is not None
    return picture.rgb


#: What of an entry says where it is stored, and not what was drawn.
_STORAGE = ("event", "file", "depth_file", "parent", "branch")
#: The arrays that a later "depth" event may bring.
DEPTH_ARRAYS = ("depth", "confidence", DEPTH)
#: Arrays that are files inside of files.
_DECODERS: dict[str, Callable[[NDArray[Any]], NDArray[Any]]] = {RGB: _read_rgb, DEPTH: read_depth}


@dataclass(frozen=True, eq=False)
class Journal:
    """What a journal holds.

    Attributes:
        folder: where it is.
        header: what is being walked, as given to `Recorder.create`.
        nodes: an entry for each view that was ever drawn, with its "parent" and its "branch".
        head: the node that the next view is drawn after; −1 before the first.
        order: what came when: a node's view, or its depth.
        settings: the latest that were recorded; None for none.
        closed: the walk was left in order.
        events: how many there are.
        length: bytes of the file up to the last whole line.
    """

    folder: Path
    header: dict[str, Any]
    nodes: list[dict[str, Any]] = field(default_factory=list)
    head: int = -1
    order: list[tuple[Literal["view", "depth"], int]] = field(default_factory=list)
    settings: dict[str, Any] | None = None
    closed: bool = False
    events: int = 0
    length: int = 0

    def __post_init__(self) -> None:
        if not all(-1 <= node["parent"] < number for number, node in enumerate(self.nodes)):
            raise JournalError(f"the views in {self.folder} follow on each other without an end")

    @property
    def views(self) -> RecordedViews:
        """From the photo to the head."""
        return RecordedViews(self.folder, [self.nodes[n] for n in self.line(self.head)])

    def line(self, node: int) -> list[int]:
        """Nodes from the photo to `node`; empty for −1."""
        found: list[int] = []
        while node >= 0:
            found.append(node)
            node = self.nodes[node]["parent"]
        return found[::-1]


def read_journal(folder: Path) -> Journal:
    """Reads a journal; its views' pictures are read later, one by one.

    Raises:
        JournalError: there is none, it is damaged, or of another version.
    """
    path = folder / JOURNAL
    if not path.exists():
        raise JournalError(f"{folder} holds no journal of a walk to go on with")
    data = _own(folder, JOURNAL).read_bytes()
    data = data[: data.rfind(b"\n") + 1]
    tree, lines = EventTree(), data.splitlines()
    try:
        header = parsed(lines[0]) if lines else None
        if not isinstance(header, dict) or header.get("format") != FORMAT:
            raise JournalError(f"{path} is not the journal of a walk")
        if header.get("version") != VERSION:
            raise JournalError(f"{path} was written by another version of Photowalk")
        check_header(header)
        for line in lines[1:]:
            tree.take(parsed(line))
    except JournalError:
        raise
    except OutsideError as error:
        raise JournalError(f"{path} names what is no file of its walk: {error}") from error
    except ValueError as error:
        raise JournalError(f"{path} is damaged; start a new walk in another folder") from error
    return Journal(
        folder,
        header,
        tree.nodes,
        tree.head,
        tree.order,
        tree.settings,
        tree.closed,
        len(lines) - 1,
        len(data),
    )


def read_view(folder: Path, entry: dict[str, Any], with_later_depth: bool = True) -> DrawnView:
    """A node's view.

    Args:
        with_later_depth: also the depth that came after the view was drawn.

    Raises:
        JournalError: a file is missing or damaged.
    """
    stored = _arrays(folder, entry["file"])
    if with_later_depth and "depth_file" in entry:
        stored |= _arrays(folder, entry["depth_file"])
    with _whole(folder / entry["file"]):
        view = View(
            entry["view"],
            camera_of(entry),
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
            source_ids=stored.get("source_ids"),
            agreement_db=entry.get("agreement_db"),
            picture=Picture.read(stored),
        )


def read_picture(
    folder: Path, entry: Mapping[str, Any], with_later_depth: bool = True
) -> Picture | None:
    """A node's picture alone, as `read_view` has it; None where it has none.

    Raises:
        JournalError: a file is missing or damaged.
    """
    stored = _arrays(folder, entry["file"], (RGB, DEPTH))
    if with_later_depth and "depth_file" in entry:
        stored |= _arrays(folder, entry["depth_file"], (DEPTH,))
    with _whole(folder / entry["file"]):
        return Picture.read(stored)


def _own(folder: Path, name: str) -> Path:
    """A plain file of the journal's folder."""
    try:
        return own_file(folder, name)
    except OutsideError as error:
        raise JournalError(f"{error}; it is not read as part of a walk") from error


def _arrays(
    folder: Path, name: str, wanted: Collection[str] | None = None
) -> dict[str, NDArray[Any]]:
    """Those that are wanted, as far as they are there; None for all."""
    path = _own(folder, name)
    with _whole(path), np.load(path, allow_pickle=False) as arrays:
        found = arrays.files
        return {name: arrays[name] for name in found if wanted is None or name in wanted}


@contextmanager
def _whole(path: Path) -> Iterator[Path]:
    """Turns what reading a missing or damaged file raises into one sentence."""
    try:
        yield path
    except FileNotFoundError as error:
        raise JournalError(f"{path} is missing; start a new walk in another folder") from error
    except Exception as error:  # zip, numpy and JSON each have their own errors for damage
        raise JournalError(f"{path} is damaged; start a new walk in another folder") from error
