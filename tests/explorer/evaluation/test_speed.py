import io
import json
import time
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import pytest
import torch
from rich.console import Console

from explorer.evaluation.drive import FILES
from explorer.evaluation.peak_memory import PeakMemory
from explorer.evaluation.speed import SpeedOptions, evaluate_speed, part_times
from explorer.evaluation.traces import DrawnPictures


def drawn(**seconds: float) -> DrawnPictures:
    picture = np.zeros((4, 4, 3), np.uint8)
    return DrawnPictures(picture, picture, None, MappingProxyType(seconds))


def test_parts_are_medians_and_shares_add_up() -> None:
    views = (drawn(view=0.2, warp=0.1), drawn(view=0.4, warp=0.1), drawn(view=0.3, warp=0.9))
    parts = part_times(views)
    assert [part.part for part in parts] == ["view", "warp"]
    assert [part.seconds for part in parts] == pytest.approx([0.3, 0.1])
    assert sum(part.share for part in parts) == pytest.approx(1.0)


def test_a_part_that_most_views_skip_costs_its_median() -> None:
    (view, depth) = part_times((drawn(view=0.2), drawn(view=0.2), drawn(view=0.2, depth=0.5)))
    assert (view.part, depth.seconds) == ("view", 0.0)


def test_peak_memory_sees_what_is_gone_again() -> None:
    with PeakMemory() as peak:
        before = peak.bytes
        torch.ones(20_000_000).sum()
        held = np.ones(20_000_000)  # 160 MB
        peak_inside = held.nbytes
        time.sleep(0.1)
        del held
    assert peak.bytes - before > 0.6 * peak_inside


def test_speed_of_a_walk(tmp_path: Path, painter: Any) -> None:
    class Source:
        def scene(self, index: int) -> Any:
            return painter.boxes.walk(frames=5)

    options = SpeedOptions(tmp_path, views=3, warm_up=1, device="cpu", model_size=(160, 96))
    report = evaluate_speed(options, Console(quiet=True), painter, lambda drawn, size: Source())
    (row,) = report.rows
    assert report.complete
    assert (row.width, row.height, row.model_width, row.model_height) == (160, 96, 160, 96)
    assert row.seconds_with_files == row.seconds, "no files were written"
    assert (row.device, row.views) == ("cpu", 3)
    assert row.views_per_second == pytest.approx(1 / row.seconds)
    assert row.slow_seconds >= row.seconds > 0
    assert row.start_seconds >= 0
    assert row.peak_memory_bytes > 1e8
    assert {part.part for part in row.parts} == {"view", "depth"}
    assert json.loads((tmp_path / "speed.json").read_text())["complete"] is True


def test_speed_at_the_pictures_size(tmp_path: Path, sharp_painter: Any) -> None:
    asked = []

    class Source:
        def scene(self, index: int) -> Any:
            return sharp_painter.large.walk(frames=5)

    def source(drawn: int, size: tuple[int, int]) -> Source:
        asked.append((drawn, size))
        return Source()

    sizes: dict[str, Any] = {"size": (320, 192), "model_size": (160, 96)}
    options = SpeedOptions(tmp_path, views=3, warm_up=1, device="cpu", **sizes)
    console = Console(record=True, width=200, file=io.StringIO())
    report = evaluate_speed(options, console, sharp_painter, source)
    (row,) = report.rows
    assert asked == [(4, (320, 192))]
    assert (row.width, row.height, row.model_width, row.model_height) == (320, 192, 160, 96)
    assert "cpu 320x192, model 160x96" in console.export_text()


def test_files_are_no_part_of_the_time_without_them(tmp_path: Path, painter: Any) -> None:
    class Recording:
        """A painter that is slow at its files, as it says."""

        description = "recording"

        def draw(self, scene: Any, settings: Any, scale: Any, on_views: Any) -> Any:
            trace = painter.draw(scene, settings, scale, lambda _: None)
            on_views(0)
            for _ in trace.views:
                time.sleep(0.03)
                on_views(1)
            views = [replace(v, seconds={**v.seconds, FILES: 0.02}) for v in trace.views]
            return replace(trace, views=tuple(views))

    class Source:
        def scene(self, index: int) -> Any:
            return painter.boxes.walk(frames=4)

    options = SpeedOptions(tmp_path, views=2, warm_up=1, device="cpu", model_size=(160, 96))
    report = evaluate_speed(options, Console(quiet=True), Recording(), lambda drawn, size: Source())
    (row,) = report.rows
    assert row.seconds_with_files - row.seconds == pytest.approx(0.02)
    assert {part.part: part.seconds for part in row.parts}[FILES] == 0.02


def test_sizes_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="is less than --model-size 256x144"):
        SpeedOptions(tmp_path, size=(128, 72))


def test_devices_that_are_not_there_are_named(tmp_path: Path, painter: Any) -> None:
    with pytest.raises(ValueError, match="choose auto"):
        evaluate_speed(SpeedOptions(tmp_path, device="toaster"), Console(quiet=True), painter)
