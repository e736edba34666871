"""The files of a clip: the same as of a walk, and `clip.json` about how it was made."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, is_dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.geometry.cameras import Camera
from engine.queries import Engine
from explorer.clips.frames import Rgb
from explorer.walk.export import EXPORTS, ExportInput, PointCloud, export_all
from explorer.walk.machine import machine
from explorer.walk.recorded import picture_name
from explorer.walk.results import Results
from memory.config import MemoryConfig
from memory.memory import Memory
from memory.views import View

CLIP_JSON = "clip.json"
#: All that a clip writes into the folder of its results.
CLIP_RESULTS = (*EXPORTS, CLIP_JSON)


@dataclass(frozen=True, eq=False)
class ClipRecord:
    """What was made.

    Attributes:
        frames: (H, W, 3) uint8.
        depths: (H, W) float32 scene units, inf = sky, or None, one a frame.
        cameras: one a frame, or none at all where they are unknown.
        labels: of the contact sheet.
        scale: σ, scene units.
        fps: of the videos.
        times: seconds from the first frame; empty where frames have none.
        seconds: what making it took.
        about: what was asked, and how it was made.
    """

    frames: Sequence[Rgb]
    depths: Sequence[NDArray[np.float32] | None] = ()
    cameras: Sequence[Camera] = ()
    labels: Sequence[str] = ()
    scale: float = 1.0
    fps: float = 10.0
    times: Sequence[float] = ()
    seconds: float = 0.0
    about: Mapping[str, Any] = field(default_factory=dict)


def write_clip(
    record: ClipRecord, out: Results, engine: Engine, tell: Callable[[str], None] | None = None
) -> None:
    """Writes everything that the record can give; with cameras that is all that a walk leaves.

    What an earlier clip left in the folder, and this one does not have, is removed.
    """
    tell = tell or (lambda _: None)
    tell("joining the points")
    export = ExportInput(
        cameras=record.cameras,
        frames=record.frames,
        depths=record.depths,
        points=_cloud(record, engine) if record.cameras else PointCloud.none(),
        names=[picture_name(i) for i in range(len(record.frames))],
        labels=record.labels,
        scale=record.scale,
        fps=record.fps,
        times=record.times,
    )
    export_all(export, out, lambda name, _done, _total: tell(f"writing {name}"))
    write_about(record, out, engine)


def write_about(record: ClipRecord, out: Results, engine: Engine) -> None:
    """clip.json: what was asked, by which weights and machine it was made, and in what time."""
    document = {
        "format": "photowalk clip",
        "weights": engine.weights_hash,
        "machine": machine(engine.device),
        "seconds": round(record.seconds, 3),
        "times": list(record.times),
        **record.about,
    }
    text = json.dumps(as_plain(document), indent=1, allow_nan=False, ensure_ascii=False)
    out.write(CLIP_JSON, lambda path: path.write_text(text + "\n", encoding="utf-8"))


def _cloud(record: ClipRecord, engine: Engine) -> PointCloud:
    """All depths fused, as a walk's memory would."""
    memory = Memory(MemoryConfig(), device=engine.device)
    for index, (frame, depth, camera) in enumerate(
        zip(record.frames, record.depths, record.cameras, strict=True)
    ):
        if depth is not None:
            memory.add(View(index, camera, frame, depth, scale=record.scale))
    return PointCloud.from_surfels(memory.points())


def as_plain(value: Any) -> Any:
    """Options and results as JSON values."""
    if is_dataclass(value) and not isinstance(value, type):
        return as_plain(asdict(value))
    if isinstance(value, Mapping):
        return {str(key): as_plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [as_plain(item) for item in value]
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, np.generic):
        return as_plain(value.item())
    if isinstance(value, float) and not np.isfinite(value):
        return None
    return value
