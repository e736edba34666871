"""What came into a memory, and how to go back to before it."""

from __future__ import annotations

from dataclasses import dataclass

from memory.cloud import Undo


@dataclass(frozen=True)
class Event:
    """A view came, or its depth did."""

    view_id: int
    with_depth: bool


@dataclass(frozen=True)
class Before:
    """How to go back to before an event: the cloud's changes, and how much else there was."""

    changes: list[Undo]
    directions: int
    poses: int
