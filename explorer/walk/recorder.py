"""Writing the journal of a walk, event by event; `explorer.walk.journal` describes and reads it."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from explorer.walk.arrays_file import save_arrays
from explorer.walk.files import atomic_path
from explorer.walk.journal import (
    DEPTH_ARRAYS,
    FORMAT,
    JOURNAL,
    VERSION,
    Journal,
    RecordedArrays,
    read_picture,
)
from explorer.walk.records import DrawnView
from memory.pictures.picture import DEPTH, RGB, Picture, stored_depth


class Recorder:
    """Appends to a journal. Use `create` or `resume`.

    Args:
        folder: the journal's.
        events: how many it has.
        nodes, head: what of it can be asked for; see `explorer.walk.journal.Journal`.
    """

    def __init__(
        self,
        folder: Path,
        events: int,
        nodes: Sequence[Mapping[str, Any]] = (),
        head: int = -1,
    ) -> None:
        self._folder = folder
        self._events = events
        kept = ("view", "parent", "file", "depth_file")
        self._nodes = [{k: node[k] for k in kept if k in node} for node in nodes]
        self._head = head

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
        return Recorder(folder, journal.events, journal.nodes, journal.head)

    def record(self, drawn: DrawnView) -> str:
        """Appends a view; when this returns, it is on the disk, in the file that it names."""
        name = f"{self._events:06d}.npz"
        with atomic_path(self._folder / name) as path:
            save_arrays(path, _arrays(drawn), (RGB, DEPTH))
        self._append({"event": "view", "file": name, **describe(drawn)})
        self._nodes.append({"view": drawn.view.id, "parent": self._head, "file": name})
        self._head = len(self._nodes) - 1
        return name

    def record_depth(self, node: int, drawn: DrawnView) -> str:
        """Appends the depth that the view of a node got after it was drawn; returns its file."""
        name = f"{self._events:06d}.npz"
        arrays = _depth_arrays(drawn)
        with atomic_path(self._folder / name) as path:
            save_arrays(path, {k: arrays[k] for k in DEPTH_ARRAYS if k in arrays}, (DEPTH,))
        told = describe(drawn)
        known = {k: told[k] for k in ("depth_scale", "depth_spread", "seconds")}
        self._append({"event": "depth", "node": node, "file": name, **known})
        self._nodes[node]["depth_file"] = name
        return name

    def picture(self, view_id: int) -> Picture | None:
        """The picture of a view of the line from the photo to the head, read from the disk; None
        for a view without one.

        Raises:
            JournalError: its file is missing or damaged.
            KeyError: there is no such view on that line.
        """
        return read_picture(self._folder, self._node_of(view_id))

    def png(self, view_id: int) -> bytes | None:
        """The same picture as the PNG file that it is on the disk, without its depth."""
        stored = RecordedArrays(self._folder, [self._node_of(view_id)], RGB).stored(0)
        return None if stored is None else stored.tobytes()

    def _node_of(self, view_id: int) -> dict[str, Any]:
        node = self._head
        while node >= 0 and self._nodes[node]["view"] != view_id:
            node = self._nodes[node]["parent"]
        if node < 0:
            raise KeyError(f"there is no view {view_id}")
        return self._nodes[node]

    def rewind(self, view_id: int) -> None:
        """Appends that all views after `view_id` were taken back."""
        self._append({"event": "rewind", "view": view_id})
        while self._head >= 0 and self._nodes[self._head]["view"] > view_id:
            self._head = self._nodes[self._head]["parent"]

    def go_to(self, node: int) -> None:
        """Appends that the head went to a node."""
        self._append({"event": "goto", "node": node})
        self._head = node

    def change(self, settings: Mapping[str, Any]) -> None:
        """Appends the settings that views are drawn with from here on."""
        self._append({"event": "settings", "settings": dict(settings)})

    def name_branch(self, node: int, name: str) -> None:
        """Appends the name of the branch that begins at a node."""
        self._append({"event": "branch", "node": node, "name": name})

    def close(self) -> None:
        """Appends that the walk was left in order."""
        self._append({"event": "closed"})

    def _append(self, event: dict[str, Any]) -> None:
        with (self._folder / JOURNAL).open("ab") as file:
            file.write(_line(event))
            file.flush()
            os.fsync(file.fileno())
        self._events += 1


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
        "agreement_db": drawn.agreement_db,
    }


def _line(event: Mapping[str, Any]) -> bytes:
    return (json.dumps(event, allow_nan=False, ensure_ascii=False) + "\n").encode()


def _arrays(drawn: DrawnView) -> dict[str, Any]:
    arrays: dict[str, Any] = {
        "rgb": drawn.view.rgb,
        "raw_rgb": drawn.raw_rgb,
        "coverage": drawn.coverage_map,
    }
    if drawn.source_ids is not None:
        arrays["source_ids"] = drawn.source_ids
    if drawn.picture is not None:
        arrays |= Picture(drawn.picture.rgb).stored()
    return arrays | _depth_arrays(drawn)


def _depth_arrays(drawn: DrawnView) -> dict[str, Any]:
    arrays: dict[str, Any] = {}
    if drawn.view.depth is not None:
        arrays["depth"] = drawn.view.depth
    if drawn.view.confidence is not None:
        arrays["confidence"] = drawn.view.confidence
    if drawn.picture is not None and drawn.picture.depth is not None:
        arrays[DEPTH] = stored_depth(drawn.picture.depth)
    return arrays
