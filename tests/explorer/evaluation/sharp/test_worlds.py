import io
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from rich.console import Console

from explorer.evaluation.scenes import Scene
from explorer.evaluation.sharp.worlds import SharpWorldsOptions, evaluate_sharp_worlds
from explorer.walk.sizes import SizeError

SIZES = {"size": (320, 192), "model_size": (160, 96)}


class LargeSource:
    def __init__(self, boxes: Any) -> None:
        self.boxes = boxes

    def scene(self, index: int) -> Scene:
        scene: Scene = self.boxes.walk(frames=4, step=0.2 + 0.05 * index, name=f"world-{index:04d}")
        return scene


def test_sharp_pictures_are_ahead_of_enlarged_ones(
    tmp_path: Path, large: Any, sharp_painter: Any
) -> None:
    console = Console(record=True, width=200, file=io.StringIO())
    options = SharpWorldsOptions(tmp_path, **SIZES, views=3, count=2, sheets=1)
    report = evaluate_sharp_worlds(options, console, sharp_painter, LargeSource(large))
    assert report.complete
    assert sharp_painter.draws == 4
    final, enlarged = report.tables.rows
    assert (final.method, final.picture, enlarged.method) == ("walk", "final", "enlarged")
    assert (final.scenes, final.views) == (2, 6)
    assert final.psnr > 40 > 30 > enlarged.psnr
    assert final.reduced_psnr > max(45, enlarged.reduced_psnr, final.psnr)
    assert final.ssim > enlarged.ssim
    assert final.distance < enlarged.distance
    assert final.known is not None
    assert enlarged.known is not None
    assert final.known.gradient == pytest.approx(1.0, abs=0.05)
    assert enlarged.known.gradient < 0.8
    assert final.known.psnr > enlarged.known.psnr + 10
    assert 0.5 < final.known.share < 1
    assert final.hole_psnr > 40
    ahead = {c.measure: c for c in report.tables.comparisons}
    for measure in (
        "psnr",
        "ssim",
        "distance",
        "reduced_psnr",
        "known_psnr",
        "known_distance",
        "hole_psnr",
    ):
        assert (ahead[measure].wins, ahead[measure].scenes) == (2, 2), measure
    assert [row.scene for row in report.tables.scenes] == ["world-0000", "world-0001"]
    for row in report.tables.scenes:
        assert row.final.psnr > row.enlarged.psnr

    depths = {(d.method, d.which): d for d in report.tables.depths}
    assert depths["walk", "walk"].boundaries[0].recall == pytest.approx(1.0, abs=1e-6)
    assert depths["walk", "photo"].by_walk_scale.abs_rel < 1e-6
    assert 0 < depths["enlarged", "walk"].by_walk_scale.abs_rel < 0.05

    stored = json.loads((tmp_path / "worlds.json").read_text())
    assert stored["complete"] is True
    assert len(stored["tables"]["picture_records"]) == 2 * 3 * 2
    assert "world-0001" in console.export_text()
    with Image.open(tmp_path / "sheets" / "world-0000.png") as image:
        assert image.width > 2 * 320
        assert image.height > 5 * 192
        assert np.asarray(image).std() > 10


def test_a_walk_that_gives_no_large_pictures_is_an_error(
    tmp_path: Path, large: Any, painter: Any
) -> None:
    options = SharpWorldsOptions(tmp_path, **SIZES, views=3, count=1)
    with pytest.raises(ValueError, match="gave view 1 at 160x96, not at 320x192"):
        evaluate_sharp_worlds(options, Console(quiet=True), painter, LargeSource(large))


def test_ctrl_c_leaves_what_was_done(tmp_path: Path, large: Any, sharp_painter: Any) -> None:
    sharp_painter.stop_after = 3  # in the second world
    console = Console(record=True, width=200, file=io.StringIO())
    options = SharpWorldsOptions(tmp_path, **SIZES, views=3, count=2, sheets=0)
    with pytest.raises(KeyboardInterrupt):
        evaluate_sharp_worlds(options, console, sharp_painter, LargeSource(large))
    stored = json.loads((tmp_path / "worlds.json").read_text())
    assert stored["complete"] is False
    assert {row["scenes"] for row in stored["tables"]["rows"]} == {1}
    assert "not complete" in console.export_text()


def test_options_are_checked(tmp_path: Path) -> None:
    options = SharpWorldsOptions(tmp_path, **SIZES)
    with pytest.raises(ValueError, match="two views"):
        replace(options, views=1)
    with pytest.raises(ValueError, match="without --size"):
        replace(options, size=options.model_size)
    with pytest.raises(SizeError, match="is less than"):
        replace(options, size=(80, 48))
