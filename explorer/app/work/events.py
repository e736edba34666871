"""What the worker tells; immutable, CPU-side, without Qt."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from explorer.walk.export.selection import Checked
from explorer.walk.photo import Photo
from explorer.walk.records import DrawnView, WalkSettings
from explorer.walk.session.autosave import LeftWalk
from explorer.walk.session.records import Added, ContextPart, Moved, Node
from explorer.walk.session.revisit import RevisitScore


@dataclass(frozen=True)
class Busy:
    """What is being done, in words; `total` is 0 where nobody can say how much there is.

    Attributes:
        job: a piece of work that the user waits for, with a bar and a Cancel.
        whole: until the next of these events nothing is given up, as nothing works without it.
    """

    message: str
    done: int = 0
    total: int = 0
    job: bool = False
    whole: bool = False


@dataclass(frozen=True)
class Idle:
    """Nothing is left to do."""


@dataclass(frozen=True)
class EngineReady:
    """The weights are loaded."""

    device: str
    weights_hash: str
    seconds: float


@dataclass(frozen=True, eq=False)
class Opened:
    """A walk is open; its views follow.

    Attributes:
        settings: those it was last drawn with.
        source: the file that was asked for; None for a replay.
        read: a node's view from the disk, by node id; any thread may call it.
    """

    photo: Photo
    folder: Path
    settings: WalkSettings
    source: Path | None
    read: Callable[[int], DrawnView]


@dataclass(frozen=True, eq=False)
class Restored:
    """A walk that was drawn earlier stands again: all its nodes, and where its head is."""

    nodes: Sequence[Node]
    moved: Moved
    scene_scale: float


@dataclass(frozen=True, eq=False)
class Drawn:
    """A view was drawn. `ticket` is that of the request, −1 for a job's views."""

    added: Added
    ticket: int
    seconds: float
    scene_scale: float


@dataclass(frozen=True, eq=False)
class HeadMoved:
    """The head is another node."""

    moved: Moved


@dataclass(frozen=True, eq=False)
class Explained:
    """Why a node looks as it does."""

    node_id: int
    parts: tuple[ContextPart, ...]


@dataclass(frozen=True, eq=False)
class RevisitScored:
    """The forth-and-back test is done."""

    score: RevisitScore


@dataclass(frozen=True)
class Exported:
    """Files were written and read again."""

    folder: Path
    checked: tuple[Checked, ...]
    complete: bool


@dataclass(frozen=True)
class Saved:
    """The walk file is whole."""

    target: Path

    @property
    def sentence(self) -> str:
        return f"Saved {self.target}."


@dataclass(frozen=True)
class FoundLeft:
    """Walks that were not left in order."""

    walks: tuple[LeftWalk, ...]


@dataclass(frozen=True)
class JobDone:
    """A job ended; `sentence` says how."""

    sentence: str


@dataclass(frozen=True)
class Noted:
    """Something that the user should know; what is going on goes on."""

    sentence: str


@dataclass(frozen=True)
class Stopped:
    """What was being done was given up because someone asked for it."""


@dataclass(frozen=True)
class Failed:
    """Something did not work: one sentence for the user, and what a developer wants to know."""

    sentence: str
    details: str
    request: str = ""


Event = (
    Busy
    | Idle
    | EngineReady
    | Opened
    | Restored
    | Drawn
    | HeadMoved
    | Explained
    | RevisitScored
    | Exported
    | Saved
    | FoundLeft
    | JobDone
    | Noted
    | Stopped
    | Failed
)


def undivided(event: Event) -> Event:
    """The same, said of work that is not given up half-way."""
    return replace(event, whole=True) if isinstance(event, Busy) else event
