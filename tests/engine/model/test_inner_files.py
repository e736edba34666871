"""Names that documents state: inside their folder, or refused."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from engine.model.inner_files import OutsideError, inner_name, own_file, plain_name

OUTSIDE = [
    *("", ".", "..", "/etc/passwd", "../a", "a/../b", "a/../../b", "a//b", "./a", "a/"),
    *("C:\\a", "C:a", "\\\\host\\a", "a\x00b", "a\nb", "a" * 2000, None, 3, ["a"], b"a"),
]


@pytest.mark.parametrize("name", OUTSIDE)
def test_what_leads_out_is_refused(tmp_path: Path, name: object) -> None:
    for check in (inner_name, plain_name, lambda n: own_file(tmp_path, n)):
        with pytest.raises(OutsideError):
            check(name)


@pytest.mark.parametrize("name", ["a", "000001.npz", "...", "-a b.ü", ".hidden"])
def test_plain_names_are_as_they_were(name: str) -> None:
    assert plain_name(name) == name
    assert inner_name(f"rgb/{name}") == f"rgb/{name}"
    with pytest.raises(OutsideError, match="plain"):
        plain_name(f"rgb/{name}")


def test_a_file_of_the_folder_is_a_plain_one(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    (folder / "deep").mkdir(parents=True)
    (folder / "deep" / "a").touch()
    assert own_file(folder, "deep/a") == folder / "deep" / "a"
    assert own_file(folder, "deep/new/b") == folder / "deep" / "new" / "b"
    (tmp_path / "b").touch()
    (folder / "link").symlink_to(tmp_path / "b")
    (folder / "loose").symlink_to(tmp_path / "none")
    (folder / "linked").symlink_to(folder / "deep")
    os.mkfifo(folder / "pipe")
    for name in ("link", "loose", "linked/a", "pipe", "deep"):
        with pytest.raises(OutsideError, match="link, or no plain"):
            own_file(folder, name)
