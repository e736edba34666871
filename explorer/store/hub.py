"""What a repository on the hub holds at one commit, with sizes and hashes."""

from __future__ import annotations

import json
import re
import urllib.parse
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from engine.model.inner_files import OutsideError, inner_name
from explorer.store.catalogue import Entry
from explorer.store.errors import DownloadError, StoreError
from explorer.store.web import opened

#: No honest list of files is longer.
LONGEST_LIST = 32 * 2**20
_COMMIT = re.compile(r"[0-9a-f]{40}")
_PICKLES = (".bin", ".pt", ".pth", ".ckpt", ".pkl", ".msgpack", ".h5")


@dataclass(frozen=True)
class HubFile:
    """Attributes:
    path: inside the repository, with slashes.
    size: bytes.
    sha256: of its content; None where the hub does not tell (small files, before they are here).
    git_blob: git's SHA-1 of it, for files that are kept in git itself.
    """

    path: str
    size: int
    sha256: str | None = None
    git_blob: str | None = None

    @property
    def content(self) -> str:
        """What the hub itself calls this content, the same at every commit that has it."""
        return self.git_blob or self.sha256 or f"{self.size:x} bytes"


@dataclass(frozen=True)
class Listing:
    """The files of a model at a commit."""

    revision: str
    files: tuple[HubFile, ...]

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(file.size for file in self.files)


def ask_listing(entry: Entry, endpoint: str, revision: str | None, timeout: float) -> Listing:
    """Asks the hub what belongs to a model.

    Args:
        revision: a commit; None for the latest of the entry's branch.

    Raises:
        StoreError: the repository offers nothing that is safe to open, or lacks a file.
        DownloadError: the hub cannot be asked, or answers something else.
    """
    asked = revision or entry.ref
    quoted = urllib.parse.quote(asked, safe="")
    url = f"{endpoint}/api/models/{entry.repo}/revision/{quoted}?blobs=true"
    with opened(url, timeout) as answer:
        data = answer.read(LONGEST_LIST)
    try:
        document = json.loads(data)
        commit = document["sha"]
        found = [_hub_file(sibling) for sibling in document["siblings"]]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise DownloadError(f"{url} did not answer with a list of files") from error
    if not isinstance(commit, str) or not _COMMIT.fullmatch(commit):
        raise DownloadError(f"{url} names no commit")
    if revision is not None and commit != revision:
        raise DownloadError(f"{url} answered with another commit, {commit}")
    return Listing(commit, _chosen(entry, found))


def file_url(entry: Entry, endpoint: str, revision: str, path: str) -> str:
    """Where a file of a commit is fetched from."""
    return f"{endpoint}/{entry.repo}/resolve/{revision}/{urllib.parse.quote(path)}"


def _hub_file(sibling: dict[str, Any]) -> HubFile:
    lfs = sibling.get("lfs") or {}
    size = lfs.get("size", sibling.get("size"))
    if not isinstance(size, int) or size < 0:
        raise TypeError("no size")
    blob = None if lfs else sibling.get("blobId")
    return HubFile(str(sibling["rfilename"]), size, lfs.get("sha256"), blob)


def _chosen(entry: Entry, found: Sequence[HubFile]) -> tuple[HubFile, ...]:
    chosen = [_checked(entry, file) for file in found if entry.wants(file.path)]
    names = [file.path for file in found]
    if not any(file.path.endswith(".safetensors") for file in chosen):
        pickles = [name for name in names if name.endswith(_PICKLES)]
        if pickles:
            raise StoreError(
                f"{entry.repo} offers its weights only as {pickles[0]}, a format that can run "
                "code when it is opened; Photowalk takes safetensors only"
            )
        raise StoreError(f"{entry.repo} holds no weights in safetensors")
    for pattern in entry.files:
        if "*" not in pattern and pattern not in names:
            raise StoreError(f"{entry.repo} has no {pattern}, which {entry.name} needs")
    # Small files first: what they say is checked before the weights are fetched.
    return tuple(sorted(chosen, key=lambda f: (f.path.endswith(".safetensors"), f.size, f.path)))


def _checked(entry: Entry, file: HubFile) -> HubFile:
    try:
        inner_name(file.path)
    except OutsideError as error:
        raise StoreError(f"{entry.repo} names a file outside its folder, {file.path!r}") from error
    known = entry.files.get(file.path)
    if known is not None and file.sha256 is not None and file.sha256 != known:
        raise StoreError(f"{entry.repo} has another {file.path} than the one that is known")
    return HubFile(file.path, file.size, known or file.sha256, file.git_blob)
