from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image
from rich.console import Console

from engine.training.worlds.prerender import save_sequence, sequence_path
from engine.training.worlds.world import Sequence
from explorer.evaluation.clip_files import ClipError
from explorer.evaluation.photos import (
    CONSTANT,
    MODEL,
    RAMP,
    PhotosOptions,
    evaluate_photos,
    opponents,
)

QUIET = Console(quiet=True)


def write_clip(folder: Path, boxes: Any, frames: int = 4, depth: bool = True) -> Path:
    """Frames of the boxes with their depth in millimetres, the second one without."""
    folder.mkdir()
    entries = []
    for k in range(frames):
        view = boxes.view(boxes.camera(x=0.25 * k))
        Image.fromarray(view.rgb).save(folder / f"{k}.png")
        K = view.camera.intrinsics.matrix(boxes.width, boxes.height)
        entry = {"file": f"{k}.png", "width": boxes.width, "height": boxes.height}
        entry |= {"fx": K[0, 0], "fy": K[1, 1], "cx": K[0, 2] - 0.5, "cy": K[1, 2] - 0.5}
        entry |= {"c2w": view.camera.T_world_camera.tolist()}
        if depth and k != 1:
            metres = np.where(np.isfinite(view.depth), view.depth, 0)
            cv2.imwrite(str(folder / f"{k}-depth.png"), (metres * 1000).astype(np.uint16))
            entry |= {"depth": f"{k}-depth.png"}
        entries.append(entry)
    (folder / "cameras.json").write_text(json.dumps(entries))
    return folder


def write_worlds(folder: Path, boxes: Any, count: int = 3) -> Path:
    folder.mkdir()
    for seed in range(count):
        views = [boxes.view(boxes.camera(x=0.2 * seed + 0.1 * k)) for k in range(2)]
        rgb, depth = np.stack([v.rgb for v in views]), np.stack([v.depth for v in views])
        cameras = tuple(v.camera for v in views)
        made = Sequence(rgb, depth, cameras, "boxes", "room", seed)
        save_sequence(sequence_path(folder, seed), made)
    return folder


def test_clips_and_worlds_against_guesses(tmp_path: Path, boxes: Any, painter: Any) -> None:
    folders = (write_clip(tmp_path / "clip", boxes), write_worlds(tmp_path / "worlds", boxes))
    options = PhotosOptions(folders, tmp_path / "out", size=(boxes.width, boxes.height), frames=3)
    report = evaluate_photos(options, QUIET, painter)
    assert [scores.folder for scores in report.folders] == ["clip", "worlds"]
    for scores in report.folders:
        by_method = {depth.method: depth for depth in scores.depths}
        assert by_method.keys() == {MODEL, RAMP, CONSTANT}
        # Three frames of the clip have a depth; it was stored in whole millimetres.
        assert all(depth.views == 3 for depth in scores.depths)
        assert by_method[MODEL].by_scale.abs_rel < 0.002
        assert by_method[MODEL].by_scale_shift.delta1 == pytest.approx(1.0)
        assert by_method[CONSTANT].by_scale.abs_rel > 0.05
        assert by_method[RAMP].by_scale_shift.abs_rel > 0.05
    clip, worlds = report.folders
    assert all(depth.boundaries == () for depth in clip.depths)  # measured, so not exact
    found = {depth.method: depth.boundaries for depth in worlds.depths}
    assert all(score.precision > 0.99 and score.recall > 0.99 for score in found[MODEL])
    assert [score.reach for score in found[MODEL]] == [1, 2]
    assert all(score.recall == 0.0 for score in found[CONSTANT])
    stored = json.loads((tmp_path / "out" / "photos.json").read_text())
    assert stored["complete"] is True
    assert len(stored["records"]) == 2 * 3 * 3
    with Image.open(tmp_path / "out" / "sheet.png") as sheet:
        assert sheet.height > 6 * boxes.height


def test_folders_of_one_name_are_kept_apart(tmp_path: Path, boxes: Any, painter: Any) -> None:
    (tmp_path / "b").mkdir()
    folders = (write_worlds(tmp_path / "a", boxes, 1), write_worlds(tmp_path / "b" / "a", boxes, 2))
    report = evaluate_photos(PhotosOptions(folders, tmp_path / "out"), QUIET, painter)
    assert [scores.folder for scores in report.folders] == [str(folder) for folder in folders]
    assert [scores.depths[0].views for scores in report.folders] == [1, 2]


def test_what_was_done_is_kept(tmp_path: Path, boxes: Any, painter: Any) -> None:
    class Impatient:
        description = "impatient"

        def __init__(self) -> None:
            self.asked = 0

        def photo_view(self, scene: Any, settings: Any) -> Any:
            self.asked += 1
            if self.asked == 2:
                raise KeyboardInterrupt
            return painter.photo_view(scene, settings)

    options = PhotosOptions((write_worlds(tmp_path / "worlds", boxes),), tmp_path / "out")
    impatient: Any = Impatient()
    with pytest.raises(KeyboardInterrupt):
        evaluate_photos(options, QUIET, impatient)
    stored = json.loads((tmp_path / "out" / "photos.json").read_text())
    assert stored["complete"] is False
    assert len(stored["records"]) == 3


def test_a_ramp_recedes_upwards() -> None:
    ramp = opponents(6, 4)[RAMP]
    assert ramp.shape == (6, 4)
    assert (np.diff(ramp[:, 0]) < 0).all()
    np.testing.assert_allclose(np.diff(1 / ramp[:, 0]), 0.2, rtol=1e-5)


def test_folders_are_checked(tmp_path: Path, boxes: Any, painter: Any) -> None:
    with pytest.raises(ValueError, match="at least one folder"):
        PhotosOptions((), tmp_path)
    with pytest.raises(ClipError, match=r"neither a cameras\.json"):
        evaluate_photos(PhotosOptions((tmp_path,), tmp_path / "out"), QUIET, painter)
    blind = write_clip(tmp_path / "blind", boxes, depth=False)
    with pytest.raises(ClipError, match="no frame of"):
        evaluate_photos(PhotosOptions((blind,), tmp_path / "out"), QUIET, painter)
