"""What is said about the speed follows from the seconds; only real weights are timed."""

from __future__ import annotations

from pathlib import Path

import pytest

from explorer.doctor.findings import Verdict
from explorer.doctor.parts import assets_folder
from explorer.doctor.speed import Pace, describe_pace, sample_photo, time_views


def test_a_fast_machine_is_good() -> None:
    finding = describe_pace(Pace("cpu", 256, 144, start=1.0, view=0.5))
    assert finding.verdict is Verdict.GOOD
    assert "0.50 s per view" in finding.text
    assert "about 17 s" in finding.text


def test_both_sizes_are_told() -> None:
    finding = describe_pace(Pace("cpu", 256, 144, 1.0, 0.5, (1280, 720)))
    assert "at 256x144 for pictures of 1280x720 on the CPU" in finding.text
    assert finding.facts["picture"] == [1280, 720]


def test_a_slow_machine_is_told_what_helps() -> None:
    finding = describe_pace(Pace("cpu", 256, 144, start=5.0, view=6.0))
    assert finding.verdict is Verdict.NOTE
    assert "about 3 minutes" in finding.text
    assert "--depth-every" in finding.text


def test_the_gpu_is_named() -> None:
    assert "on the GPU" in describe_pace(Pace("cuda:0", 256, 144, 1.0, 0.1)).text


def test_without_a_sample_nothing_is_claimed(tmp_path: Path) -> None:
    finding = time_views(tmp_path).finding
    assert "Not measured" in finding.text
    assert finding.facts == {}


def test_the_shipped_weights_are_timed() -> None:
    assert sample_photo(assets_folder()) is not None
    finding = time_views(assets_folder()).finding
    assert finding.facts["view_seconds"] > 0
    assert finding.facts["width"] % 16 == 0


@pytest.mark.parametrize("name", ["b.png", "a.png"])
def test_the_first_sample_by_name_is_taken(tmp_path: Path, name: str) -> None:
    (tmp_path / "samples").mkdir()
    for file in ("a.png", name):
        (tmp_path / "samples" / file).touch()
    assert sample_photo(tmp_path) == tmp_path / "samples" / "a.png"
