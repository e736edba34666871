from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time

import psutil
import pytest

from engine.model.claim import TakenError
from explorer.walk.session.autosave import OWNER, AutosaveFolders


def crashed(folders: AutosaveFolders, flown, name: str):
    """A walk whose process is gone."""
    folder = folders.new(name)
    shutil.copytree(flown.folder, folder, dirs_exist_ok=True)
    (folder / OWNER).write_text(json.dumps({"pid": 2**22 + 1, "started": 1.0}))
    return folder


def test_a_crash_is_found_and_a_running_walk_is_not(flown, tmp_path) -> None:
    folders = AutosaveFolders(tmp_path / "walks")
    assert folders.left_open() == []
    left = crashed(folders, flown, "room.png")
    mine = folders.new("mine")
    shutil.copytree(flown.folder, mine, dirs_exist_ok=True)
    [found] = folders.left_open()
    assert found.folder == left
    assert (found.photo_name, found.views) == ("room.png", 3)


def test_a_walk_that_was_left_in_order_is_not_offered(flown, tmp_path) -> None:
    folders = AutosaveFolders(tmp_path / "walks")
    flown.close()
    crashed(folders, flown, "room.png")
    assert folders.left_open() == []


def test_names_never_collide_and_hold_no_odd_letters(tmp_path) -> None:
    folders = AutosaveFolders(tmp_path / "walks")
    made = {folders.new("a/b: ç?*") for _ in range(5)}
    assert len(made) == 5
    assert all(f.parent == folders.root for f in made)


def test_pruning_keeps_what_was_left_open(flown, tmp_path) -> None:
    folders = AutosaveFolders(tmp_path / "walks")
    left = crashed(folders, flown, "left")
    flown.close()
    closed = [crashed(folders, flown, f"closed {k}") for k in range(3)]
    folders.prune(keep=1)
    assert left.exists()
    assert sum(f.exists() for f in closed) == 1


def test_only_own_walks_are_discarded(flown, tmp_path) -> None:
    folders = AutosaveFolders(tmp_path / "walks")
    with pytest.raises(ValueError, match="no walk of"):
        folders.discard(flown.folder)
    left = crashed(folders, flown, "left")
    folders.discard(left)
    assert not left.exists()


def test_a_killed_process_owns_nothing_even_before_it_is_buried(flown, tmp_path) -> None:
    folders = AutosaveFolders(tmp_path / "walks")
    left = crashed(folders, flown, "room.png")
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    started = psutil.Process(process.pid).create_time()
    (left / OWNER).write_text(json.dumps({"pid": process.pid, "started": started}))
    assert folders.left_open() == []
    process.kill()
    deadline = time.monotonic() + 20
    while not folders.left_open() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert [walk.folder for walk in folders.left_open()] == [left]
    process.wait()


def test_a_walk_that_another_process_flies_is_not_opened(flown, tmp_path) -> None:
    folders = AutosaveFolders(tmp_path / "walks")
    left = crashed(folders, flown, "room.png")
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]) as process:
        started = psutil.Process(process.pid).create_time()
        (left / OWNER).write_text(json.dumps({"pid": process.pid, "started": started}))
        for taking in (folders.own, folders.discard):
            with pytest.raises(TakenError, match=f"process {process.pid}\\) is flying"):
                taking(left)
        process.kill()
    folders.own(left)
    assert folders.left_open() == []
    folders.let_go(left)
    assert [walk.folder for walk in folders.left_open()] == [left]


def test_what_somebody_put_into_a_walk_is_not_removed_with_it(flown, tmp_path) -> None:
    folders = AutosaveFolders(tmp_path / "walks")
    flown.close()
    left = crashed(folders, flown, "left")
    (left / "notes.txt").write_text("mine")
    (left / "memory").symlink_to(tmp_path)
    with pytest.raises(ValueError, match="is a link"):
        folders.discard(left)
    (left / "memory").unlink()
    folders.discard(left)
    assert [p.name for p in left.iterdir()] == ["notes.txt"]


def test_folders_that_are_no_sessions_are_left_alone(flown, tmp_path) -> None:
    """A walk of the command line lies in such a folder too, and so may a link to a session."""
    folders = AutosaveFolders(tmp_path / "walks")
    walk = crashed(folders, flown, "walk")
    (walk / "photo.npz").unlink()
    (folders.root / "link").symlink_to(flown.folder)
    assert folders.left_open() == []
    folders.prune(keep=0)
    for folder in (walk, folders.root / "link"):
        with pytest.raises(ValueError, match="no walk of"):
            folders.discard(folder)
        assert (folder / "journal.jsonl").is_file()
