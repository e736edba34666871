"""What is in a folder of results: ours may be replaced, anything else is refused and kept."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from engine.model.claim import TakenError
from explorer.walk.export import EXPORTS
from explorer.walk.files import TEMPORARY
from explorer.walk.output import WALK_RESULTS
from explorer.walk.results import MANIFEST, Results, ResultsError, results_in

MINE = "mine"


def tree(folder: Path) -> dict[str, str]:
    found = sorted(p for p in folder.rglob("*") if not p.is_dir() or p.is_symlink())
    return {p.relative_to(folder).as_posix(): p.read_text() for p in found}


def put(path: Path, text: str = MINE) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def folder_of(*names: str):
    def job(path: Path) -> None:
        path.mkdir()
        for name in names:
            (path / name).write_text("ours")

    return job


@pytest.mark.parametrize("name", [n for n in WALK_RESULTS if "." in n])
@pytest.mark.parametrize("kind", ["file", "folder", "link"])
def test_a_file_of_the_users_is_not_replaced(tmp_path: Path, name: str, kind: str) -> None:
    out = tmp_path / "out"
    if kind == "file":
        put(out / name)
    elif kind == "folder":
        put(out / name / "thing.txt")
    else:
        put(tmp_path / "elsewhere")
        out.mkdir()
        (out / name).symlink_to(tmp_path / "elsewhere")
    before = tree(tmp_path)
    with (
        pytest.raises(ResultsError, match="no result of Photowalk's, and would be replaced"),
        results_in(out, WALK_RESULTS),
    ):
        pass
    with pytest.raises(ResultsError, match="no result of Photowalk's"):
        Results(out).write(name, lambda path: path.write_text("ours"))
    Results(out).remove(name)
    assert tree(tmp_path) == before


@pytest.mark.parametrize("name", [n for n in WALK_RESULTS if "." not in n])
@pytest.mark.parametrize("inside", ["0000.png", "000001.npz", "memory/000001.npz", "a/b.txt"])
def test_a_folder_of_the_users_is_not_replaced(tmp_path: Path, name: str, inside: str) -> None:
    put(tmp_path / name / inside)
    with pytest.raises(ResultsError, match="no result of"), results_in(tmp_path, WALK_RESULTS):
        pass
    assert tree(tmp_path) == {f"{name}/{inside}": MINE}


@pytest.mark.parametrize("what", ["note.txt", "0009.png", "deep/0000.png"])
def test_a_file_of_the_users_in_a_folder_of_ours_is_not_lost(tmp_path: Path, what: str) -> None:
    with results_in(tmp_path, EXPORTS) as results:
        results.write("views", folder_of("0000.png"))
    put(tmp_path / "views" / what)
    with pytest.raises(ResultsError, match="no result of"), results_in(tmp_path, EXPORTS):
        pass
    with pytest.raises(ResultsError, match="no result of"):
        Results(tmp_path).write("views", folder_of("0000.png"))
    Results(tmp_path).remove("views")
    assert (tmp_path / "views" / what).read_text() == MINE


def test_what_is_ours_is_replaced_and_removed(tmp_path: Path) -> None:
    with results_in(tmp_path, EXPORTS) as results:
        results.write("views", folder_of("0000.png", "0001.png"))
        results.write("video.mp4", lambda path: path.write_text("one"))
    put(tmp_path / "views" / ".DS_Store", "a file manager's")
    put(tmp_path / "views" / ".photowalk-0001.png.abcd1234" / "part.png", "a kill left it")
    put(tmp_path / "views" / ".0001.png.abcd_234" / "part.png", "an earlier version's")
    put(tmp_path / "mine.txt")
    with results_in(tmp_path, EXPORTS) as results:
        results.write("views", folder_of("0000.png"))
        results.write("video.mp4", lambda path: path.write_text("two"))
    assert os.listdir(tmp_path / "views") == ["0000.png"]
    assert (tmp_path / "video.mp4").read_text() == "two"
    Results(tmp_path).remove("views")
    Results(tmp_path).remove("video.mp4")
    assert set(tree(tmp_path)) == {"mine.txt", MANIFEST}
    assert json.loads((tmp_path / MANIFEST).read_text())["files"] == []


@pytest.mark.parametrize("name", [n for n in WALK_RESULTS if "." not in n])
@pytest.mark.parametrize(
    "what",
    [
        ".backup.20241201/IMG.jpg",
        ".backup.20241201/part.png",
        ".backup.png.20241201/part.png",
        ".0001.png.abcd1234/IMG.jpg",
        ".0001.png.abcd1234/part.jpg",
        ".0001.png.abcd1234/part.png/IMG.jpg",
        ".0001.png.abcd/part.png",
        ".photowalk-0001.png.abcd1234/IMG.jpg",
        ".photowalk-0001.png.abcd1234/part.jpg",
        ".photowalk-0001.png.abcd1234/part.png/IMG.jpg",
        ".photowalk-mine/IMG.jpg",
        "deep/.DS_Store.jpg",
    ],
)
def test_what_no_kill_of_ours_left_is_not_lost(tmp_path: Path, name: str, what: str) -> None:
    """A folder's look alone makes nothing ours, and what lies beside our part is kept with it."""
    put(tmp_path / name / what)
    put(tmp_path / name / ".photowalk-0002.png.abcd1234" / "part.png", "a kill left it")
    before = tree(tmp_path)
    with pytest.raises(ResultsError, match="no result of"), results_in(tmp_path, WALK_RESULTS):
        pass
    with pytest.raises(ResultsError, match="no result of"):
        Results(tmp_path).write(name, folder_of("0000.png"))
    Results(tmp_path).remove(name)
    assert tree(tmp_path) == before


@pytest.mark.parametrize("target", ["views/0001.png", "depth/scale.json", "journal/000001.npz"])
def test_what_a_kill_leaves_is_known_as_ours(tmp_path: Path, target: str) -> None:
    """A process of ours dies while it writes, and the next work takes the place."""
    code = (
        "import os, sys\nfrom pathlib import Path\nfrom explorer.walk.files import atomic_path\n"
        "with atomic_path(Path(sys.argv[1])) as path:\n"
        "    path.write_text('half')\n    os._exit(9)\n"
    )
    assert subprocess.run([sys.executable, "-c", code, str(tmp_path / target)]).returncode == 9
    (left,) = tree(tmp_path)
    assert Path(left).parent.name.startswith(TEMPORARY)
    folder = Path(target).parts[0]
    with results_in(tmp_path, WALK_RESULTS) as results:
        results.write(folder, folder_of("0000.png"))
    assert set(tree(tmp_path)) == {f"{folder}/0000.png", MANIFEST}


def test_a_stopped_write_leaves_what_was(tmp_path: Path) -> None:
    results = Results(tmp_path)
    results.write("views", folder_of("0000.png"))

    def fail(path: Path) -> None:
        folder_of("0000.png", "0001.png")(path)
        raise RuntimeError("stop")

    with pytest.raises(RuntimeError, match="stop"):
        results.write("views", fail)
    assert set(tree(tmp_path)) == {"views/0000.png", MANIFEST}


@pytest.mark.parametrize(
    ("mark", "text"),
    [
        ("walk.json", '{"format": "photowalk walk"}'),
        ("clip.json", '{"format": "photowalk clip"}'),
        ("journal/journal.jsonl", '{"format": "photowalk journal", "version": 1}\n'),
    ],
)
def test_what_earlier_versions_left_is_ours(tmp_path: Path, mark: str, text: str) -> None:
    """They wrote no manifest; a walk of theirs is known by its files."""
    put(tmp_path / mark, text)
    for name in ("views/0000.png", "depth/scale.json", "colmap/images.txt", "video.mp4"):
        put(tmp_path / name, "ours")
    if mark.startswith("journal"):
        put(tmp_path / "journal" / "000000.npz", "ours")
        put(tmp_path / "journal" / "memory" / "000000.npz", "ours")
    with results_in(tmp_path, WALK_RESULTS) as results:
        results.write("views", folder_of("0001.png"))
    put(tmp_path / "views" / "me.jpg")
    with pytest.raises(ResultsError, match=r"me\.jpg"), results_in(tmp_path, WALK_RESULTS):
        pass


@pytest.mark.parametrize("text", ["{", "[]", '{"format": "x"}', '{"format": "photowalk files"}'])
def test_a_damaged_manifest_makes_nothing_ours(tmp_path: Path, text: str) -> None:
    put(tmp_path / MANIFEST, text)
    with pytest.raises(ResultsError, match="is damaged"), results_in(tmp_path, EXPORTS):
        pass


def test_only_one_works_in_a_folder(tmp_path: Path) -> None:
    with (
        results_in(tmp_path / "out", EXPORTS),
        pytest.raises(TakenError, match="is writing into"),
        results_in(tmp_path / "out", EXPORTS),
    ):
        pass
    with results_in(tmp_path / "out", EXPORTS):
        pass
    assert not (tmp_path / "out").exists()
