"""The lens of a photo that does not say it: seen by the engine, said, recorded, kept, overruled."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import explorer.walk.lens_estimate as lens_estimate
from engine.queries.lens import LensEstimate
from explorer.walk.journal import JournalError, read_journal
from explorer.walk.lens_estimate import with_estimated_lens
from explorer.walk.photo import Photo, open_photo
from explorer.walk.results import JOURNAL_FOLDER
from explorer.walk.run import walk_photo
from explorer.walk.run_options import RunOptions
from explorer.walk.session.photo_file import read_photo, write_photo
from explorer.walk.telling import RunProgress


class Oracle:
    """An engine that is sure of a lens; `focal` in diagonals, None where it cannot tell."""

    def __init__(self, focal: float | None) -> None:
        self.device, self.weights_hash = torch.device("cpu"), "abc"
        self.focal, self.asked = focal, []

    def tell(self, rgb: np.ndarray) -> LensEstimate | None:
        self.asked.append(rgb.shape)
        if self.focal is None:
            return None
        return LensEstimate(self.focal, 0.8 * self.focal, 1.25 * self.focal)


@pytest.fixture(autouse=True)
def oracle_for_head(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lens_estimate, "lens_of_picture", lambda engine, rgb: engine.tell(rgb))


def photo_file(folder: Path, rgb: np.ndarray, **tags: float) -> Path:
    path = folder / "room.jpg"
    exif = Image.Exif()
    if "mm" in tags:
        exif.get_ifd(0x8769)[0xA405] = tags["mm"]
    Image.fromarray(rgb).save(path, quality=95, exif=exif.tobytes())
    return path


@pytest.fixture
def options(tmp_path: Path, room_photo: Photo) -> RunOptions:
    path = photo_file(tmp_path, room_photo.rgb[:72])
    out = tmp_path / "out"
    return RunOptions(photo=path, out=out, path="strafe", views=2, model_size=(96, 48), seed=7)


def fov(focal: float, width: int, height: int) -> float:
    """Horizontal degrees of a focal length in diagonals."""
    return math.degrees(2 * math.atan(0.5 * width / (focal * math.hypot(width, height))))


@pytest.mark.parametrize("focal", [0.45, 1.3])
def test_the_lens_that_is_seen_is_the_photos(options: RunOptions, focal: float) -> None:
    photo = open_photo(options.photo, None, options.sizes)
    assert photo.lens_assumed
    found = with_estimated_lens(photo, Oracle(focal))
    width, height = found.width, found.height
    assert found.intrinsics.horizontal_fov == pytest.approx(fov(focal, width, height))
    assert found.intrinsics.fx * width == pytest.approx(found.intrinsics.fy * height)
    across, narrow, wide = (fov(f * focal, width, height) for f in (1.0, 1.25, 0.8))
    words = f"{across:.0f}° across, estimated from the picture"
    assert found.lens_source == f"{words} ({narrow:.0f}° to {wide:.0f}° is likely)"
    assert f"its lens is {found.lens_source}" in found.notes
    assert not found.lens_assumed


def test_what_is_said_is_not_looked_for(tmp_path: Path, room_photo: Photo) -> None:
    engine = Oracle(0.5)
    tagged = open_photo(photo_file(tmp_path, room_photo.rgb, mm=28))
    assert with_estimated_lens(tagged, engine) is tagged
    stated = open_photo(photo_file(tmp_path, room_photo.rgb), 75)
    assert with_estimated_lens(stated, engine) is stated
    seen = with_estimated_lens(open_photo(tmp_path / "room.jpg"), engine)
    assert with_estimated_lens(seen, engine) is seen
    assert len(engine.asked) == 1


def test_an_engine_that_cannot_tell_leaves_what_is_assumed(options: RunOptions) -> None:
    photo = open_photo(options.photo)
    assert with_estimated_lens(photo, Oracle(None)) is photo
    assert "assumed" in photo.lens_source


@pytest.mark.usefixtures("fake")
def test_a_walk_says_and_records_it(options: RunOptions) -> None:
    told: list[RunProgress] = []
    walk_photo(options, told.append, None, Oracle(0.6))
    (note,) = [p.note for p in told if p.note]
    assert "does not say its lens" in note
    assert "estimated from the picture" in note
    assert "--fov" in note
    about = json.loads((options.out / "walk.json").read_text())
    assert "estimated from the picture" in about["photo"]["lens"]
    width, height = about["photo"]["working_size"]
    fx = 0.6 * math.hypot(width, height) / width
    assert about["photo"]["intrinsics"]["fx"] == pytest.approx(fx)
    # The first depth, and all that stands on it, was drawn through that lens.
    assert about["drawn_from"]["lens"] == about["photo"]["lens"]
    for drawn in read_journal(options.out / JOURNAL_FOLDER).views:
        assert drawn.view.camera.intrinsics.fx == pytest.approx(fx)


@pytest.mark.usefixtures("fake")
def test_a_resumed_walk_keeps_its_lens(options: RunOptions) -> None:
    calls = iter([False] * 9 + [True] * 99)
    walk_photo(options, None, lambda: next(calls), Oracle(0.6))
    other = Oracle(1.4)
    assert walk_photo(replace(options, resume=True), None, None, other).complete
    assert other.asked == []
    about = json.loads((options.out / "walk.json").read_text())
    assert about["photo"]["lens"] == about["drawn_from"]["lens"]
    width, height = about["photo"]["working_size"]
    fx = 0.6 * math.hypot(width, height) / width
    assert about["photo"]["intrinsics"]["fx"] == pytest.approx(fx)
    with pytest.raises(JournalError, match="another field of view"):
        walk_photo(replace(options, resume=True, fov=40.0), None, None, other)


@pytest.mark.usefixtures("fake")
def test_a_walk_that_was_begun_with_what_is_assumed_goes_on_so(options: RunOptions) -> None:
    told: list[RunProgress] = []
    walk_photo(options, told.append, None, Oracle(None))
    assert [p.note for p in told if p.note] == []
    seeing = Oracle(0.5)
    assert walk_photo(replace(options, resume=True), None, None, seeing).complete
    assert seeing.asked == []
    about = json.loads((options.out / "walk.json").read_text())
    assert "assumed" in about["photo"]["lens"]
    assert about["drawn_from"]["lens"] is None


@pytest.mark.usefixtures("fake")
def test_a_damaged_lens_is_said(options: RunOptions) -> None:
    walk_photo(options, None, None, Oracle(0.6))
    journal = options.out / JOURNAL_FOLDER / "journal.jsonl"
    first, rest = journal.read_text().split("\n", 1)
    header = json.loads(first)
    found = header.get("header", header)
    found["field of view"] = ["wide"]
    journal.write_text(json.dumps(header) + "\n" + rest)
    with pytest.raises(JournalError, match="lens"):
        walk_photo(replace(options, resume=True), None, None, Oracle(0.6))


def test_a_session_keeps_it(tmp_path: Path, options: RunOptions) -> None:
    photo = with_estimated_lens(open_photo(options.photo), Oracle(0.6))
    write_photo(tmp_path / "walk", photo)
    again = read_photo(tmp_path / "walk")
    assert again.intrinsics == photo.intrinsics
    assert again.lens_source == photo.lens_source
    engine = Oracle(2.0)
    assert with_estimated_lens(again, engine) is again
    assert engine.asked == []
