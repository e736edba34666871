"""Points as binary glTF 2.0, for web viewers.

glTF wants y up and vertex colours that are linear, not sRGB; both are converted here. Colours take
16 bits a channel, because 8 linear bits would band in the dark. The material is unlit, so that
viewers show the colours as they are.
(https://registry.khronos.org/glTF/specs/2.0/glTF-2.0.html)
"""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from explorer.walk.export.point_cloud import PointCloud
from explorer.walk.files import atomic_path

_FLOAT, _UNSIGNED_SHORT = 5126, 5123
_POINTS, _ARRAY_BUFFER = 0, 34962
_MAGIC, _JSON_CHUNK, _BINARY_CHUNK = 0x46546C67, 0x4E4F534A, 0x004E4942
_OPENCV_TO_GLTF = np.array([1.0, -1.0, -1.0], dtype=np.float32)


def write_glb(cloud: PointCloud, target: Path) -> None:
    """Write a cloud as one mesh of points, upright (y up, the photo looks along −z).

    Raises:
        ValueError: the cloud is empty, which glTF cannot say.
    """
    if not len(cloud):
        raise ValueError(f"{target.name} needs at least one point")
    positions = cloud.positions * _OPENCV_TO_GLTF
    parts: dict[str, tuple[NDArray[Any], dict[str, Any]]] = {
        "POSITION": (
            positions.astype("<f4"),
            {
                "componentType": _FLOAT,
                "type": "VEC3",
                "min": positions.min(axis=0).tolist(),
                "max": positions.max(axis=0).tolist(),
            },
        ),
        "NORMAL": (
            (cloud.normals * _OPENCV_TO_GLTF).astype("<f4"),
            {"componentType": _FLOAT, "type": "VEC3"},
        ),
        "COLOR_0": (
            _linear_rgba(cloud.colours),
            {"componentType": _UNSIGNED_SHORT, "type": "VEC4", "normalized": True},
        ),
    }
    binary = b"".join(array.tobytes() for array, _ in parts.values())
    document = json.dumps(_document(parts, len(cloud)), separators=(",", ":")).encode()
    document += b" " * (-len(document) % 4)  # chunks end on whole words
    total = 12 + 8 + len(document) + 8 + len(binary)
    with atomic_path(target) as path, path.open("wb") as file:
        file.write(struct.pack("<III", _MAGIC, 2, total))
        file.write(struct.pack("<II", len(document), _JSON_CHUNK) + document)
        file.write(struct.pack("<II", len(binary), _BINARY_CHUNK) + binary)


def _document(
    parts: dict[str, tuple[NDArray[Any], dict[str, Any]]], count: int
) -> dict[str, object]:
    views, accessors, offset = [], [], 0
    for i, (array, accessor) in enumerate(parts.values()):
        size = array.nbytes
        views.append(
            {"buffer": 0, "byteOffset": offset, "byteLength": size, "target": _ARRAY_BUFFER}
        )
        accessors.append({"bufferView": i, "count": count, **accessor})
        offset += size
    attributes = {name: i for i, name in enumerate(parts)}
    return {
        "asset": {"version": "2.0", "generator": "photowalk"},
        "extensionsUsed": ["KHR_materials_unlit"],
        "scene": 0,
        "scenes": [{"nodes": [0]}],
        "nodes": [{"mesh": 0, "name": "points"}],
        "meshes": [{"primitives": [{"attributes": attributes, "mode": _POINTS, "material": 0}]}],
        "materials": [{"extensions": {"KHR_materials_unlit": {}}}],
        "buffers": [{"byteLength": offset}],
        "bufferViews": views,
        "accessors": accessors,
    }


def _linear_rgba(colours: NDArray[np.uint8]) -> NDArray[np.uint16]:
    """(N, 4) little-endian 16-bit linear colours of 8-bit sRGB ones (IEC 61966-2-1)."""
    s = np.arange(256) / 255.0
    linear = np.where(s <= 0.04045, s / 12.92, ((s + 0.055) / 1.055) ** 2.4)
    table = np.round(linear * 65535).astype("<u2")
    rgba = np.full((len(colours), 4), 65535, dtype="<u2")
    rgba[:, :3] = table[colours]
    return rgba
