import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from rich.console import Console

from explorer.evaluation.baselines import WARP_AND_TELEA
from explorer.evaluation.clip_files import ClipError
from explorer.evaluation.clips import ClipOptions, evaluate_clip
from explorer.evaluation.sharp.clips import TWO_SIZES

UNIT = 3.0  # the clip's cameras are given in units of their own, this many to one of the boxes'


def write_boxes(folder: Path, boxes: Any, frames: int = 5) -> None:
    entries = []
    for k in range(frames):
        view = boxes.view(boxes.camera(x=0.25 * k))
        Image.fromarray(view.rgb).save(folder / f"{k}.png")
        K = view.camera.intrinsics.matrix(boxes.width, boxes.height)
        T = np.array(view.camera.T_world_camera)
        T[:3, 3] *= UNIT
        entry = {"file": f"{k}.png", "width": boxes.width, "height": boxes.height}
        entry |= {"fx": K[0, 0], "fy": K[1, 1], "cx": K[0, 2] - 0.5, "cy": K[1, 2] - 0.5}
        entries.append({**entry, "c2w": T.tolist()})
    (folder / "cameras.json").write_text(json.dumps(entries))


def test_a_clip_without_depth_or_scale(tmp_path: Path, boxes: Any, painter: Any) -> None:
    write_boxes(tmp_path, boxes)
    out = tmp_path / "out"
    size = (boxes.width, boxes.height)
    options = ClipOptions(tmp_path, out, sweep_views=2, model_size=size)
    report = evaluate_clip(options, Console(quiet=True), BlindPainter(painter, boxes))
    assert report.complete
    assert report.holes == "warped photo"
    scales = {choice.method: choice for choice in report.scales}
    median = UNIT * float(np.median(boxes.view(boxes.camera()).depth))
    for name in (WARP_AND_TELEA, "walk"):
        assert scales[name].scale == pytest.approx(median, rel=0.15)
    assert len(scales[WARP_AND_TELEA].trials) > 10
    by_key = {(s.method, s.picture): s for s in report.pictures}
    assert by_key["walk", "final"].psnr > by_key[WARP_AND_TELEA, "baseline"].psnr - 3
    assert report.poses == ()
    assert json.loads((out / "clip.json").read_text())["complete"] is True
    assert (out / "sheet.png").is_file()
    assert (out / "curves.png").is_file()


def test_a_clip_at_its_own_size(tmp_path: Path, boxes: Any, large: Any, sharp_painter: Any) -> None:
    write_boxes(tmp_path, large)
    out = tmp_path / "out"
    options = ClipOptions(tmp_path, out, sweep_views=2, model_size=(boxes.width, boxes.height))
    report = evaluate_clip(options, Console(quiet=True), SharpBlind(sharp_painter, boxes))
    assert report.complete
    assert report.sharp is not None
    final, enlarged = report.sharp.rows
    assert final.views == enlarged.views == len(report.picture_records) / 4
    assert final.known is not None
    assert enlarged.known is not None
    assert final.known.psnr > enlarged.known.psnr
    assert final.known.gradient > enlarged.known.gradient
    assert final.distance < enlarged.distance
    assert [choice.method for choice in report.scales][-1] == TWO_SIZES
    assert report.sharp.depths == ()
    assert json.loads((out / "clip.json").read_text())["sharp"]["rows"]
    assert (out / "sharp.png").is_file()


def test_a_picture_of_the_models_size_is_a_walk_of_one(
    tmp_path: Path, boxes: Any, large: Any, sharp_painter: Any
) -> None:
    write_boxes(tmp_path, large)
    size = boxes.width, boxes.height
    options = ClipOptions(tmp_path, tmp_path / "out", sweep_views=2, size=size, model_size=size)
    report = evaluate_clip(options, Console(quiet=True), SharpBlind(sharp_painter, boxes))
    assert report.sharp is None


class BlindPainter:
    """The painter, for a scene given without depth and in other units."""

    description = "blind painter"

    def __init__(self, painter: Any, boxes: Any) -> None:
        self.painter, self.boxes = painter, boxes

    def _seeing(self, scene: Any) -> Any:
        """The scene in the boxes' own units, with its true depth."""
        first = self.boxes.view(self.boxes.camera())
        views = tuple(
            self.boxes.view(self.boxes.camera(x=v.camera.position[0] / UNIT)) for v in scene.views
        )
        return type(scene)(scene.name, scene.caption, first, views, scene.ways)

    def photo_view(self, scene: Any, settings: Any) -> Any:
        return self.painter.photo_view(self._seeing(scene), settings)

    def draw(self, scene: Any, settings: Any, scale: float, on_views: Any) -> Any:
        return self.painter.draw(self._seeing(scene), settings, scale / UNIT, on_views)


def test_options_and_folders_are_checked(tmp_path: Path, painter: Any) -> None:
    with pytest.raises(ValueError, match="three frames"):
        ClipOptions(tmp_path, tmp_path, frames=2)
    with pytest.raises(ClipError, match=r"no cameras\.json"):
        evaluate_clip(ClipOptions(tmp_path, tmp_path), Console(quiet=True), painter)


class SharpBlind(BlindPainter):
    """The blind painter with pictures of the larger size, where it believes to be."""

    def draw(self, scene: Any, settings: Any, scale: Any, on_views: Any) -> Any:
        trace = super().draw(scene, settings, scale, on_views)
        if scene.picture is None:
            return trace
        views = []
        for drawn, true in zip(trace.views, scene.views, strict=True):
            x = true.camera.position[0] / UNIT * (UNIT * self._median / scale)
            seen = self.painter.large.view(self.painter.large.camera(x=x))
            views.append(replace(drawn, picture=seen.rgb))
        return replace(trace, views=tuple(views))

    @property
    def _median(self) -> float:
        return float(np.median(self.boxes.view(self.boxes.camera()).depth))
