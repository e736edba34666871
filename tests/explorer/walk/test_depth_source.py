"""A walk whose photo has its depth from elsewhere: its units, its record, and how it is resumed."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image

from engine.geometry.paths import named_path
from explorer.walk.depth_source import PhotoDepth
from explorer.walk.journal import read_journal
from explorer.walk.photo import Photo
from explorer.walk.records import WalkSettings
from explorer.walk.run import JOURNAL_FOLDER, walk_photo
from explorer.walk.run_options import RunOptions
from explorer.walk.session.session import Session
from explorer.walk.walk import Walk
from memory.config import MemoryConfig
from memory.memory import Memory


class Source:
    """Knows the room as a laser scanner would."""

    def __init__(self, room, metric: bool, factor: float = 1.0, name: str = "scanner") -> None:
        self._room, self._metric, self._factor = room, metric, factor
        self.identity = {"model": name, "kind": "metric"}
        self.every_view = False
        self.asked = 0
        self.closed = False

    def depth(self, photo: Photo) -> PhotoDepth:
        self.asked += 1
        depth = self._room.look(photo.camera, photo.height, photo.width)[1]
        return PhotoDepth(depth * np.float32(self._factor), self._metric)

    def close(self) -> None:
        self.closed = True


def finish(steps):
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return end.value


def new_walk(photo: Photo, source) -> Walk:
    return Walk(photo, None, Memory(MemoryConfig()), WalkSettings(), None, source)


def test_metres_stay_metres(room_photo, room, fake, start) -> None:
    fake.unit = 1.0
    source = Source(room, metric=True)
    walk = new_walk(room_photo, source)
    first = finish(walk.start())
    truth = room.look(start, 80, 144)[1]
    np.testing.assert_allclose(first.view.depth, truth, rtol=1e-3)  # views keep 16 bits
    assert walk.scene_scale == pytest.approx(float(np.median(truth[np.isfinite(truth)])), rel=1e-3)
    assert walk.scene_scale > 1.5
    assert (source.asked, source.closed) == (1, True)
    assert "photo depth" not in fake.calls
    assert first.seconds["depth prior"] >= 0
    for camera in named_path("strafe", 3, start, walk.scene_scale, 2.0):
        drawn = finish(walk.step(camera)).view
        rgb, depth = room.look(camera, 80, 144)
        both = np.isfinite(depth) & np.isfinite(drawn.depth)
        assert np.median(np.abs(np.log(drawn.depth[both] / depth[both]))) < 0.02
        assert np.abs(drawn.rgb / 255.0 - rgb).mean() < 0.03


@pytest.mark.parametrize("factor", [0.02, 70.0])
def test_depth_without_a_unit_is_counted_in_medians(room_photo, room, fake, factor) -> None:
    walk = new_walk(room_photo, Source(room, metric=False, factor=factor))
    first = finish(walk.start())
    assert walk.scene_scale == pytest.approx(1.0, rel=1e-4)
    np.testing.assert_allclose(first.view.depth, fake.truth(room_photo.camera)[1], rtol=1e-3)
    assert np.isinf(first.view.depth).any()


def test_a_stopped_start_asks_nothing(room_photo, room, fake) -> None:
    source = Source(room, metric=True)
    steps = new_walk(room_photo, source).start()
    assert next(steps).part == "photo depth"
    steps.close()
    assert source.asked == 0


def test_depth_of_another_size_is_refused(room_photo, fake) -> None:
    small = SimpleNamespace(
        every_view=False,
        depth=lambda _photo: PhotoDepth(np.ones((4, 4), np.float32), True),
        close=lambda: None,
    )
    with pytest.raises(ValueError, match="80x144"):
        finish(new_walk(room_photo, small).start())


@pytest.fixture
def engine(fake) -> SimpleNamespace:
    return SimpleNamespace(device=torch.device("cpu"), weights_hash="abc")


@pytest.fixture
def options(tmp_path: Path, room_photo) -> RunOptions:
    photo = tmp_path / "room.png"
    Image.fromarray(room_photo.rgb).save(photo)
    return RunOptions(
        photo=photo, out=tmp_path / "out", path="strafe", views=2, fov=60.0, model_size=(144, 80)
    )


def recorded(options: RunOptions) -> dict:
    return json.loads((options.out / "walk.json").read_text())["drawn_from"]["depth prior"]


def test_the_record_names_the_prior_and_resuming_keeps_it(
    options, engine, room, fake, tmp_path
) -> None:
    source = Source(room, metric=False)
    whole = replace(options, out=tmp_path / "whole")
    walk_photo(whole, engine=engine, depth_source=Source(room, metric=False))
    stop = iter([False] * 4 + [True] * 99)
    walk_photo(options, None, lambda: next(stop), engine, source)
    assert recorded(options) == source.identity
    done = walk_photo(replace(options, resume=True), engine=engine)
    assert done.complete
    assert recorded(options) == source.identity
    assert source.asked == 1
    for a, b in zip(
        read_journal(whole.out / JOURNAL_FOLDER).views,
        read_journal(options.out / JOURNAL_FOLDER).views,
        strict=True,
    ):
        np.testing.assert_array_equal(a.view.depth, b.view.depth)
        np.testing.assert_array_equal(a.view.rgb, b.view.rgb)


def test_another_prior_does_not_go_on(options, engine, room) -> None:
    stop = iter([False] * 4 + [True] * 99)
    walk_photo(options, None, lambda: next(stop), engine, Source(room, metric=False))
    other = Source(room, metric=False, name="other")
    with pytest.raises(ValueError, match="another depth prior"):
        walk_photo(replace(options, resume=True), engine=engine, depth_source=other)


def test_a_walk_without_a_prior_is_not_gone_on_with_one(options, engine, room) -> None:
    stop = iter([False] * 4 + [True] * 99)
    walk_photo(options, None, lambda: next(stop), engine)
    assert recorded(options) is None
    with pytest.raises(ValueError, match="another depth prior"):
        walk_photo(
            replace(options, resume=True), engine=engine, depth_source=Source(room, metric=True)
        )
    assert walk_photo(replace(options, resume=True), engine=engine).complete


def test_a_session_takes_a_prior(tmp_path, room_photo, engine, room) -> None:
    source = Source(room, metric=True)
    session = Session.create(tmp_path / "s", room_photo, engine, WalkSettings(), source)
    finish(session.start())
    session.close()
    assert source.closed
    assert read_journal(tmp_path / "s").header["depth prior"] == source.identity
    again = finish(Session.open(tmp_path / "s", engine))
    assert again.scene_scale == pytest.approx(session.scene_scale)
    assert again.scene_scale > 1.5


def test_every_view_may_ask_the_source(room_photo, room, fake) -> None:
    """Its depth is brought to the walk: a source in other units leaves the same geometry."""
    fake.unit = 1.0
    source = Source(room, metric=False, factor=7.0)
    source.every_view = True
    walk = new_walk(room_photo, source)
    finish(walk.start())
    assert not source.closed
    drawn = finish(walk.step(walk.photo.camera))  # the source knows the room from here alone
    assert source.asked == 2
    assert "depth prior" in drawn.seconds
    first = walk.memory.views[0].depth
    assert drawn.depth_scale is not None
    np.testing.assert_allclose(np.median(drawn.view.depth), np.median(first), rtol=0.01)
    true = room.look(drawn.view.camera, room_photo.height, room_photo.width)[1]
    depth = np.asarray(drawn.view.depth)
    both = np.isfinite(true) & np.isfinite(depth)
    ratio = depth[both] / true[both]
    off = np.abs(ratio / np.median(ratio) - 1)
    assert np.quantile(off, 0.99) < 0.01


def test_the_photo_alone_is_the_default(room_photo, room, fake) -> None:
    source = Source(room, metric=True)
    walk = new_walk(room_photo, source)
    finish(walk.start())
    finish(walk.step(walk.photo.camera))
    assert source.asked == 1
    assert source.closed


def test_a_view_in_which_the_source_finds_nothing_has_our_own_depth(room_photo, room, fake) -> None:
    source = Source(room, metric=True)
    source.every_view = True
    walk = new_walk(room_photo, source)
    finish(walk.start())

    def nothing(_photo: Photo) -> PhotoDepth:
        raise ValueError("no depth")

    source.depth = nothing
    drawn = finish(walk.step(walk.photo.camera))
    assert drawn.view.depth is not None
    assert "steps" in drawn.seconds
