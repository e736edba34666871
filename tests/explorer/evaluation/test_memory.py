import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from rich.console import Console

from explorer.evaluation.memory import MemoryOptions, evaluate_memory
from memory.benchmark.timing import MemoryTiming


def test_growth_is_measured_on_our_memory(tmp_path: Path) -> None:
    options = MemoryOptions(tmp_path, counts=(1, 3), size=(64, 48))
    report = evaluate_memory(options, Console(quiet=True))
    assert [timing.views for timing in report.timings] == [1, 3]
    assert report.complete
    assert report.views_growth == 3.0
    assert report.growth == report.timings[1].step_ms / report.timings[0].step_ms
    stored = json.loads((tmp_path / "memory.json").read_text())
    assert stored["timings"][1]["surfels"] == report.timings[1].surfels > 0
    assert (tmp_path / "memory.png").is_file()


def test_ctrl_c_leaves_what_was_done(tmp_path: Path) -> None:
    def measure(options: MemoryOptions, folder: Path) -> Iterator[MemoryTiming]:
        yield MemoryTiming(10, 1000, 1.0, 2.0, 3.0)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        evaluate_memory(MemoryOptions(tmp_path), Console(quiet=True), measure)
    stored = json.loads((tmp_path / "memory.json").read_text())
    assert stored["complete"] is False
    assert stored["timings"][0]["retrieve_ms"] == 2.0


@pytest.mark.parametrize("counts", [(), (0, 10), (10, 10), (100, 10)])
def test_counts_must_rise(tmp_path: Path, counts: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="rise"):
        MemoryOptions(tmp_path, counts=counts)
