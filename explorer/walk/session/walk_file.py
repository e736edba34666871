"""`.photowalk` files: one zip of a session's folder: JSON lines and npz arrays, no pickle."""

from __future__ import annotations

import re
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path

from engine.model.inner_files import own_file
from explorer.walk.files import atomic_path
from explorer.walk.journal import JOURNAL, JournalError, read_journal
from explorer.walk.session.photo_file import PHOTO, read_photo

SUFFIX = ".photowalk"
#: What may be in a walk file; anything else makes it another kind of zip.
_MEMBER = re.compile(rf"{re.escape(JOURNAL)}|{re.escape(PHOTO)}|\d{{6,}}\.npz")
#: A member may not be larger than this when unpacked, nor more than this many times its size in
#: the zip; npz arrays are compressed already.
_LARGEST, _WORST_RATIO = 1 << 30, 200


class WalkFileError(ValueError):
    """A file that is no walk, or a damaged one; one sentence."""


def save_walk_file(
    session_folder: Path, target: Path, progress: Callable[[int, int], None] | None = None
) -> None:
    """Packs a session; `target` appears whole or not at all.

    What is recorded while this runs is not in the file, and does not harm it: the list of events
    is read first, and it names only what is whole.

    Args:
        progress: told how many files of how many are packed.

    Raises:
        JournalError: the session cannot be read.
        OutsideError: the session's folder holds a link where a file should be.
        OSError: the file cannot be written.
    """
    journal = read_journal(session_folder)
    events = (session_folder / JOURNAL).read_bytes()[: journal.length]
    arrays = [e[k] for e in journal.nodes for k in ("file", "depth_file") if k in e]
    with (
        atomic_path(target) as path,
        zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive,
    ):
        archive.writestr(JOURNAL, events, zipfile.ZIP_DEFLATED)
        for done, name in enumerate([PHOTO, *arrays]):
            archive.write(own_file(session_folder, name), name)
            if progress is not None:
                progress(done + 1, len(arrays) + 1)


def open_walk_file(path: Path, into: Path) -> Path:
    """Unpacks a walk file into a folder, and returns that.

    Raises:
        WalkFileError: it is no walk file, or damaged; nothing is left behind.
    """
    if not path.is_file():
        raise WalkFileError(f"there is no file {path}")
    into.mkdir(parents=True, exist_ok=True)
    try:
        with zipfile.ZipFile(path) as archive:
            for member in archive.infolist():
                _check(member, path)
                archive.extract(member, into)
        read_journal(into)
        read_photo(into)
    except (zipfile.BadZipFile, EOFError, RuntimeError) as error:
        shutil.rmtree(into, ignore_errors=True)
        raise WalkFileError(f"{path.name} is damaged, or no walk file") from error
    except JournalError as error:
        shutil.rmtree(into, ignore_errors=True)
        raise WalkFileError(f"{path.name} holds no whole walk: {error}") from error
    except WalkFileError:
        shutil.rmtree(into, ignore_errors=True)
        raise
    return into


def _check(member: zipfile.ZipInfo, path: Path) -> None:
    if not _MEMBER.fullmatch(member.filename):
        raise WalkFileError(f"{path.name} is no walk file: it holds {member.filename[:60]!r}")
    ratio = member.file_size / max(member.compress_size, 1)
    if member.file_size > _LARGEST or ratio > _WORST_RATIO:
        raise WalkFileError(f"{path.name} would unpack to something far too large")
