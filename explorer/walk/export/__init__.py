"""Everything that a walk or a clip leaves behind, each file readable by other people's programs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from engine.geometry.cameras import Camera
from engine.geometry.trajectories import colmap_text, realestate10k, transforms_json
from explorer.walk.export.contact_sheet import every_nth, write_contact_sheet
from explorer.walk.export.depth_colours import DepthColours, colours_for
from explorer.walk.export.depth_png import SIDE_CAR, unit_for, write_depth_png, write_side_car
from explorer.walk.export.point_cloud import PointCloud
from explorer.walk.export.points_glb import write_glb
from explorer.walk.export.points_ply import write_ply
from explorer.walk.export.sparse_points import observed_points
from explorer.walk.export.video import write_depth_video, write_video
from explorer.walk.files import atomic_folder, atomic_path
from explorer.walk.results import Results

__all__ = ["EXPORTS", "ExportInput", "PointCloud", "export_all", "jobs_of"]

#: The names of all files and folders that an export may write.
EXPORTS = (
    *("views", "depth", "video.mp4", "depth.mp4", "points.ply", "points.glb", "transforms.json"),
    *("trajectory.txt", "colmap", "contact_sheet.png"),
)

#: Called with the name of the file to be written next, how many are done, and how many there are.
Progress = Callable[[str, int, int], None]
#: Writes one file or folder, whole or not at all.
Job = Callable[[Path], object]


@dataclass(frozen=True, eq=False)
class ExportInput:
    """What there is to export, in the order of the views; the sequences may read from disk.

    Attributes:
        cameras: one a view, in the world of the first one; none at all where they are unknown.
        frames: (H, W, 3) uint8 sRGB, all of one size.
        depths: (H, W) float32 z-depth in scene units, inf = sky, nan = unknown; None where no
            depth was drawn; none at all where no view has one.
        points: the fused cloud, in the same world and units.
        names: stems of the picture files.
        labels: what the contact sheet says above each view; empty for the names.
        scale: σ, the photo's median depth, in scene units.
        units: what a scene unit is, in a word or two.
        fps: of the videos.
        times: seconds, for the RealEstate10K file; empty to count them by `fps`.
        png_of: a frame as a whole PNG file, where it is one already, by its number; else None.
    """

    cameras: Sequence[Camera]
    frames: Sequence[NDArray[np.uint8]]
    depths: Sequence[NDArray[np.float32] | None]
    points: PointCloud
    names: Sequence[str]
    labels: Sequence[str] = ()
    scale: float = 1.0
    units: str = "scene units"
    fps: float = 10.0
    times: Sequence[float] = ()
    png_of: Callable[[int], bytes | None] | None = None

    def __post_init__(self) -> None:
        counts = {len(self.frames), len(self.names)}
        optional = (self.cameras, self.depths, self.labels, self.times)
        counts |= {len(values) for values in optional if len(values)}
        if len(counts) != 1 or 0 in counts:
            raise ValueError(f"an export needs as much of everything, at least one: {counts}")
        if not len(self.depths):
            object.__setattr__(self, "depths", (None,) * len(self.frames))

    @property
    def size(self) -> tuple[int, int]:
        """Width and height, pixels."""
        height, width = self.frames[0].shape[:2]
        return width, height


def export_all(record: ExportInput, out: Results, progress: Progress | None = None) -> None:
    """Write every file of a walk into `out`; each appears whole or not at all.

    Files that would be empty (depth.mp4 without any depth, points.glb without points, cameras
    where they are unknown) are left out, and one of an earlier export is removed.

    Raises:
        ResultsError: something of the user's is in the place of one.
        OSError: the folder cannot be written.
    """
    jobs = jobs_of(record)
    for done, (name, job) in enumerate(jobs.items()):
        if progress is not None:
            progress(name, done, len(jobs))
        if job is None:
            out.remove(name)
        else:
            out.write(name, job)


def jobs_of(record: ExportInput) -> dict[str, Job | None]:
    """By the name of the file or folder: what writes it; None where it would be empty."""
    # Looks at every depth, so only where a file needs it, and once.
    colours = cache(lambda: colours_for(record.depths, record.scale, record.units))
    has_depth = any(d is not None for d in record.depths)

    def placed(job: Job) -> Job | None:
        return job if len(record.cameras) else None

    return {
        "views": lambda p: _write_views(record, p),
        "depth": (lambda p: _write_depths(record, p)) if has_depth else None,
        "video.mp4": lambda p: write_video(record.frames, p, record.fps),
        "depth.mp4": (lambda p: write_depth_video(record.depths, colours(), p, record.fps))
        if has_depth
        else None,
        "points.ply": placed(lambda p: write_ply(record.points, p, record.units)),
        "points.glb": (lambda p: write_glb(record.points, p)) if len(record.points) else None,
        "transforms.json": placed(lambda p: _write_transforms(record, p)),
        "trajectory.txt": placed(lambda p: _write_realestate10k(record, p)),
        "colmap": placed(lambda p: _write_colmap(record, p)),
        "contact_sheet.png": lambda p: _write_sheet(record, colours(), p),
    }


def _write_views(record: ExportInput, folder: Path) -> None:
    with atomic_folder(folder) as temporary:
        for index, name in enumerate(record.names):
            target = temporary / f"{name}.png"
            whole = None if record.png_of is None else record.png_of(index)
            if whole is None:
                Image.fromarray(record.frames[index]).save(target, compress_level=1)
            else:
                target.write_bytes(whole)


def _write_depths(record: ExportInput, folder: Path) -> None:
    unit = unit_for(record.depths, record.units)
    clipped = 0
    with atomic_folder(folder) as temporary:
        for name, depth in zip(record.names, record.depths, strict=True):
            if depth is not None:
                write_depth_png(depth, unit, temporary / f"{name}.png")
                clipped += unit.clipped(depth)
        write_side_car(unit, record.scale, clipped, temporary / SIDE_CAR)


def _write_transforms(record: ExportInput, target: Path) -> None:
    pictures = [f"views/{name}.png" for name in record.names]
    extra = {"ply_file_path": "points.ply"} if len(record.points) else None
    with atomic_path(target) as path:
        transforms_json.write(path, record.cameras, pictures, record.size, extra)


def _write_realestate10k(record: ExportInput, target: Path) -> None:
    times = record.times or [i / record.fps for i in range(len(record.cameras))]
    with atomic_path(target) as path:
        realestate10k.write(path, record.cameras, times)


def _write_colmap(record: ExportInput, folder: Path) -> None:
    points = observed_points(record.points, record.cameras, record.depths)
    pictures = [f"{name}.png" for name in record.names]
    with atomic_folder(folder) as temporary:
        colmap_text.write(temporary, record.cameras, pictures, record.size, points)


def _write_sheet(record: ExportInput, colours: DepthColours, target: Path) -> None:
    chosen = every_nth(len(record.frames))
    labels = record.labels or record.names
    write_contact_sheet(
        [record.frames[i] for i in chosen],
        [record.depths[i] for i in chosen],
        [labels[i] for i in chosen],
        colours,
        target,
    )
