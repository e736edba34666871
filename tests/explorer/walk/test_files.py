import os

import pytest

from explorer.walk.files import atomic_folder, atomic_path


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


def test_a_folder_is_replaced_as_one(tmp_path):
    target = tmp_path / "views"
    target.mkdir()
    (target / "stale").write_text("old")

    def fail():
        with atomic_folder(target) as folder:
            (folder / "a").write_text("1")
            raise RuntimeError("stop")

    with pytest.raises(RuntimeError, match="stop"):
        fail()
    assert os.listdir(target) == ["stale"]
    with atomic_folder(target) as folder:
        (folder / "deep").mkdir()
        (folder / "deep" / "a").write_text("1")
        assert os.listdir(target) == ["stale"]
    assert os.listdir(target) == ["deep"]
    assert (target / "deep" / "a").read_text() == "1"
    assert os.listdir(tmp_path) == ["views"]


def test_new_files_have_usual_rights(tmp_path):
    (tmp_path / "plain").write_text("")
    with atomic_path(tmp_path / "a") as path:
        path.write_text("")
    assert (tmp_path / "a").stat().st_mode == (tmp_path / "plain").stat().st_mode
