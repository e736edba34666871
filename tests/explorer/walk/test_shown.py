"""Recorded views at the picture's size, also where some of them have no picture."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from engine.geometry.cameras import Camera
from explorer.walk.colours import enlarged
from explorer.walk.journal import RecordedViews, read_journal
from explorer.walk.recorder import Recorder
from explorer.walk.records import DrawnView, RetrievedView
from explorer.walk.shown import ShownDepths, ShownFrames, enlarged_depth, picture_size
from memory.pictures.picture import Picture
from memory.views import View

SMALL, LARGE = (32, 48), (96, 144)


def box(shape: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """A near red square before a far blue wall, under a grey sky, at any size."""
    rows, columns = shape
    y, x = np.mgrid[:rows, :columns].astype(np.float32)
    y, x = (y + 0.5) / rows, (x + 0.5) / columns
    near, sky = (abs(x - 0.5) < 0.2) & (abs(y - 0.6) < 0.21), y < 0.2
    depth = np.where(near, 1.0, np.where(sky, np.inf, 4.0)).astype(np.float32)
    rgb = np.full((rows, columns, 3), (20, 40, 200), np.uint8)
    rgb[sky], rgb[near] = (120, 120, 120), (220, 30, 30)
    return rgb, depth


def drawn(view_id: int, start: Camera, with_picture: bool, with_depth: bool = True) -> DrawnView:
    rgb, depth = box(SMALL)
    large = Picture(*box(LARGE)) if with_depth else Picture(box(LARGE)[0])
    return DrawnView(
        view=View(view_id, start, rgb, depth if with_depth else None),
        raw_rgb=255 - rgb,
        coverage_map=np.zeros(SMALL, np.uint8),
        retrieved=(RetrievedView(0, 1.0),) if view_id else (),
        seconds={},
        picture=large if with_picture else None,
    )


@pytest.fixture
def mixed(tmp_path: Path, start: Camera) -> RecordedViews:
    """Two views without pictures around one with and one whose depth was not drawn."""
    recorder = Recorder.create(tmp_path / "journal", {})
    recorder.record(drawn(0, start, False))
    recorder.record(drawn(1, start, True))
    recorder.record(drawn(2, start, True, with_depth=False))
    recorder.record(drawn(3, start, False))
    return read_journal(tmp_path / "journal").views


def test_a_mixed_walk_has_one_size(mixed: RecordedViews) -> None:
    size = picture_size(mixed)
    assert size == (144, 96)
    frames, depths = ShownFrames(mixed, False, size), ShownDepths(mixed, size)
    assert [f.shape for f in frames] == [(96, 144, 3)] * 4
    assert [None if d is None else d.shape for d in depths] == [LARGE, LARGE, None, LARGE]
    np.testing.assert_array_equal(frames[1], box(LARGE)[0])
    np.testing.assert_array_equal(depths[1], box(LARGE)[1])
    np.testing.assert_array_equal(frames[0], enlarged(box(SMALL)[0], size))
    np.testing.assert_array_equal(frames[1:][2], frames[3])


def test_raw_pictures_are_the_models_enlarged(mixed: RecordedViews) -> None:
    frames = ShownFrames(mixed, True, picture_size(mixed))
    for frame in frames:
        np.testing.assert_array_equal(frame, enlarged(255 - box(SMALL)[0], (144, 96)))
    assert frames.png(1) is None


def test_a_picture_is_a_png_file_already(mixed: RecordedViews) -> None:
    frames = ShownFrames(mixed, False, picture_size(mixed))
    assert frames.png(0) is None
    whole = frames.png(1)
    assert whole is not None
    with Image.open(io.BytesIO(whole)) as picture:
        np.testing.assert_array_equal(np.asarray(picture), frames[1])


def test_a_walk_without_pictures_stays_as_it_is(tmp_path: Path, start: Camera) -> None:
    recorder = Recorder.create(tmp_path / "journal", {})
    recorder.record(drawn(0, start, False))
    views = read_journal(tmp_path / "journal").views
    assert picture_size(views) is None
    np.testing.assert_array_equal(ShownFrames(views, False, None)[0], box(SMALL)[0])
    np.testing.assert_array_equal(ShownDepths(views, None)[0], box(SMALL)[1])


def test_enlarged_depth_has_the_pictures_edges() -> None:
    rgb, truth = box(LARGE)
    small = box(SMALL)[1]
    small[-2:] = np.nan
    depth = enlarged_depth(small, rgb)
    assert np.isnan(depth[-6:]).all()
    known = ~np.isnan(depth)
    assert known[:-6].all()
    right = np.isclose(depth, truth) | (np.isinf(depth) & np.isinf(truth))
    assert right[known].mean() > 0.95
    beside = [np.isclose(depth, level) for level in (1.0, 4.0, np.inf)]
    assert np.any(beside, axis=0)[known].mean() > 0.95
    nothing = enlarged_depth(np.full(SMALL, np.nan, np.float32), rgb)
    assert np.isnan(nothing).all()


def test_what_is_shown_of_a_view(start: Camera) -> None:
    photo, view = drawn(0, start, True), drawn(1, start, True)
    np.testing.assert_array_equal(photo.shown_rgb(True), box(LARGE)[0])  # which nobody drew
    np.testing.assert_array_equal(view.shown_rgb(False), box(LARGE)[0])
    np.testing.assert_array_equal(view.shown_rgb(True), enlarged(view.raw_rgb, (144, 96)))
    without = replace(view, picture=None)
    np.testing.assert_array_equal(without.shown_rgb(False), without.view.rgb)
    np.testing.assert_array_equal(without.shown_rgb(True), without.raw_rgb)
