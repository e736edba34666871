"""The models that Photowalk knows by name: a JSON file in this package.

An entry whose revision is null was never pinned by us: the first download takes what the hub has
then, and the store's lock file pins that. The hub's own list gives exact sizes and hashes before
anything is fetched; a SHA-256 in the catalogue, where one is known, must agree with it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path, PurePosixPath
from typing import Any

from engine.model.inner_files import OutsideError, inner_name, plain_name
from explorer.store.errors import StoreError

CATALOGUE = Path(__file__).with_name("catalogue.json")
#: Nothing else is ever fetched: these cannot run code when they are opened.
SAFE_SUFFIXES = (".safetensors", ".json", ".txt")


@dataclass(frozen=True)
class Entry:
    """A model of the catalogue.

    Attributes:
        name: what the user calls it, and its folder in the store.
        repo: `owner/name` on the hub.
        revision: the commit, 40 hex digits; None where the first download pins it.
        files: path patterns (`fnmatch`) inside the repository, with their SHA-256 where known.
        about_bytes: size for the list, rounded; the hub's own figure is shown before a download.
        licence: SPDX name of the weights' licence.
        purpose: in a few words.
        classes: the class that each of these JSON files must name.
        ref: the branch that is pinned where there is no revision.
    """

    name: str
    repo: str
    revision: str | None
    files: Mapping[str, str | None]
    about_bytes: int
    licence: str
    purpose: str
    classes: Mapping[str, str] = field(default_factory=dict)
    ref: str = "main"

    def wants(self, path: str) -> bool:
        """A file of the repository belongs to the model; never true for what is not safe."""
        if PurePosixPath(path).suffix not in SAFE_SUFFIXES:
            return False
        return any(fnmatchcase(path, pattern) for pattern in self.files)


def parse_catalogue(document: Mapping[str, Any]) -> tuple[Entry, ...]:
    """Entries in their order.

    Raises:
        StoreError: it is no catalogue, or an entry lacks something.
    """
    if document.get("format") != "photowalk catalogue" or document.get("version") != 1:
        raise StoreError("this is no catalogue of models that this version can read")
    try:
        return tuple(_entry(model) for model in document["models"])
    except (KeyError, TypeError) as error:
        raise StoreError(f"an entry of the catalogue is not complete: {error}") from error
    except OutsideError as error:
        raise StoreError(f"an entry of the catalogue names what is no file: {error}") from error


@cache
def embedded_catalogue() -> tuple[Entry, ...]:
    """The catalogue that comes with Photowalk."""
    return parse_catalogue(json.loads(CATALOGUE.read_text(encoding="utf-8")))


def _entry(model: Mapping[str, Any]) -> Entry:
    known = {k: model[k] for k in ("name", "repo", "revision", "about_bytes", "licence", "purpose")}
    plain_name(model["name"])
    return Entry(
        **known,
        files={inner_name(file["path"]): file["sha256"] for file in model["files"]},
        classes={inner_name(k): v for k, v in model.get("classes", {}).items()},
        ref=model.get("ref", "main"),
    )
