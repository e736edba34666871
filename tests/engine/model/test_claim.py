"""One process at a time; a killed one holds nothing."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from engine.model.claim import TakenError, claimed

HOLDER = """
import sys
from pathlib import Path
from engine.model.claim import claimed
with claimed(Path(sys.argv[1]), "busy"):
    print("held", flush=True)
    sys.stdin.read()
"""


def holder(lock: Path) -> subprocess.Popen[str]:
    pipe = subprocess.PIPE
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(lock)], stdin=pipe, stdout=pipe, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def test_a_second_process_is_told_whose_it_is(tmp_path: Path) -> None:
    lock = tmp_path / "new" / "folder" / ".lock"
    with holder(lock) as process:
        who = rf"another Photowalk \(process {process.pid}, since \d\d:\d\d on .*\) is drawing"
        with pytest.raises(TakenError, match=who), claimed(lock, "drawing"):
            pass
        process.communicate("")
    with claimed(lock, "drawing"):
        assert lock.is_file()
    assert not lock.exists()


def test_a_killed_process_holds_nothing(tmp_path: Path) -> None:
    lock = tmp_path / ".lock"
    with holder(lock) as process:
        process.send_signal(signal.SIGKILL)
        process.communicate()
    assert lock.is_file()  # as the kill left it
    with claimed(lock, "drawing"), pytest.raises(TakenError), claimed(lock, "drawing"):
        pass
    assert not lock.exists()


def test_folders_that_were_made_for_nothing_go_again(tmp_path: Path) -> None:
    with pytest.raises(KeyError), claimed(tmp_path / "a" / "b" / ".lock", "drawing"):
        raise KeyError
    assert os.listdir(tmp_path) == []
    with claimed(tmp_path / "a" / "b" / ".lock", "drawing"):
        (tmp_path / "a" / "kept").touch()
    assert os.listdir(tmp_path / "a") == ["kept"]


def test_a_link_is_no_lock(tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    mine.write_text("mine")
    (tmp_path / ".lock").symlink_to(mine)
    with pytest.raises(OSError, match="symbolic links"), claimed(tmp_path / ".lock", "drawing"):
        pass
    assert mine.read_text() == "mine"


@pytest.mark.parametrize(
    "mine",
    [
        b"mine",
        b"[1, 2]",
        b"3",
        b'{"process": 3, "since": 1.5, "mine": 1}',
        b'{"process": "me", "since": 1.5}',
        b'{"process": 3}',
        b'{"process": 3, "since": 1.5}' + b" " * 2000,
        b"[" * 999,
        b"\xff\xfe",
    ],
)
def test_a_file_of_somebodys_own_is_no_lock(tmp_path: Path, mine: bytes) -> None:
    (tmp_path / ".lock").write_bytes(mine)
    sentence = r"\.lock is no lock of Photowalk's, and would be replaced; choose another folder"
    with pytest.raises(TakenError, match=sentence), claimed(tmp_path / ".lock", "drawing"):
        pass
    assert (tmp_path / ".lock").read_bytes() == mine


def test_a_pipe_is_no_lock(tmp_path: Path) -> None:
    """Nor is it waited for."""
    os.mkfifo(tmp_path / ".lock")
    with pytest.raises(TakenError, match="is no lock of"), claimed(tmp_path / ".lock", "drawing"):
        pass
    assert (tmp_path / ".lock").is_fifo()


@pytest.mark.parametrize("left", [b"", b'{"process": 3, "since": 1796104691.25}'])
def test_what_a_kill_left_is_taken(tmp_path: Path, left: bytes) -> None:
    (tmp_path / ".lock").write_bytes(left)
    with claimed(tmp_path / ".lock", "drawing"):
        assert json.loads((tmp_path / ".lock").read_bytes())["process"] == os.getpid()
    assert not (tmp_path / ".lock").exists()


def test_a_disk_without_locks_is_a_sentence(tmp_path: Path, monkeypatch) -> None:
    def no_locks(*_: object) -> None:
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr("fcntl.flock", no_locks)
    with pytest.raises(TakenError, match="knows no locks"), claimed(tmp_path / ".lock", "drawing"):
        pass
