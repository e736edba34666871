"""The exports that a user may choose, each read again after it was written."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

import av
import numpy as np
from PIL import Image

from engine.geometry.cameras import Camera
from engine.geometry.trajectories import colmap_text, realestate10k, transforms_json
from explorer.walk.export import ExportInput, jobs_of
from explorer.walk.results import results_in

#: Numbers in text files are rounded; cameras that differ by more than this are wrong.
CAMERA_TOLERANCE = 1e-4


class ExportKind(Enum):
    """What can be exported; the value is the file or folder that it becomes."""

    VIDEO = "video.mp4"
    DEPTH_VIDEO = "depth.mp4"
    IMAGES = "views"
    DEPTH_IMAGES = "depth"
    PLY = "points.ply"
    GLB = "points.glb"
    COLMAP = "colmap"
    TRANSFORMS = "transforms.json"
    REALESTATE10K = "trajectory.txt"
    CONTACT_SHEET = "contact_sheet.png"


@dataclass(frozen=True)
class Checked:
    """A file that was written and read again.

    Attributes:
        kind: what it is.
        path: where it is.
        ok: it holds what it should.
        sentence: what it holds, or what is wrong.
    """

    kind: ExportKind
    path: Path
    ok: bool
    sentence: str


def export_kinds(
    record: ExportInput,
    out: Path,
    kinds: Sequence[ExportKind],
    progress: Callable[[str, int, int], None] | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> tuple[Checked, ...]:
    """Writes and checks what was chosen; a stop leaves only whole files.

    Args:
        progress: called with what is written next, how many are done, how many there are.
        should_stop: asked between two files.

    Raises:
        ResultsError: something of the user's is in the place of one; nothing is written.
        TakenError: another process writes into that folder.
        OSError: the folder cannot be written.
    """
    jobs = jobs_of(record)
    checked = []
    with results_in(out, [kind.value for kind in kinds]) as results:
        for done, kind in enumerate(kinds):
            if should_stop is not None and should_stop():
                break
            if progress is not None:
                progress(kind.value, done, len(kinds))
            job, path = jobs[kind.value], out / kind.value
            if job is None:
                results.remove(kind.value)
                checked.append(Checked(kind, path, False, "there is nothing to write into it"))
                continue
            results.write(kind.value, job)
            checked.append(check(record, kind, path))
    return tuple(checked)


def check(record: ExportInput, kind: ExportKind, path: Path) -> Checked:
    """Reads a written file again, and compares it with what was to be written."""
    try:
        sentence = _CHECKS[kind](record, path)
    except Exception as error:  # whatever a reader raises means one thing: it cannot be read
        return Checked(kind, path, False, f"it cannot be read again: {error}")
    wrong = sentence.startswith("!")
    return Checked(kind, path, not wrong, sentence.lstrip("!"))


def _counted(found: int, wanted: int, what: str) -> str:
    return f"{found} {what}" if found == wanted else f"!{found} {what} instead of {wanted}"


def _frames(record: ExportInput, path: Path) -> str:
    with av.open(str(path)) as box:
        found = sum(1 for _ in box.decode(video=0))
    return _counted(found, len(record.frames), "frames")


def _depth_frames(record: ExportInput, path: Path) -> str:
    with av.open(str(path)) as box:
        found = sum(1 for _ in box.decode(video=0))
    return f"{found} frames" if found else "!it holds no frames"


def _pictures(path: Path, wanted: int, size: tuple[int, int]) -> str:
    files = sorted(path.glob("*.png"))
    for file in files:
        with Image.open(file) as picture:
            picture.load()
            if picture.size != size:
                return f"!{file.name} is {picture.size[0]}x{picture.size[1]}"
    return _counted(len(files), wanted, f"pictures of {size[0]}x{size[1]}")


def _images(record: ExportInput, path: Path) -> str:
    return _pictures(path, len(record.frames), record.size)


def _depth_images(record: ExportInput, path: Path) -> str:
    return _pictures(path, sum(d is not None for d in record.depths), record.size)


def _ply(record: ExportInput, path: Path) -> str:
    data = path.read_bytes()
    header, _, body = data.partition(b"end_header\n")
    count = int(header.split(b"element vertex ")[1].split()[0])
    if len(body) != count * 27:  # six floats and three bytes a point
        return "!its points are cut short"
    first = np.frombuffer(body[:12], "<f4")
    if count and not np.array_equal(first, record.points.positions[0]):
        return "!its points are not where they should be"
    return _counted(count, len(record.points), "points")


def _glb(record: ExportInput, path: Path) -> str:
    data = path.read_bytes()
    if data[:4] != b"glTF" or int.from_bytes(data[8:12], "little") != len(data):
        return "!it is no whole GLB file"
    length = int.from_bytes(data[12:16], "little")
    document = json.loads(data[20 : 20 + length])
    primitive = document["meshes"][0]["primitives"][0]
    count = document["accessors"][primitive["attributes"]["POSITION"]]["count"]
    return _counted(int(count), len(record.points), "points")


def _cameras(found: Iterable[Camera], record: ExportInput) -> str:
    cameras = list(found)
    if len(cameras) != len(record.cameras):
        return _counted(len(cameras), len(record.cameras), "cameras")
    worst = max(
        float(np.abs(a.T_world_camera - b.T_world_camera).max())
        for a, b in zip(cameras, record.cameras, strict=True)
    )
    if worst > CAMERA_TOLERANCE:
        return f"!its cameras are off by {worst:.2g}"
    return f"{len(cameras)} cameras, the same when read again"


def _sheet(record: ExportInput, path: Path) -> str:
    with Image.open(path) as picture:
        picture.load()
        return f"{picture.size[0]}x{picture.size[1]}"


_CHECKS: dict[ExportKind, Callable[[ExportInput, Path], str]] = {
    ExportKind.VIDEO: _frames,
    ExportKind.DEPTH_VIDEO: _depth_frames,
    ExportKind.IMAGES: _images,
    ExportKind.DEPTH_IMAGES: _depth_images,
    ExportKind.PLY: _ply,
    ExportKind.GLB: _glb,
    ExportKind.COLMAP: lambda record, path: _cameras(colmap_text.read(path).cameras, record),
    ExportKind.TRANSFORMS: lambda record, path: _cameras(
        transforms_json.read(path).cameras, record
    ),
    ExportKind.REALESTATE10K: lambda record, path: _cameras(
        realestate10k.read(path).cameras, record
    ),
    ExportKind.CONTACT_SHEET: _sheet,
}
