"""What the worker can be asked for; immutable, without Qt."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from engine.geometry.cameras import Camera
from explorer.walk.export.selection import ExportKind
from explorer.walk.ready import EngineOptions
from explorer.walk.records import WalkSettings


@dataclass(frozen=True)
class PriorWish:
    """Whose depth a photo gets: a model of the store, or a folder; see `explorer.priors`."""

    named: str
    kind: str | None = None
    every_view: bool = False


@dataclass(frozen=True)
class Wishes:
    """What the user chose in the settings; None: our own depth, and compiling where it pays."""

    prior: PriorWish | None = None
    compiled: bool | None = None

    def loading(self, engine: EngineOptions, device: str) -> LoadEngine:
        """The request for an engine with these wishes, and with a device of the list."""
        compiled = engine.compile if self.compiled is None else self.compiled
        return LoadEngine(replace(engine, device=device, compile=compiled))


@dataclass(frozen=True)
class LoadEngine:
    """Draw with the engine of these options from now on."""

    options: EngineOptions


@dataclass(frozen=True)
class OpenPhoto:
    """Begin a walk into a picture file; `size` and `picture` are those of `Sizes`."""

    path: Path
    settings: WalkSettings
    size: tuple[int, int] = (256, 144)
    fov: float | None = None
    picture: tuple[int, int] | None = None
    prior: PriorWish | None = None


@dataclass(frozen=True)
class OpenVideo:
    """Begin a walk with the frames of a video, their depth and cameras recovered."""

    path: Path
    settings: WalkSettings
    size: tuple[int, int] = (256, 144)
    frames: int = 12


@dataclass(frozen=True)
class AddPhoto:
    """Place a second photo of the scene in the walk, and draw the views between."""

    path: Path


@dataclass(frozen=True)
class SavePicture:
    """Write one view's picture as a PNG file."""

    node_id: int
    target: Path


@dataclass(frozen=True)
class EditView:
    """Carry an edited picture of a view through the line, in a walk of its own."""

    node_id: int
    edited: Path


@dataclass(frozen=True)
class OpenWalk:
    """Go on with a `.photowalk` file, or with a journal folder that a crash left behind."""

    path: Path


@dataclass(frozen=True, eq=False)
class DrawView:
    """Draw what is seen from `camera`. The newest of these wins; `ticket` comes back with it."""

    camera: Camera
    ticket: int


@dataclass(frozen=True)
class DrawDepth:
    """Draw the geometry of a node that has none."""

    node_id: int


@dataclass(frozen=True)
class GoTo:
    """Make a node the head: undo, redo, another branch. The newest of these wins."""

    node_id: int


@dataclass(frozen=True)
class Undo:
    """Take back so many views; they stay in the walk, and a redo brings them back."""

    steps: int = 1


@dataclass(frozen=True)
class Redo:
    """Bring back so many views, along the branch that was last left."""

    steps: int = 1


@dataclass(frozen=True)
class LookForLeft:
    """Find walks that a crash left behind, and remove old ones that were closed."""


@dataclass(frozen=True)
class NameBranch:
    """Name the branch that begins at a node."""

    node_id: int
    name: str


@dataclass(frozen=True)
class Change:
    """Draw with these settings from the next view on."""

    settings: WalkSettings


@dataclass(frozen=True)
class Explain:
    """Which context views a node was drawn from, and what each of them sees of it."""

    node_id: int


@dataclass(frozen=True)
class FlyPath:
    """Draw along a named path or a camera file, from the head's camera."""

    path: str
    views: int | None


@dataclass(frozen=True)
class Replay:
    """Draw the present line again, in a walk of its own, with other settings."""

    settings: WalkSettings


@dataclass(frozen=True)
class TestRevisit:
    """Fly out and back from here, and score what is seen again."""

    __test__ = False  # no test case, whatever its name says

    views: int = 8
    path: str = "forward"


@dataclass(frozen=True)
class Export:
    """Write the present line into a folder; `dense`: the cloud has a point a pixel."""

    folder: Path
    kinds: tuple[ExportKind, ...]
    raw: bool = False
    fps: float = 10.0
    dense: bool = False


@dataclass(frozen=True)
class SaveAs:
    """Pack the walk into one `.photowalk` file."""

    target: Path


@dataclass(frozen=True)
class CloseWalk:
    """Leave the walk in order."""


Request = (
    LoadEngine
    | OpenPhoto
    | OpenVideo
    | AddPhoto
    | SavePicture
    | EditView
    | OpenWalk
    | DrawView
    | DrawDepth
    | GoTo
    | Undo
    | Redo
    | LookForLeft
    | NameBranch
    | Change
    | Explain
    | FlyPath
    | Replay
    | TestRevisit
    | Export
    | SaveAs
    | CloseWalk
)
