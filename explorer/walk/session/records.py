"""What a session hands to whoever shows it: immutable, CPU-side, without Qt."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.geometry.cameras import Camera
from explorer.walk.records import DrawnView


@dataclass(frozen=True)
class Node:
    """A drawn view in the tree of all that was drawn.

    Attributes:
        id: unique in the session, in the order of drawing; the photo is 0.
        parent: the node that it was drawn after; None for the photo.
        view_id: place on its line, as the memory knows it: the photo is 0, its children 1, ...
        camera: where it was drawn from.
        branch: the name that the user gave the branch beginning here; empty for none.
        description: what `recorder.describe` said of it.
    """

    id: int
    parent: int | None
    view_id: int
    camera: Camera
    branch: str = ""
    description: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class PointSet:
    """Points of one keyframe: positions (N, 3) float32 in the world, colours (N, 3) uint8, radii
    (N,) float32 in scene units."""

    positions: NDArray[np.float32]
    colours: NDArray[np.uint8]
    radii: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.positions)


@dataclass(frozen=True, eq=False)
class CloudUpdate:
    """How the cloud differs from what was last told.

    Attributes:
        changed: the points of these views now, by view id; replaces what was shown of them.
        gone: these views have no points any more.
    """

    changed: Mapping[int, PointSet] = field(default_factory=dict)
    gone: frozenset[int] = frozenset()


@dataclass(frozen=True, eq=False)
class Added:
    """A node was drawn (or got its depth), and is the head now."""

    node: Node
    drawn: DrawnView
    cloud: CloudUpdate


@dataclass(frozen=True, eq=False)
class Moved:
    """The head went to another node: the line from the photo to it, and the cloud's change."""

    head: int
    line: tuple[Node, ...]
    cloud: CloudUpdate


@dataclass(frozen=True)
class SessionProgress:
    """What a longer piece of work is doing: done of total, in words for the user."""

    message: str
    done: int
    total: int


@dataclass(frozen=True, eq=False)
class ContextPart:
    """A retrieved view, and the part of the new picture that it sees.

    Attributes:
        view_id, share: as in `RetrievedView`.
        rgb: (H, W, 3) uint8, the retrieved picture.
        mask: (H, W) bool over the new picture: what this view saw of it, z-tested.
    """

    view_id: int
    share: float
    rgb: NDArray[np.uint8]
    mask: NDArray[np.bool_]
