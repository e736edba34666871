"""Folders of results: only what a work of ours wrote there is ever replaced or removed.

`.photowalk.json` names every file that was written, and is written first. Anything else in the way
of a result is somebody's own: it is refused in one sentence, before anything is drawn. While a work
runs, nobody else may work in the folder.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from engine.model.claim import claimed
from engine.model.inner_files import OutsideError, own_file
from explorer.walk.files import TEMPORARY, atomic_path, replacing
from explorer.walk.journal import FORMAT as JOURNAL_FORMAT
from explorer.walk.journal import JOURNAL

MANIFEST, LOCK = ".photowalk.json", ".photowalk.lock"
#: The folder of a walk's journal in that of its results.
JOURNAL_FOLDER = "journal"
_FORMAT = "photowalk files"
#: What a journal's folder holds, once the journal is ours.
_OF_JOURNAL = re.compile(rf"{JOURNAL_FOLDER}/({re.escape(JOURNAL)}|(memory/)?\d{{6,}}\.npz)")
#: Left where a process was killed while it wrote a file (`explorer.walk.files`): in a folder that
#: is called after the file, a part with the file's suffix. Earlier versions had no word of ours in
#: the folder's name, so that the file's must be one that they wrote.
_LEFT = re.compile(
    rf"(?P<place>(.*/)?)(?P<ours>{re.escape(TEMPORARY)}|\.)"
    r"(?P<name>[^/]+(?P<suffix>\.\w+))\.[a-z0-9_]{8}/part(?P=suffix)"
)
#: Left by file managers.
_NOBODYS = re.compile(r"(.*/)?(\.DS_Store|Thumbs\.db|desktop\.ini)")
#: What versions without a manifest wrote, and the files by which their works are known.
_EARLIER = re.compile(
    r"(views|depth|regions)/\d{4,}\.png|depth/scale\.json|colmap/(cameras|images|points3D)\.txt|"
    r"(video|depth)\.mp4|points\.(ply|glb)|transforms\.json|trajectory\.txt|"
    r"(contact_sheet|first_view)\.png|(walk|clip)\.json"
)
_MARKS = {"walk.json": "photowalk walk", "clip.json": "photowalk clip"}


class ResultsError(ValueError):
    """A folder that cannot take results, since something of the user's is in their place."""


class Results:
    """A folder of results; use `results_in` for a work, which holds the folder meanwhile.

    Args:
        folder: there or not.

    Raises:
        ResultsError: its manifest is damaged.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._ours = _recorded(folder)

    def check(self, *names: str) -> None:
        """What is called so may be replaced: a file of ours, or a folder of nothing else.

        Raises:
            ResultsError: it holds something else, or is a link.
        """
        for name in names:
            for found in _held(self.folder, name):
                if not self._is_ours(found) or (self.folder / found).is_symlink():
                    raise ResultsError(
                        f"{self.folder / found} is no result of Photowalk's, and would be "
                        "replaced; choose another folder, or move it away"
                    )

    def claim(self, *names: str) -> None:
        """These files are about to be written; what is called so has been checked."""
        self._record(self._ours | set(names))

    def write(self, name: str, job: Callable[[Path], object]) -> None:
        """A file or folder that `job` writes at the path that it is given; whole or not at all.

        Raises:
            ResultsError: something else is in its place.
        """
        self.check(name)
        with replacing(self.folder / name) as temporary:
            job(temporary)
            inside = (p for p in temporary.rglob("*") if p.is_file())
            files = [f"{name}/{p.relative_to(temporary).as_posix()}" for p in inside]
            self._record(self._others(name) | set(files if temporary.is_dir() else [name]))

    def remove(self, name: str) -> None:
        """A result of an earlier work, if there is one; what is not ours stays."""
        path = self.folder / name
        try:
            self.check(name)
        except ResultsError:
            return
        if path.is_dir():
            with replacing(path) as temporary:
                temporary.mkdir()
            path.rmdir()
        else:
            path.unlink(missing_ok=True)
        self._record(self._others(name))

    def _is_ours(self, found: str) -> bool:
        of_journal = f"{JOURNAL_FOLDER}/{JOURNAL}" in self._ours and _OF_JOURNAL.fullmatch(found)
        return bool(
            found in self._ours or of_journal or _NOBODYS.fullmatch(found) or _was_left(found)
        )

    def _others(self, name: str) -> set[str]:
        return {f for f in self._ours if f != name and not f.startswith(f"{name}/")}

    def _record(self, files: set[str]) -> None:
        if files == self._ours and (self.folder / MANIFEST).exists():
            return
        document = {"format": _FORMAT, "version": 1, "files": sorted(files)}
        with atomic_path(self.folder / MANIFEST) as path:
            path.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
        self._ours = files


@contextmanager
def results_in(folder: Path, names: Sequence[str]) -> Iterator[Results]:
    """Holds a folder of results for the time of a work.

    Args:
        names: what the work will write; all of it may be replaced, or nothing is begun.

    Raises:
        ResultsError: something of the user's is in their place.
        TakenError: another process works there.
    """
    if folder.exists() and not folder.is_dir():
        raise ResultsError(f"{folder} is a file; name a folder with --out")
    with claimed(folder / LOCK, f"writing into {folder}"):
        results = Results(folder)
        results.check(*names)
        yield results


def write_result(target: Path, job: Callable[[Path], object]) -> None:
    """One file of results, into whatever folder; see `Results.write`."""
    Results(target.parent).write(target.name, job)


def _was_left(found: str) -> bool:
    """It is what a killed process of ours had written of a file."""
    left = _LEFT.fullmatch(found)
    if left is None or left["ours"] == TEMPORARY:
        return left is not None
    target = left["place"] + left["name"]
    return bool(_EARLIER.fullmatch(target) or _OF_JOURNAL.fullmatch(target))


def _recorded(folder: Path) -> set[str]:
    """What the manifest names; without one, what earlier versions wrote."""
    try:
        path = own_file(folder, MANIFEST)
        if not path.exists():
            return _of_earlier_versions(folder)
        document = json.loads(path.read_text(encoding="utf-8"))
        if document["format"] != _FORMAT:
            raise ValueError(document["format"])
        return {str(name) for name in document["files"]}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ResultsError(
            f"{folder / MANIFEST} is damaged, so nobody knows what is Photowalk's there; choose "
            "another folder"
        ) from error


def _of_earlier_versions(folder: Path) -> set[str]:
    journal = f"{JOURNAL_FOLDER}/{JOURNAL}"
    begun = _format_of(folder, journal) == JOURNAL_FORMAT
    marked = any(_format_of(folder, name) == known for name, known in _MARKS.items())
    if not (begun or marked):
        return set()
    found = {f for f in _held(folder, "") if _EARLIER.fullmatch(f)}
    return found | ({journal} if begun else set())


def _format_of(folder: Path, name: str) -> str:
    """What a JSON file, or the first line of one of lines, calls its format."""
    try:
        path = own_file(folder, name)
        with path.open("rb") as file:
            document = json.loads(file.readline() if path.suffix == ".jsonl" else file.read())
        return str(document["format"])
    except (OSError, OutsideError, ValueError, KeyError, TypeError):
        return ""


def _held(folder: Path, name: str) -> Iterable[str]:
    """Everything at or below a name that is no folder, by its path below `folder`."""
    top = folder / name
    if top.is_symlink() or not top.is_dir():
        if os.path.lexists(top):
            yield name
        return
    for place, folders, files in os.walk(top):
        links = [f for f in folders if (Path(place) / f).is_symlink()]
        for file in (*links, *files):
            yield (Path(place) / file).relative_to(folder).as_posix()
