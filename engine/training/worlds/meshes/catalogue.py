"""Catalogues of furniture as Sweet Home 3D writes them: `.sh3f` files.

A zip of OBJ models with a `PluginFurnitureCatalog.properties` whose keys end in `#number`; lengths
are centimetres. The format: Sweet Home 3D's Furniture Library Editor, and its class
`DefaultFurnitureCatalog`, which documents every key.
"""

from __future__ import annotations

import re
import zipfile
from dataclasses import dataclass
from pathlib import Path

_PROPERTIES = "PluginFurnitureCatalog.properties"
_LINE = re.compile(r"\s*([A-Za-z]\w*)(?:#(\d+))?\s*[=:]\s*(.*?)\s*$")
_ESCAPE = re.compile(r"\\u([0-9a-fA-F]{4})")
_UPRIGHT = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0)

Size = tuple[float, float, float]


@dataclass(frozen=True)
class Entry:
    """One model of a catalogue.

    Attributes:
        key: its id, unique among catalogues.
        name, category: English words, lower case.
        path: of its OBJ file within the zip.
        size: width, depth, height in metres.
        elevation: metres above the floor that it hangs or stands at.
        top: metres above its own foot at which things may stand on it; 0 where none may.
        rotation: (9,) row by row, turns the model's points before they are scaled to `size`.
        is_opening: a door or window.
    """

    key: str
    name: str
    category: str
    path: str
    size: Size
    elevation: float
    top: float
    rotation: tuple[float, ...]
    is_opening: bool


@dataclass(frozen=True)
class Catalogue:
    """A file and what it holds."""

    path: Path
    entries: tuple[Entry, ...]


def read_catalogue(path: Path) -> Catalogue:
    """Raises ValueError when the file is no catalogue or states nonsense."""
    try:
        with zipfile.ZipFile(path) as archive:
            text = archive.read(_PROPERTIES).decode("latin-1")
    except (OSError, KeyError, zipfile.BadZipFile) as error:
        raise ValueError(f"{path} is no furniture catalogue (.sh3f): {error}") from error
    numbered: dict[int, dict[str, str]] = {}
    for line in text.splitlines():
        found = _LINE.match(line)
        if found is None or line.lstrip().startswith(("#", "!")):
            continue
        key, number, value = found.groups()
        value = _ESCAPE.sub(lambda m: chr(int(m[1], 16)), value)
        if number is not None:
            numbered.setdefault(int(number), {})[key] = value
    try:
        entries = tuple(_entry(fields) for _, fields in sorted(numbered.items()))
    except (KeyError, ValueError) as error:
        raise ValueError(f"{path}: a model's description cannot be read ({error})") from error
    return Catalogue(path, entries)


def _entry(fields: dict[str, str]) -> Entry:
    width, depth, height = (float(fields[k]) / 100 for k in ("width", "depth", "height"))
    if min(width, depth, height) <= 0:
        raise ValueError(f"{fields['id']} has no size")
    rotation = tuple(float(v) for v in fields.get("modelRotation", "").split()) or _UPRIGHT
    if len(rotation) != len(_UPRIGHT):
        raise ValueError(f"the rotation of {fields['id']} needs nine numbers")
    top = float(fields.get("dropOnTopElevation", height * 100)) / 100
    return Entry(
        key=fields["id"],
        name=fields["name"].lower(),
        category=fields.get("category", "").lower(),
        path=fields["model"].lstrip("/"),
        size=(width, depth, height),
        elevation=float(fields.get("elevation", 0)) / 100,
        top=max(0.0, top),
        rotation=rotation,
        is_opening=fields.get("doorOrWindow") == "true",
    )
