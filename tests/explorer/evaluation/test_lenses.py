"""Estimates of known lenses are scored in closed form, beside what is assumed without them."""

from __future__ import annotations

import json
import math
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from PIL import Image
from rich.console import Console

import explorer.evaluation.lenses as lenses
from engine.queries.lens import LensEstimate
from explorer.evaluation.clip_files import ClipError
from explorer.evaluation.lenses import LensOptions, assumed, evaluate_lens, in_diagonals

BLIND = SimpleNamespace(model=SimpleNamespace(lens=None), weights_hash="abc")
SEEING = SimpleNamespace(model=SimpleNamespace(lens=object()), weights_hash="abc")


def write_clip(folder: Path, boxes: Any, frames: int = 4) -> Path:
    """Frames of the boxes with their cameras."""
    folder.mkdir()
    entries = []
    for k in range(frames):
        view = boxes.view(boxes.camera(x=0.25 * k))
        Image.fromarray(view.rgb).save(folder / f"{k}.png")
        K = view.camera.intrinsics.matrix(boxes.width, boxes.height)
        entry = {"file": f"{k}.png", "width": boxes.width, "height": boxes.height}
        entry |= {"fx": K[0, 0], "fy": K[1, 1], "cx": K[0, 2] - 0.5, "cy": K[1, 2] - 0.5}
        entries.append(entry | {"c2w": view.camera.T_world_camera.tolist()})
    (folder / "cameras.json").write_text(json.dumps(entries))
    return folder


def test_what_is_assumed_is_across_the_longer_side() -> None:
    for size in ((144, 256), (256, 144)):
        focal = in_diagonals(assumed(size), size)
        assert focal * math.hypot(*size) == pytest.approx(128 / math.tan(math.radians(30)))


def test_estimates_are_scored(
    tmp_path: Path, boxes: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    size = (boxes.height, boxes.width)
    true = in_diagonals(boxes.camera().intrinsics, size)
    factors = iter([1.1, 0.8, 1.0, 1.5, 1.3])

    def told(engine: Any, rgb: Any) -> LensEstimate:
        focal = next(factors) * true
        return LensEstimate(focal, 0.9 * focal, 1.15 * focal)

    monkeypatch.setattr(lenses, "lens_of_picture", told)
    folder = write_clip(tmp_path / "clip", boxes, frames=5)
    options = LensOptions((folder,), tmp_path / "out", size=size[::-1])
    report = evaluate_lens(options, Console(width=200), SEEING)
    (clip,) = report.clips
    assert clip.frames == 5
    assert clip.focal == pytest.approx(true)
    assert clip.estimate == pytest.approx(1.1 * true)
    assert clip.error == report.error == pytest.approx(0.2)
    # 0.9 · 1.1 ≤ 1 ≤ 1.15 · 1.1, and so it is for 1.0 alone of the others.
    assert clip.within == pytest.approx(2 / 5)
    expected = abs(in_diagonals(assumed(size), size) / true - 1)
    assert clip.assumed_error == pytest.approx(expected)
    assert "20.0%" in capsys.readouterr().out
    stored = json.loads((tmp_path / "out" / "lens.json").read_text())
    assert stored["clips"][0]["clip"] == "clip"


def test_what_cannot_be_scored_is_said(tmp_path: Path, boxes: Any) -> None:
    folder = write_clip(tmp_path / "clip", boxes)
    with pytest.raises(ValueError, match="do not tell the lens"):
        evaluate_lens(LensOptions((folder,), tmp_path / "out"), Console(quiet=True), BLIND)
    with pytest.raises(ClipError, match="no posed clip"):
        evaluate_lens(LensOptions((tmp_path,), tmp_path / "out"), Console(quiet=True), SEEING)
