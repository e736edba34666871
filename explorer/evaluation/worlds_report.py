"""What `evaluate worlds` is asked, and all that it answers."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from explorer.evaluation.results import (
    Comparison,
    DepthRecord,
    DepthSummary,
    PictureSummary,
    PoseRecord,
    PoseSummary,
    ViewRecord,
)
from explorer.evaluation.seeds import SeedRecord, SeedSummary
from explorer.evaluation.steps import StepRow
from explorer.evaluation.verdicts import Verdict
from explorer.walk.ready import EngineOptions
from explorer.walk.sizes import MODEL_SIZE, Size


@dataclass(frozen=True)
class WorldsOptions(EngineOptions):
    """Attributes:
    out: folder for worlds.json, curves and sheets.
    views: drawn per world, half on the way out and half on the way back.
    count: worlds of the main row.
    switches, seeds, steps: how many of those worlds also run every inference switch, a second
        seed, and 1 to 8 sampling steps; 0 leaves that table out.
    sheets: worlds that get a comparison sheet.
    first_seed: of the worlds; walk_seed: of the drawn noise.
    model_size: (width, height) of the pictures; `explorer.evaluation.sharp.worlds` has larger ones.
    textures: a folder of texture pictures, or None for procedural textures alone.
    """

    out: Path
    views: int = 16
    count: int = 32
    switches: int = 6
    seeds: int = 6
    steps: int = 3
    sheets: int = 8
    first_seed: int = 0
    walk_seed: int = 0
    model_size: Size = MODEL_SIZE
    textures: Path | None = None

    def __post_init__(self) -> None:
        if self.views < 2 or self.count < 1:
            raise ValueError("an evaluation needs at least one world and two views")
        if min(self.switches, self.seeds, self.steps, self.sheets) < 0:
            raise ValueError("the number of worlds for a table cannot be negative")


@dataclass(frozen=True)
class PhotoScale:
    """Metres per unit of the walk in one world, by the photo's true depth."""

    scene: str
    scale: float


@dataclass(frozen=True)
class WorldsReport:
    """Attributes:
    complete: False while running, or if it was interrupted.
    main: the default walk and the baselines on all worlds.
    switches: the default walk and each switch on the same subset of worlds.
    """

    options: WorldsOptions
    engine: str
    complete: bool
    seconds: float
    main: tuple[PictureSummary, ...]
    comparisons: tuple[Comparison, ...]
    verdicts: tuple[Verdict, ...]
    poses: tuple[PoseSummary, ...]
    depths: tuple[DepthSummary, ...]
    switches: tuple[PictureSummary, ...]
    switch_poses: tuple[PoseSummary, ...]
    switch_depths: tuple[DepthSummary, ...]
    seeds: tuple[SeedSummary, ...]
    steps: tuple[StepRow, ...]
    scales: tuple[PhotoScale, ...]
    picture_records: tuple[ViewRecord, ...]
    switch_records: tuple[ViewRecord, ...]
    pose_records: tuple[PoseRecord, ...]
    depth_records: tuple[DepthRecord, ...]
    seed_records: tuple[SeedRecord, ...]
