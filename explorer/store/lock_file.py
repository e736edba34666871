"""The store's own record of what was fetched: for each model a commit, and a hash for each file.

    {"format": "photowalk models", "version": 1,
     "models": {name: {"repo", "revision", "files": {path: {"size", "sha256", "git_blob"}}}}}

It is written when a download begins, so that one that is stopped goes on with the same commit, and
a removed model comes back as it was. A hash that the hub did not tell is filled in on arrival.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from engine.model.inner_files import OutsideError, inner_name, plain_name
from explorer.store.errors import StoreError
from explorer.store.hub import HubFile, Listing
from explorer.walk.files import atomic_path

LOCK_FILE = "models.lock.json"
FORMAT, VERSION = "photowalk models", 1


@dataclass(frozen=True)
class Pin:
    """What a model is, for this store."""

    repo: str
    listing: Listing

    def with_hash(self, path: str, sha256: str) -> Pin:
        """The same with a file's hash filled in."""
        files = (replace(f, sha256=sha256) if f.path == path else f for f in self.listing.files)
        return replace(self, listing=replace(self.listing, files=tuple(files)))


def read_pins(store: Path) -> dict[str, Pin]:
    """By model name; empty where there is no lock file.

    Raises:
        StoreError: it is damaged, or newer than this version.
    """
    path = store / LOCK_FILE
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except ValueError as error:
        raise StoreError(f"{path} is damaged; remove it and fetch the models anew") from error
    try:
        if (document["format"], document["version"]) != (FORMAT, VERSION):
            raise StoreError(f"{path} was written by another version of Photowalk")
        return {plain_name(name): _pin(entry) for name, entry in document["models"].items()}
    except OutsideError as error:
        raise StoreError(f"{path} names a file outside the store ({error}); remove it") from error
    except (KeyError, TypeError, AttributeError) as error:
        raise StoreError(f"{path} is damaged; remove it and fetch the models anew") from error


def write_pin(store: Path, name: str, pin: Pin) -> None:
    """Adds or replaces a model's pin; those of other models stay as they are now."""
    pins = {**read_pins(store), name: pin}
    models = {
        n: {
            "repo": p.repo,
            "revision": p.listing.revision,
            "files": {
                f.path: {"size": f.size, "sha256": f.sha256, "git_blob": f.git_blob}
                for f in p.listing.files
            },
        }
        for n, p in sorted(pins.items())
    }
    document = {"format": FORMAT, "version": VERSION, "models": models}
    with atomic_path(store / LOCK_FILE) as path:
        path.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


def _pin(entry: Mapping[str, Any]) -> Pin:
    files = (
        HubFile(inner_name(path), int(f["size"]), f["sha256"], f["git_blob"])
        for path, f in entry["files"].items()
    )
    return Pin(str(entry["repo"]), Listing(str(entry["revision"]), tuple(files)))
