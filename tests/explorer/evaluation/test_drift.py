"""Laps through the same cameras."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from rich.console import Console

from explorer.evaluation.drift import (
    DriftOptions,
    LapRow,
    camera_of,
    evaluate_drift,
    fall_per_lap,
    judge_laps,
)
from explorer.evaluation.methods import main_method
from explorer.evaluation.scenes import Scene, Way
from explorer.evaluation.world_scenes import WorldSource


class BoxLaps:
    """Two cameras out and back, `laps` times, beside a box."""

    def __init__(self, boxes: Any) -> None:
        self.boxes = boxes

    def laps(self, index: int, laps: int) -> Scene:
        a, b, c = (self.boxes.view(self.boxes.camera(x=0.1 * k)) for k in range(3))
        ways = (Way.OUT, Way.OUT, Way.BACK, Way.BACK) * laps
        return Scene(f"boxes-{index}", "", a, (b, c, b, a) * laps, ways)


class Fading:
    """The painter, but every lap is darker than the one before."""

    description = "fading"

    def __init__(self, painter: Any, views: int, loss: float) -> None:
        self.painter, self.views, self.loss = painter, views, loss

    def draw(self, scene: Scene, *rest: Any) -> Any:
        trace = self.painter.draw(scene, *rest)
        darker = []
        for index, drawn in enumerate(trace.views):
            factor = 1 - self.loss * (index // (2 * self.views))
            rgb = (scene.views[index].rgb * factor).astype(np.uint8)
            darker.append(replace(drawn, final=rgb, raw=rgb))
        return replace(trace, views=tuple(darker))


@pytest.mark.parametrize(("index", "camera"), [(0, 1), (1, 2), (2, 1), (3, 0), (4, 1), (7, 0)])
def test_cameras_of_a_walk_in_laps(index: int, camera: int) -> None:
    assert camera_of(index, 2) == camera


def test_a_fading_walk_is_noticed(tmp_path: Path, boxes: Any, painter: Any) -> None:
    console = Console(record=True, quiet=True, width=200)
    options = DriftOptions(tmp_path, views=2, laps=3, count=2)
    report = evaluate_drift(options, console, Fading(painter, 2, 0.1), BoxLaps(boxes))
    rows = {(r.lap, r.way): r for r in report.rows if r.picture == "final"}
    assert len(report.rows) == 2 * 3 * 2
    assert rows[1, "back"].brightness == pytest.approx(1.0, abs=0.01)
    assert rows[3, "back"].brightness == pytest.approx(0.8, abs=0.01)
    assert rows[3, "out"].gradient == pytest.approx(0.64, abs=0.03)
    assert np.isnan(rows[1, "out"].revisit_psnr)
    assert rows[1, "back"].revisit_psnr > rows[2, "back"].revisit_psnr + 10
    assert report.fall["raw"] > 5
    stored = json.loads((tmp_path / "drift.json").read_text())
    assert stored["complete"]
    assert len(stored["records"]) == 2 * 9 * 2, "of both pictures, without the photo's camera"
    for name in ("drift.png", "boxes-0.png", "boxes-1.png"):
        with Image.open(tmp_path / name) as picture:
            assert picture.width > 400


def test_laps_at_the_pictures_size(tmp_path: Path, large: Any, sharp_painter: Any) -> None:
    sizes: dict[str, Any] = {"size": (320, 192), "model_size": (160, 96)}
    options = DriftOptions(tmp_path, views=2, laps=1, count=1, **sizes)
    report = evaluate_drift(options, Console(quiet=True), sharp_painter, BoxLaps(large))
    rows = {(r.picture, r.way): r for r in report.rows}
    assert rows["final", "out"].psnr > 40
    assert rows["final", "out"].gradient == pytest.approx(1.0, abs=0.05)
    # Raw pictures are held to the truth at the model's size, which they have.
    assert rows["raw", "out"].psnr > 20
    (found,) = report.returns
    assert found.views == 4
    assert 0 < found.most < 20, "the painter's noise, in the large photo"
    assert found.psnr > 40
    with Image.open(tmp_path / "boxes-0.png") as picture:
        assert picture.width > 2 * 320


def test_a_steady_walk_is_steady(boxes: Any, painter: Any) -> None:
    scene = BoxLaps(boxes).laps(0, 2)
    settings = main_method(0).settings
    trace = Fading(painter, 2, 0.0).draw(scene, settings, None, lambda _: None)
    records = judge_laps(scene, trace, 2)
    assert {r.revisit_psnr for r in records if r.index >= 2} == {60.0}
    assert all(r.brightness == pytest.approx(1.0, abs=1e-3) for r in records)


def test_the_fall_is_the_slope_of_the_ways_back() -> None:
    rows = [LapRow("raw", lap, "back", 20, 30 - 0.4 * lap, 1, 1) for lap in range(1, 6)]
    rows += [LapRow("raw", 1, "out", 20, float("nan"), 1, 1)]
    assert fall_per_lap(rows) == pytest.approx(0.4)
    assert np.isnan(fall_per_lap(rows[:1]))


def test_laps_of_a_rendered_world_pass_the_same_cameras() -> None:
    scene = WorldSource(3, 3, (64, 48)).laps(0, 2)
    assert len(scene.views) == 12
    assert scene.ways == ((Way.OUT,) * 3 + (Way.BACK,) * 3) * 2
    for index, view in enumerate(scene.views):
        again = scene.views[(index + 6) % 12]
        np.testing.assert_array_equal(view.rgb, again.rgb)
    np.testing.assert_array_equal(scene.views[5].rgb, scene.photo.rgb)
    positions = [v.camera.position for v in (scene.photo, *scene.views[:3])]
    assert np.linalg.norm(np.diff(positions, axis=0), axis=1).min() > 1e-3


def test_nothing_to_walk_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="at least one"):
        DriftOptions(tmp_path, laps=0)
