import os

import pytest

from explorer.walk.files import atomic_folder, atomic_path, empty_cache, replacing


def test_a_file_appears_whole(tmp_path):
    target = tmp_path / "new" / "a.tar.gz"
    with atomic_path(target) as path:
        assert path.suffix == ".gz"
        path.write_text("half")
        assert not target.exists()
        path.write_text("whole")
    assert target.read_text() == "whole"
    assert os.listdir(target.parent) == ["a.tar.gz"]


def test_an_older_file_is_replaced_or_kept(tmp_path):
    target = tmp_path / "a.txt"
    target.write_text("old")

    def fail():
        with atomic_path(target) as path:
            path.write_text("new")
            raise RuntimeError("stop")

    with pytest.raises(RuntimeError, match="stop"):
        fail()
    assert target.read_text() == "old"
    with atomic_path(target) as path:
        path.write_text("new")
    assert target.read_text() == "new"
    assert os.listdir(tmp_path) == ["a.txt"]


def test_forgetting_to_write_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError), atomic_path(tmp_path / "a"):
        pass
    assert os.listdir(tmp_path) == []


def test_a_folder_appears_whole_and_replaces_nothing(tmp_path):
    target = tmp_path / "views"

    def fail():
        with atomic_folder(target) as folder:
            (folder / "a").write_text("1")
            raise RuntimeError("stop")

    with pytest.raises(RuntimeError, match="stop"):
        fail()
    assert os.listdir(tmp_path) == []
    with atomic_folder(target) as folder:
        (folder / "deep").mkdir()
        (folder / "deep" / "a").write_text("1")
        assert not target.exists()
    assert (target / "deep" / "a").read_text() == "1"
    with pytest.raises(OSError, match="not empty"), atomic_folder(target):
        pass
    assert os.listdir(tmp_path) == ["views"]
    assert os.listdir(target) == ["deep"]


def test_what_is_replaced_is_replaced_as_one(tmp_path):
    target = tmp_path / "views"
    target.mkdir()
    (target / "stale").write_text("old")

    def fail():
        with replacing(target) as folder:
            folder.mkdir()
            raise RuntimeError("stop")

    with pytest.raises(RuntimeError, match="stop"):
        fail()
    assert os.listdir(target) == ["stale"]
    with replacing(target) as folder:
        folder.mkdir()
        (folder / "a").write_text("1")
        assert os.listdir(target) == ["stale"]
    assert os.listdir(target) == ["a"]
    assert os.listdir(tmp_path) == ["views"]


@pytest.mark.parametrize("inside", ["link", "folder"])
def test_a_cache_that_is_not_ours_is_left_alone(tmp_path, inside):
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "000001.npz").write_text("mine")
    (mine / "notes.txt").write_text("mine")
    cache = tmp_path / "memory"
    if inside == "link":
        cache.symlink_to(mine)
        with pytest.raises(ValueError, match="is a link"):
            empty_cache(cache)
        assert sorted(os.listdir(mine)) == ["000001.npz", "notes.txt"]
    else:
        empty_cache(mine)
        assert os.listdir(mine) == ["notes.txt"]


def test_new_files_have_usual_rights(tmp_path):
    (tmp_path / "plain").write_text("")
    with atomic_path(tmp_path / "a") as path:
        path.write_text("")
    assert (tmp_path / "a").stat().st_mode == (tmp_path / "plain").stat().st_mode
