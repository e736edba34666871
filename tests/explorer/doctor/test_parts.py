"""Weights are verified against a list; every way in which they can be wrong is named."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from explorer.doctor.findings import Verdict
from explorer.doctor.parts import (
    HASH_LIST,
    HashListError,
    assets_folder,
    check_heic,
    check_video,
    check_weights,
    read_hash_list,
)


@pytest.fixture
def published(tmp_path: Path) -> Path:
    """A folder with two weights files and their list, as it would be shipped."""
    lines = []
    for name in ("codec.safetensors", "walker.safetensors"):
        content = name.encode() * 100
        (tmp_path / name).write_bytes(content)
        lines.append(f"{hashlib.sha256(content).hexdigest()}  {name}")
    (tmp_path / HASH_LIST).write_text("\n".join(lines) + "\n")
    return tmp_path


def test_published_weights_are_good(published: Path) -> None:
    finding = check_weights(published)
    assert finding.verdict is Verdict.GOOD
    assert finding.facts["files"] == ["codec.safetensors", "walker.safetensors"]


def test_one_changed_byte_is_a_problem(published: Path) -> None:
    weights = published / "codec.safetensors"
    weights.write_bytes(b"X" + weights.read_bytes()[1:])
    finding = check_weights(published)
    assert finding.verdict is Verdict.PROBLEM
    assert finding.facts["faults"] == ["codec.safetensors differs from what was published"]


def test_a_missing_file_is_a_problem(published: Path) -> None:
    (published / "walker.safetensors").unlink()
    assert check_weights(published).facts["faults"] == ["walker.safetensors is missing"]


def test_a_file_that_nobody_published_is_a_problem(published: Path) -> None:
    (published / "extra.safetensors").write_bytes(b"?")
    (fault,) = check_weights(published).facts["faults"]
    assert "extra.safetensors is not listed" in fault


def test_no_weights_at_all_is_a_problem(tmp_path: Path) -> None:
    assert check_weights(tmp_path).verdict is Verdict.PROBLEM


def test_no_list_is_a_problem(published: Path) -> None:
    (published / HASH_LIST).unlink()
    (fault,) = check_weights(published).facts["faults"]
    assert "is missing" in fault


@pytest.mark.parametrize("line", ["abc  name", "0" * 64, f"{'0' * 64}  ../name", "hello"])
def test_a_broken_list_names_its_line(tmp_path: Path, line: str) -> None:
    path = tmp_path / HASH_LIST
    path.write_text(f"{'a' * 64}  good.safetensors\n{line}\n")
    with pytest.raises(HashListError, match="line 2"):
        read_hash_list(path)


def test_binary_marks_of_sha256sum_are_understood(tmp_path: Path) -> None:
    path = tmp_path / HASH_LIST
    path.write_text(f"{'A' * 64} *walker.safetensors\n\n")
    assert read_hash_list(path) == {"walker.safetensors": "a" * 64}


def test_the_shipped_weights_are_the_published_ones() -> None:
    assert check_weights(assets_folder()).verdict is Verdict.GOOD


def test_the_installed_video_encoder_and_heic_reader_are_found() -> None:
    assert check_video().verdict is Verdict.GOOD
    assert check_heic().verdict is Verdict.GOOD
