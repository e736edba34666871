"""Points as binary little-endian PLY: x y z red green blue nx ny nz."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from explorer.walk.export.point_cloud import PointCloud
from explorer.walk.files import atomic_path

_VERTEX = np.dtype(
    [(n, "<f4") for n in ("x", "y", "z")]
    + [(n, "u1") for n in ("red", "green", "blue")]
    + [(n, "<f4") for n in ("nx", "ny", "nz")]
)


def write_ply(cloud: PointCloud, target: Path, units: str = "scene units") -> None:
    """Write a cloud; axes as in `PointCloud`. `units` goes into a comment of the header."""
    vertices = np.empty(len(cloud), dtype=_VERTEX)
    for i, axis in enumerate("xyz"):
        vertices[axis] = cloud.positions[:, i]
        vertices[f"n{axis}"] = cloud.normals[:, i]
    for i, channel in enumerate(("red", "green", "blue")):
        vertices[channel] = cloud.colours[:, i]
    kinds = {"<f4": "float", "|u1": "uchar"}
    names = _VERTEX.names or ()
    header = [
        "ply",
        "format binary_little_endian 1.0",
        f"comment x right, y down, z forward; {' '.join(units.split())}",
        f"element vertex {len(cloud)}",
        *(f"property {kinds[_VERTEX[name].str]} {name}" for name in names),
        "end_header",
    ]
    with atomic_path(target) as path, path.open("wb") as file:
        file.write(("\n".join(header) + "\n").encode("ascii", "replace"))
        file.write(vertices.tobytes())
