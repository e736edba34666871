import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from rich.console import Console

from explorer.evaluation.baselines import REPEAT_PHOTO, WARP_AND_TELEA
from explorer.evaluation.scenes import Scene
from explorer.evaluation.worlds import evaluate_worlds
from explorer.evaluation.worlds_report import WorldsOptions


class BoxSource:
    def __init__(self, boxes: Any) -> None:
        self.boxes = boxes

    def scene(self, index: int) -> Scene:
        scene: Scene = self.boxes.walk(frames=4, step=0.2 + 0.05 * index, name=f"world-{index:04d}")
        return scene


@pytest.fixture
def quiet() -> Console:
    return Console(record=True, quiet=True, width=200)


def test_all_tables_of_two_worlds(tmp_path: Path, boxes: Any, painter: Any, quiet: Console) -> None:
    options = WorldsOptions(tmp_path, views=3, count=2, switches=1, seeds=1, steps=1, sheets=1)
    report = evaluate_worlds(options, quiet, painter, BoxSource(boxes))
    assert report.complete
    assert painter.draws == 2 + 7 + 1 + 8

    main = {(s.method, s.picture): s for s in report.main}
    final, telea = main["walk", "final"], main[WARP_AND_TELEA, "baseline"]
    assert (final.scenes, final.views) == (2, 6)
    assert final.psnr > telea.psnr > main[REPEAT_PHOTO, "baseline"].psnr
    assert final.ssim > main["walk", "raw"].ssim > 0.8
    # The painter's holes are the truth with noise; Telea's are smooth.
    assert final.hole_gradient > 1.0 > telea.hole_gradient
    # It looks like the truth, with noise in holes; the repeated photo stands elsewhere.
    repeated = main[REPEAT_PHOTO, "baseline"]
    assert final.distance < telea.distance < repeated.distance
    assert 0 < final.hole_distance_out < 4
    assert final.kernel_distance is None  # six pictures are too few
    by_measure = {(c.method, c.baseline, c.measure): c for c in report.comparisons}
    assert by_measure["walk (final)", REPEAT_PHOTO, "distance"].wins == 2

    by_picture = {v.picture: v for v in report.verdicts}
    assert by_picture["final"].ssim
    assert by_picture["final"].holes

    poses = {p.method: p for p in report.poses}
    assert poses["walk"].rotation_degrees_median < 0.2
    assert poses[REPEAT_PHOTO].translation_median > 10 * poses["walk"].translation_median
    depths = {d.which: d for d in report.depths}
    assert depths["photo"].by_scale.abs_rel < 0.01
    assert depths["walk"].by_walk_scale.delta1 > 0.99
    assert all(score.recall > 0.95 for score in depths["walk"].boundaries)
    assert len(depths["walk"].boundaries) == 2

    names = [s.method for s in report.switches if s.picture == "raw"]
    assert names[0] == "walk"
    assert "hint off" in names
    switched = {s.method: s for s in report.switches if s.picture == "raw"}
    assert switched["hint off"].psnr < switched["walk"].psnr
    assert all(s.scenes == 1 for s in report.switches)

    seeds = {s.picture: s for s in report.seeds}
    assert seeds["raw"].hole_rmse > 3 * seeds["raw"].covered_rmse
    assert [row.steps for row in report.steps if row.picture == "final"] == list(range(1, 9))
    assert report.steps[0].distance == pytest.approx(main["walk", "final"].distance, abs=0.3)
    assert report.steps[0].seconds == pytest.approx(0.3)

    stored = json.loads((tmp_path / "worlds.json").read_text())
    assert stored["complete"] is True
    assert len(stored["picture_records"]) == 2 * 3 * 4
    for name in ("curves.png", "steps.png", "sheets/world-0000.png"):
        with Image.open(tmp_path / name) as image:
            assert np.asarray(image).std() > 10


def test_ctrl_c_leaves_what_was_done(tmp_path: Path, boxes: Any, painter: Any) -> None:
    painter.stop_after = 2
    console = Console(record=True, width=200, file=io.StringIO())
    options = WorldsOptions(tmp_path, views=3, count=3, switches=0, seeds=0, steps=0, sheets=0)
    with pytest.raises(KeyboardInterrupt):
        evaluate_worlds(options, console, painter, BoxSource(boxes))
    stored = json.loads((tmp_path / "worlds.json").read_text())
    assert stored["complete"] is False
    assert {s["scenes"] for s in stored["main"]} == {2}
    assert "not complete" in console.export_text()


def test_options_are_checked(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="at least one world"):
        WorldsOptions(tmp_path, count=0)
    with pytest.raises(ValueError, match="negative"):
        WorldsOptions(tmp_path, steps=-1)
