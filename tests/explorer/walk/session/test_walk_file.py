from __future__ import annotations

import json
import os
import zipfile
from dataclasses import replace

import numpy as np
import pytest

from engine.queries import finish
from explorer.walk.journal import JOURNAL, JournalError, read_journal
from explorer.walk.session.photo_file import PHOTO, read_photo, write_photo
from explorer.walk.session.session import Session
from explorer.walk.session.walk_file import WalkFileError, open_walk_file, save_walk_file


def test_a_saved_walk_opens_elsewhere_with_all_its_views(flown, tmp_path, engine) -> None:
    told = []
    target = tmp_path / "walk.photowalk"
    save_walk_file(flown.folder, target, lambda done, total: told.append((done, total)))
    assert told[-1] == (5, 5)
    again = finish(Session.open(open_walk_file(target, tmp_path / "in"), engine))
    assert [n.id for n in again.nodes] == [0, 1, 2, 3]
    assert np.array_equal(again.read(3).view.rgb, flown.read(3).view.rgb)
    assert again.photo.source_name == flown.photo.source_name


def test_the_photo_travels_at_both_sizes(flown, tmp_path, engine) -> None:
    picture = np.random.default_rng(0).integers(0, 256, (150, 270, 3), np.uint8)
    photo = replace(flown.photo, picture=picture)
    made = Session.create(tmp_path / "made", photo, engine, flown.settings)
    finish(made.start())
    save_walk_file(made.folder, tmp_path / "w.photowalk")
    again = finish(Session.open(open_walk_file(tmp_path / "w.photowalk", tmp_path / "in"), engine))
    assert np.array_equal(again.photo.picture, picture)
    assert again.photo.picture_size == (270, 150)
    assert np.array_equal(again.photo.rgb, photo.rgb)


def test_a_photo_of_an_earlier_version_has_one_size(flown, tmp_path) -> None:
    """As they wrote it: without a picture, by numpy's own function."""
    write_photo(tmp_path, flown.photo)
    with np.load(tmp_path / PHOTO) as arrays:
        assert set(arrays.files) == {"rgb", "about"}
        np.savez_compressed(tmp_path / PHOTO, **{k: arrays[k] for k in arrays.files})
    photo = read_photo(tmp_path)
    assert photo.picture is None
    assert photo.picture_size == (photo.width, photo.height)


def test_what_comes_while_it_is_saved_does_no_harm(flown, tmp_path, start, engine) -> None:
    journal = flown.folder / "journal.jsonl"
    with journal.open("ab") as file:
        file.write(b'{"event": "view", "fi')
    save_walk_file(flown.folder, tmp_path / "w.photowalk")
    again = finish(Session.open(open_walk_file(tmp_path / "w.photowalk", tmp_path / "in"), engine))
    assert len(again.nodes) == 4


@pytest.mark.parametrize("name", ["../evil.npz", "run.py", "/etc/passwd", "a/000001.npz"])
def test_other_zips_are_refused_and_leave_nothing(tmp_path, name) -> None:
    path = tmp_path / "bad.photowalk"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(name, b"x")
    with pytest.raises(WalkFileError, match="no walk file"):
        open_walk_file(path, tmp_path / "in")
    assert not (tmp_path / "in").exists()
    assert not (tmp_path / "evil.npz").exists()


def test_a_bomb_is_refused(tmp_path) -> None:
    path = tmp_path / "bomb.photowalk"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("000001.npz", bytes(10_000_000))
    with pytest.raises(WalkFileError, match="far too large"):
        open_walk_file(path, tmp_path / "in")


def test_a_torn_file_says_so(flown, tmp_path) -> None:
    whole = tmp_path / "w.photowalk"
    save_walk_file(flown.folder, whole)
    torn = tmp_path / "torn.photowalk"
    torn.write_bytes(whole.read_bytes()[:-200])
    with pytest.raises(WalkFileError, match=r"damaged|no walk file"):
        open_walk_file(torn, tmp_path / "in")
    with pytest.raises(WalkFileError, match="no file"):
        open_walk_file(tmp_path / "none.photowalk", tmp_path / "in")


def renamed(folder, key: str, name: str) -> None:
    """The journal's last view says that its arrays are in another file."""
    journal = folder / JOURNAL
    lines = journal.read_text().splitlines()
    event = json.loads(lines[-1])
    if key == "depth_file":
        event = {"event": "depth", "node": 1, "file": event["file"]}
        lines.append("")
    lines[-1] = json.dumps(event | {"file": name})
    journal.write_text("\n".join(lines) + "\n")


@pytest.mark.parametrize("key", ["file", "depth_file"])
@pytest.mark.parametrize("up", ["{}", "../secret.npz", "a/../../secret.npz", "..", "", "a\\b"])
def test_a_journal_that_names_a_file_outside_is_refused(flown, tmp_path, engine, key, up) -> None:
    """Nothing of it is read, and nothing of it gets into what is saved."""
    secret = tmp_path / "secret.npz"
    secret.write_bytes(b"mine")
    renamed(flown.folder, key, up.format(secret))
    with pytest.raises(JournalError, match="no file of its walk"):
        finish(Session.open(flown.folder, engine))
    with pytest.raises(JournalError, match="no file of its walk"):
        save_walk_file(flown.folder, tmp_path / "w.photowalk")
    with zipfile.ZipFile(tmp_path / "crafted.photowalk", "w") as archive:
        for name in (JOURNAL, "photo.npz"):
            archive.write(flown.folder / name, name)
    with pytest.raises(WalkFileError, match="no file of its walk"):
        open_walk_file(tmp_path / "crafted.photowalk", tmp_path / "in")
    assert not (tmp_path / "in").exists()


@pytest.mark.parametrize("name", [JOURNAL, "photo.npz", "arrays"])
@pytest.mark.parametrize("kind", ["link", "pipe"])
def test_links_and_pipes_in_a_walk_are_not_followed(flown, tmp_path, engine, name, kind) -> None:
    """A pipe would wait for ever."""
    arrays = read_journal(flown.folder).nodes[1]["file"]
    path = flown.folder / (arrays if name == "arrays" else name)
    moved = path.rename(tmp_path / path.name)
    path.symlink_to(moved) if kind == "link" else os.mkfifo(path)
    target = tmp_path / "w.photowalk"
    with pytest.raises(ValueError, match="is a link, or no plain file"):
        finish(Session.open(flown.folder, engine))
    with pytest.raises(ValueError, match="is a link, or no plain file"):
        save_walk_file(flown.folder, target)
    assert not target.exists()
