"""Fetching one file: with progress, gone on with after a stop, and checked before it counts.

What has arrived lies beside the target in a part file named by the content that it should become,
so that a part of another revision is never gone on with. Only a part that is whole and has the
right hash is renamed to the target. (`huggingface_hub` 2.4 begins an interrupted file anew.)
"""

from __future__ import annotations

import errno
import hashlib
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from engine.model.weights_folder import file_hash
from explorer.store.errors import DownloadError
from explorer.store.hub import HubFile
from explorer.store.web import PassingError, RangeRefusedError, opened


@dataclass(frozen=True)
class DownloadConfig:
    """Attributes:
    timeout: seconds without an answer before a connection counts as broken.
    chunk: bytes that are read at a time.
    tries: how often in a row a broken connection is opened again without anything arriving.
    pause: seconds before the second try; twice as many before each further one.
    """

    timeout: float = 30.0
    chunk: int = 2**20
    tries: int = 4
    pause: float = 1.0


def part_path(target: Path, wanted: HubFile) -> Path:
    """Where a file gathers until it is whole."""
    return target.with_name(f".{target.name}.{wanted.content[:16]}.part")


def download(
    url: str,
    target: Path,
    wanted: HubFile,
    on_bytes: Callable[[int], None] | None = None,
    config: DownloadConfig | None = None,
) -> str:
    """Fetches a file and returns its SHA-256; goes on with a part that is there.

    Args:
        on_bytes: told how many bytes of the file are here.

    Raises:
        DownloadError: one sentence. The part stays, unless it turned out to be wrong.
    """
    config = config or DownloadConfig()
    target.parent.mkdir(parents=True, exist_ok=True)
    part = part_path(target, wanted)
    tell = on_bytes or (lambda _bytes: None)
    try:
        _gather(url, part, wanted, tell, config)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise DownloadError(
                f"the disk of {target.parent} is full; make room and ask again, what arrived is "
                "kept"
            ) from error
        raise
    digest = _check(part, wanted)
    os.replace(part, target)
    return digest


def _gather(
    url: str, part: Path, wanted: HubFile, tell: Callable[[int], None], config: DownloadConfig
) -> None:
    """Fills the part, over as many connections as it takes."""
    failures = 0
    while True:
        begin = part.stat().st_size if part.exists() else 0
        if begin > wanted.size:
            part.unlink()
            begin = 0
        tell(begin)
        if begin == wanted.size and part.exists():
            return
        try:
            _append(url, part, begin, wanted, tell, config)
        except RangeRefusedError:
            part.unlink()
        except PassingError as error:
            arrived = part.stat().st_size if part.exists() else 0
            failures = 1 if arrived > begin else failures + 1
            if failures >= config.tries:
                raise DownloadError(f"{error}; what arrived is kept, ask again later") from error
            time.sleep(config.pause * 2 ** (failures - 1))


def _append(
    url: str,
    part: Path,
    begin: int,
    wanted: HubFile,
    tell: Callable[[int], None],
    config: DownloadConfig,
) -> None:
    """One connection's worth of the file."""
    with opened(url, config.timeout, begin) as answer:
        goes_on = answer.status == 206 and _starts_at(answer, begin)
        with part.open("ab" if goes_on else "wb") as file:
            arrived = _copy(answer, file, begin if goes_on else 0, wanted, tell, config.chunk)
    if arrived > wanted.size:
        part.unlink()
        raise DownloadError(f"{url} is larger than the {wanted.size:,} bytes that the hub states")
    if arrived < wanted.size:
        raise PassingError(f"the connection ended after {arrived:,} of {wanted.size:,} bytes")


def _copy(
    answer: Any, file: IO[bytes], arrived: int, wanted: HubFile, tell: Callable[[int], None], n: int
) -> int:
    """Until the answer ends or is too long; returns the bytes of the file that are here."""
    while arrived <= wanted.size:
        data = answer.read(n)
        if not data:
            break
        file.write(data)
        arrived += len(data)
        tell(min(arrived, wanted.size))
    return arrived


def _starts_at(answer: Any, begin: int) -> bool:
    return str(answer.headers.get("Content-Range", "")).startswith(f"bytes {begin}-")


def _check(part: Path, wanted: HubFile) -> str:
    """The part's SHA-256, after comparing it with what the hub states."""
    digest = file_hash(part)
    fits = wanted.sha256 is None or digest == wanted.sha256
    if fits and wanted.git_blob is not None:
        fits = _git_blob(part) == wanted.git_blob
    if not fits:
        part.unlink()
        raise DownloadError(
            f"{wanted.path} arrived damaged: its hash is not the one that the hub states; it was "
            "removed, ask again"
        )
    return digest


def _git_blob(path: Path) -> str:
    """Git's name of a file's content: SHA-1 over `blob SIZE NUL content`."""
    content = path.read_bytes()
    return hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()
