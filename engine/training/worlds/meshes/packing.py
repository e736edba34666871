"""Models of catalogues, read once and kept as arrays: real size, z up, small textures.

`trimesh` reads OBJ and MTL. Colours of MTL files are display values (Sweet Home 3D shows them
without gamma), so they become linear by the same square as textures (`textures.TextureBank.page`).
"""

from __future__ import annotations

import io
import logging
import re
import zipfile
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.training.worlds.meshes.catalogue import Catalogue, Entry
from engine.training.worlds.meshes.model import Label, Model
from engine.training.worlds.textures import mipmaps

Floats = NDArray[np.float64]
Bytes = NDArray[np.uint8]

#: From a model's axes (x right, y up, front +z) to a world's (front +y, z up).
_WORLD_FROM_MODEL = np.array([[-1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, 1.0, 0.0]])

#: Surfaces that let more than this through are left out.
_CLEAREST = 0.45
#: … but not where things stand on them.
_CARRIES = re.compile(r"table|desk|shel|stand|cabinet")
#: Without normals of its own a surface is smooth where faces meet at less than this, radians.
_CREASE = 0.7
#: What a texture's tint stands on where there is none (`shading.shade`).
_PLAIN = 0.6

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class PackingConfig:
    """Attributes:
    size: pixels along a side of a texture, a power of two.
    most_faces: models with more triangles are left out.
    """

    size: int = 128
    most_faces: int = 80_000


def pack_catalogue(catalogue: Catalogue, config: PackingConfig) -> list[Model]:
    """All models that can be read and have few enough faces; raises ValueError when none has."""
    with zipfile.ZipFile(catalogue.path) as archive:
        names = archive.namelist()
        found = []
        for entry in catalogue.entries:
            if entry.is_opening:
                continue
            try:
                model = _packed(archive, names, entry, catalogue.path.stem, config)
            except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
                _log.warning("%s: %s cannot be read (%s)", catalogue.path.stem, entry.path, error)
                continue
            if model is not None:
                found.append(model)
    if not found:
        raise ValueError(f"{catalogue.path} holds no model that can be packed")
    return found


def _packed(
    archive: zipfile.ZipFile, names: list[str], entry: Entry, home: str, config: PackingConfig
) -> Model | None:
    """None, and a line in the log, where a model is damaged, empty or too large."""
    import trimesh

    folder = entry.path.rsplit("/", 1)[0] + "/"
    files = {
        n[len(folder) :]: io.BytesIO(archive.read(n))
        for n in names
        if n.startswith(folder) and not n.endswith("/")
    }
    obj = files.get(entry.path[len(folder) :])
    if obj is None:
        _log.warning("%s: %s is missing", home, entry.path)
        return None
    has_normals = b"\nvn " in obj.getvalue()
    resolver = trimesh.resolvers.ZipResolver(files)
    # Normals of a model may be zero somewhere; they are mended below.
    with np.errstate(invalid="ignore", divide="ignore"):
        scene = trimesh.load_scene(obj, file_type="obj", resolver=resolver)
    meshes = [g for g in scene.geometry.values() if hasattr(g, "faces") and len(g.faces)]
    if not 0 < sum(len(g.faces) for g in meshes) <= config.most_faces:
        return None
    whole = np.concatenate([g.vertices for g in meshes])
    bounds = _placing(whole, entry)
    if _CARRIES.search(entry.name) is None:
        meshes = [g for g in meshes if _number(_fields(g), "d", 1.0) >= 1 - _CLEAREST]
    parts = [_part(g, files, has_normals, config) for g in meshes]
    return _assembled(parts, bounds, entry, home) if parts else None


@dataclass(frozen=True)
class _Part:
    """Triangles of one material."""

    vertices: Floats
    normals: Floats
    uv: Floats
    faces: NDArray[np.int64]
    material: tuple[float, ...]  # without its texture
    picture: tuple[Bytes, NDArray[np.bool_]] | None


def _part(
    mesh: Any, files: dict[str, io.BytesIO], has_normals: bool, config: PackingConfig
) -> _Part:
    """The triangles of one material as they lie in the file."""
    material, fields = getattr(mesh.visual, "material", None), _fields(mesh)
    vertices, faces = np.asarray(mesh.vertices), np.asarray(mesh.faces)
    uv, picture = np.zeros((len(vertices), 2)), None
    image, given = getattr(material, "image", None), getattr(mesh.visual, "uv", None)
    if image is not None and given is not None and len(given) == len(vertices):
        picture = _picture(image, _mask(fields, files), config.size)
        # Pictures begin at their top.
        uv = np.nan_to_num(np.stack([given[:, 0], 1 - given[:, 1]], axis=1))
    if has_normals:
        normals = np.asarray(mesh.vertex_normals)
    else:
        corner, faces = _creased(mesh)
        vertices, uv = vertices[corner], uv[corner]
        normals = _summed(vertices, faces)
    return _Part(vertices, normals, uv, faces, _material(fields, picture is not None), picture)


def _creased(mesh: Any) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Vertices split where faces meet at a sharp angle: which one each is of, and the faces."""
    from trimesh.graph import connected_component_labels

    label: Any = connected_component_labels  # trimesh states no types for it
    joined = mesh.face_adjacency[mesh.face_adjacency_angles < _CREASE]
    patch = label(joined, node_count=len(mesh.faces))
    corners = np.stack([mesh.faces.ravel(), np.repeat(patch, 3)])
    unique, inverse = np.unique(corners, axis=1, return_inverse=True)
    return unique[0].astype(np.int64), inverse.reshape(-1, 3).astype(np.int64)


def _summed(vertices: Floats, faces: NDArray[np.int64]) -> Floats:
    """Normals at vertices (n, 3): those of their faces, weighted by area."""
    a, b, c = (vertices[faces[:, i]] for i in range(3))
    flat = np.repeat(np.cross(b - a, c - a), 3, axis=0)
    return np.stack(
        [np.bincount(faces.ravel(), flat[:, i], minlength=len(vertices)) for i in range(3)], axis=1
    )


def _fields(mesh: Any) -> dict[str, Any]:
    """What the MTL file says of a mesh's material."""
    return getattr(getattr(mesh.visual, "material", None), "kwargs", None) or {}


def _number(fields: dict[str, Any], key: str, default: float) -> float:
    """The mean of an MTL statement's numbers."""
    value = fields.get(key)
    if value is None:
        return default
    try:
        return float(np.mean([float(v) for v in np.atleast_1d(value)]))
    except ValueError:
        return default


def _material(fields: dict[str, Any], textured: bool) -> tuple[float, ...]:
    """Tint, metres, detail, gloss, glow as in `shapes.Material`."""
    try:
        colour = np.array([float(v) for v in fields.get("kd", (0.6, 0.6, 0.6))])[:3]
    except ValueError:
        colour = np.full(3, 0.6)
    if textured:
        # Exporters write a grey of their own beside textures: only its hue is meant.
        tint = colour / colour.max() if colour.max() > 0.05 else np.ones(3)
    else:
        tint = np.clip(colour, 0.03, 0.95) ** 2 / _PLAIN
    gloss = min(1.0, _number(fields, "ks", 0.0)) * min(1.0, _number(fields, "ns", 0.0) / 80) * 0.6
    glow = 1.5 * min(1.0, _number(fields, "ke", 0.0))
    return (*(float(c) for c in tint), 1.0, float(textured), gloss, glow)


def _mask(fields: dict[str, Any], files: dict[str, io.BytesIO]) -> Bytes | None:
    """How much of a texture is there (h, w), where a picture of its own says so."""
    words = [str(w) for w in np.atleast_1d(fields.get("map_d", []))]
    file = files.get(" ".join(words))
    if file is None:
        return None
    picture = cv2.imdecode(np.frombuffer(file.getvalue(), np.uint8), cv2.IMREAD_UNCHANGED)
    if picture is None:
        return None
    if picture.ndim == 3 and picture.shape[2] == 4 and picture[..., 3].min() < 255:
        return np.asarray(picture[..., 3], np.uint8)
    grey = picture if picture.ndim == 2 else picture[..., :3].mean(2)
    return np.asarray(grey, np.uint8)


def _picture(image: Any, mask: Bytes | None, size: int) -> tuple[Bytes, NDArray[np.bool_]]:
    """A square texture (size, size, 3), and where it lets rays through."""
    rgba = np.asarray(image.convert("RGBA"))
    cover = rgba[..., 3]
    if mask is not None:
        cover = cv2.resize(mask, (rgba.shape[1], rgba.shape[0]), interpolation=cv2.INTER_AREA)
    weight = cover.astype(np.float32)[..., None] / 255
    shape, area = (size, size), cv2.INTER_AREA
    share = cv2.resize(weight, shape, interpolation=area)[..., None]
    # What cannot be seen must not bleed into the borders of what can.
    rgb = cv2.resize(rgba[..., :3].astype(np.float32) * weight, shape, interpolation=area)
    plain = cv2.resize(rgba[..., :3], shape, interpolation=area)
    rgb = np.where(share > 0.02, rgb / np.maximum(share, 0.02), plain)
    return (rgb + 0.5).clip(0, 255).astype(np.uint8), share[..., 0] < 0.5


@dataclass(frozen=True)
class _Placing:
    """Scales and moves a model's points to where its catalogue wants them."""

    turn: Floats  # (3, 3) model axes to world axes
    scale: Floats  # (3,)
    low: Floats  # (3,) in world axes, before scaling
    high: Floats

    def points(self, p: Floats) -> Floats:
        q = (p @ self.turn.T - self.low) * self.scale
        q[:, 0] -= (self.high - self.low)[0] * self.scale[0] / 2
        return q

    def normals(self, n: Floats) -> Floats:
        m = n @ self.turn.T / self.scale
        length = np.linalg.norm(m, axis=1, keepdims=True)
        return np.where(length > 1e-9, m / np.maximum(length, 1e-9), (0.0, 0.0, 1.0))


def _placing(vertices: Floats, entry: Entry) -> _Placing:
    turn = _WORLD_FROM_MODEL @ np.array(entry.rotation).reshape(3, 3)
    p = vertices @ turn.T
    low, high = p.min(0), p.max(0)
    return _Placing(turn, np.array(entry.size) / np.maximum(high - low, 1e-6), low, high)


def _assembled(parts: list[_Part], placing: _Placing, entry: Entry, home: str) -> Model:
    pictures = [p.picture for p in parts if p.picture is not None]
    size = pictures[0][0].shape[0] if pictures else 1
    numbers = np.cumsum([p.picture is not None for p in parts]) - 1
    materials = [
        (float(i) if p.picture is not None else -1.0, *p.material)
        for p, i in zip(parts, numbers, strict=True)
    ]
    starts = np.cumsum([0] + [len(p.vertices) for p in parts])
    faces = np.concatenate([p.faces + s for p, s in zip(parts, starts[:-1], strict=True)])
    levels = mipmaps([p[0] for p in pictures]) if pictures else np.zeros((0, 0, 3), np.uint8)
    cutout = np.stack([p[1] for p in pictures]) if pictures else np.zeros((0, size, size), bool)
    label = Label(
        entry.key, home, entry.name, entry.category, entry.size, entry.elevation,
        min(entry.top, entry.size[2]), len(faces),
    )  # fmt: skip
    return Model(
        label,
        placing.points(np.concatenate([p.vertices for p in parts])).astype(np.float32),
        placing.normals(np.concatenate([p.normals for p in parts])).astype(np.float32),
        np.concatenate([p.uv for p in parts]).astype(np.float32),
        faces.astype(np.int32),
        np.repeat(np.arange(len(parts)), [len(p.faces) for p in parts]).astype(np.int32),
        np.array(materials, dtype=np.float32),
        levels,
        cutout,
    )
