"""Names of files that a document states: inside its folder, or refused.

A journal, an index of weights, a list of a download: each names files beside itself, and whoever
wrote it may have written anything. A name is checked where the document is read, once; a file is
checked where it is opened, since another may have come into its place.
"""

from __future__ import annotations

import re
import stat
from pathlib import Path, PurePosixPath

#: Drives and streams of Windows, its other slash, and what no file's name holds.
_UNUSUAL = re.compile(r"[\\:\x00-\x1f]")


class OutsideError(ValueError):
    """A name that leads out of its folder, or to something that is no plain file of it."""


def inner_name(name: object) -> str:
    """A path below a folder, with slashes, as it was given.

    Raises:
        OutsideError: it is no text, absolute, or leads out of the folder.
    """
    if not isinstance(name, str) or not name or len(name) > 1024 or _UNUSUAL.search(name):
        raise OutsideError(f"{str(name)[:80]!r} is no name of a file")
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or str(path) != name or name == ".":
        raise OutsideError(f"{name[:80]!r} leads out of its folder")
    return name


def plain_name(name: object) -> str:
    """As `inner_name`, of a file that lies in the folder itself."""
    if "/" in inner_name(name):
        raise OutsideError(f"{str(name)[:80]!r} is no plain name of a file")
    return str(name)


def own_file(folder: Path, name: str) -> Path:
    """A file of the folder, there or not; never a link, a pipe, a device or a folder.

    Raises:
        OutsideError: it is one of those, or the name leads out of the folder.
        OSError: it cannot be looked at.
    """
    path = folder
    parts = PurePosixPath(inner_name(name)).parts
    for place, part in enumerate(parts):
        path = path / part
        try:
            mode = path.lstat().st_mode
        except FileNotFoundError:
            return folder.joinpath(*parts)
        whole = place == len(parts) - 1
        if not (stat.S_ISREG(mode) if whole else stat.S_ISDIR(mode)):
            raise OutsideError(f"{path} is a link, or no plain {'file' if whole else 'folder'}")
    return path
