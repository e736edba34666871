"""The Walk, drawn by a stand-in that knows the room but errs in tone, scale and bend."""

from __future__ import annotations

import time

import cv2
import numpy as np
import pytest
import torch

from engine.geometry.cameras import Camera
from engine.geometry.paths import named_path
from explorer.walk.records import DrawnView, WalkSettings
from explorer.walk.walk import Walk, WalkError
from memory.config import MemoryConfig
from memory.memory import Memory


def finish(steps) -> DrawnView:
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return end.value


@pytest.fixture
def new_walk(room_photo, fake):
    def make(**settings) -> Walk:
        return Walk(room_photo, None, Memory(MemoryConfig()), WalkSettings(**settings))

    return make


def path(start: Camera, views: int, name: str = "strafe") -> list[Camera]:
    return named_path(name, views, start, 1.0, 0.9)


def draw(walk: Walk, cameras: list[Camera]) -> list[DrawnView]:
    return [finish(walk.start()), *(finish(walk.step(camera)) for camera in cameras)]


def same(a: DrawnView, b: DrawnView) -> bool:
    def equal(x, y) -> bool:
        if x is None or y is None:
            return x is y
        return np.array_equal(x, y, equal_nan=x.dtype.kind == "f")

    return (
        a.view.id == b.view.id
        and equal(a.view.rgb, b.view.rgb)
        and equal(a.view.depth, b.view.depth)
        and equal(a.view.confidence, b.view.confidence)
        and equal(a.raw_rgb, b.raw_rgb)
        and equal(a.coverage_map, b.coverage_map)
        and a.retrieved == b.retrieved
        and a.depth_scale == b.depth_scale
    )


def test_the_first_view_is_the_photo(new_walk, room_photo) -> None:
    walk = new_walk()
    first = finish(walk.start())
    assert first.view.id == 0
    assert (first.view.rgb == room_photo.rgb).all()
    assert (first.raw_rgb == room_photo.rgb).all()
    assert first.coverage == 0.0
    assert np.isinf(first.view.depth).any()
    assert walk.scene_scale == pytest.approx(1.0, rel=1e-3)
    np.testing.assert_array_equal(first.view.camera.T_world_camera, np.eye(4))


def test_drawn_views_agree_with_the_room(new_walk, fake, start) -> None:
    walk = new_walk()
    for drawn in draw(walk, path(start, 4))[1:]:
        rgb, depth = fake.truth(drawn.view.camera)
        final, raw = drawn.view.rgb / 255.0, drawn.raw_rgb / 255.0
        assert np.abs(final - rgb).mean() < 0.35 * np.abs(raw - rgb).mean()
        both = np.isfinite(depth) & np.isfinite(drawn.view.depth)
        error = np.abs(np.log(drawn.view.depth[both] / depth[both]))
        assert np.median(error) < 0.02
        assert np.quantile(error, 0.9) < 0.08
        assert (np.isinf(depth) == np.isinf(drawn.view.depth)).mean() > 0.98
        assert 0.3 < drawn.coverage <= 1.0
        assert 0.7 < drawn.depth_scale < 1.7
        assert len(drawn.retrieved) >= 1


def test_the_way_back_is_known(new_walk, fake, start) -> None:
    walk = new_walk()
    drawn = draw(walk, path(start, 8, "forth-and-back:strafe"))
    out, back = drawn[1:5], drawn[5:]
    assert min(d.coverage for d in back) > 0.88
    assert min(d.coverage for d in back) > min(d.coverage for d in out)
    for view in back:
        assert any(r.view_id in range(5) for r in view.retrieved)
        rgb, _ = fake.truth(view.view.camera)
        assert np.abs(view.view.rgb / 255.0 - rgb).mean() < 0.03


def test_nothing_is_drawn_into_what_the_photo_looks_through(
    new_walk, fake, start, monkeypatch
) -> None:
    """What opens up beside the box is drawn half-way between it and the wall."""
    sharp = fake.draw_depth

    def soft(*asked):
        depth = (yield from sharp(*asked)).numpy()
        return torch.from_numpy(1 / (cv2.GaussianBlur(1 / depth, (0, 0), 8.0) + np.float32(1e-6)))

    monkeypatch.setattr(fake, "draw_depth", soft)
    walk = new_walk()
    for drawn in draw(walk, path(start, 6))[1:]:
        depth = drawn.view.depth
        looked = walk.memory.look(drawn.view.camera, *depth.shape)
        left = looked.free_space.left_by(torch.tensor(depth), looked.camera).numpy()
        known = np.isfinite(depth)
        assert known.mean() > 0.5
        assert (left[known] == depth[known]).mean() > 0.999


def test_back_at_the_start_it_is_the_photo_again(new_walk, room_photo, start) -> None:
    walk = new_walk()
    out = path(start, 5)
    draw(walk, [*out[:-1], *out[::-1]])
    home = finish(walk.step(start))
    off = np.abs(home.view.rgb.astype(int) - room_photo.rgb)
    assert off.max() <= 1
    assert off.mean() < 0.05
    assert (home.coverage_map == 255).all()


def test_the_cloud_grows_by_surface_seen_not_by_views(new_walk, start) -> None:
    walk = new_walk()
    cameras = path(start, 5)
    draw(walk, cameras)
    before = len(walk.memory.points())
    for camera in reversed(cameras):
        finish(walk.step(camera))
    assert len(walk.memory.points()) < 1.1 * before


def test_order_of_queries(new_walk, fake, start) -> None:
    draw(new_walk(), path(start, 2))
    assert fake.calls == ["photo depth", "view", "depth", "view", "depth"]


def test_depth_every(new_walk, fake, start) -> None:
    drawn = draw(new_walk(depth_every=3), path(start, 6))
    assert [d.view.depth is not None for d in drawn] == [True, False, False] * 2 + [True]
    assert fake.calls.count("depth") == 2
    assert all(d.depth_scale is None for d in drawn if d.view.depth is None)


def test_settings_reach_the_queries(new_walk, fake, start) -> None:
    draw(new_walk(context_views=2, use_depth_context=False), path(start, 4))
    assert max(len(c.views) for c in fake.contexts) == 2
    assert not any(c.use_depth for c in fake.contexts)
    assert all(hint is not None and hint.coverage.max() > 0.9 for hint in fake.hints)
    fake.hints.clear()
    without_hint = draw(new_walk(use_hint=False), path(start, 2))
    assert fake.hints == [None, None]
    assert without_hint[1].coverage > 0.3


def test_without_memory_the_latest_view_is_all_there_is(new_walk, fake, start) -> None:
    drawn = draw(new_walk(strategy="none"), path(start, 3))
    assert [[r.view_id for r in d.retrieved] for d in drawn] == [[], [0], [1], [2]]
    assert fake.hints == [None] * 3
    assert all((d.view.rgb == d.raw_rgb).all() and d.coverage == 0 for d in drawn)


def test_looking_away_from_all_that_is_known(new_walk, start) -> None:
    walk = new_walk()
    finish(walk.start())
    back = finish(walk.step(start.moved(np.diag([-1.0, 1.0, -1.0, 1.0]))))
    assert [r.view_id for r in back.retrieved] == [0]
    assert back.coverage == 0.0
    assert back.depth_scale is None
    assert (back.view.rgb == back.raw_rgb).all()


def test_the_same_walk_twice_and_another_seed(new_walk, start) -> None:
    cameras = path(start, 3)
    first, second, other = (draw(new_walk(seed=s), cameras) for s in (5, 5, 6))
    assert all(same(a, b) for a, b in zip(first, second, strict=True))
    assert not any(same(a, b) for a, b in zip(first[1:], other[1:], strict=True))


def test_an_abandoned_step_leaves_no_trace(new_walk, start) -> None:
    cameras = path(start, 2)
    whole = draw(new_walk(), cameras)
    walk = new_walk()
    finish(walk.start())
    for camera, expected in zip(cameras, whole[1:], strict=True):
        for yields in (1, 4):
            steps = walk.step(camera)
            progress = [next(steps) for _ in range(yields)]
            assert progress[0].part == "view"
            assert progress[0].view_id == expected.view.id
            steps.close()
            assert walk.view_count == expected.view.id
        assert same(finish(walk.step(camera)), expected)


def test_restoring_gives_the_same_next_view(new_walk, start) -> None:
    cameras = path(start, 4, "forth-and-back:strafe")
    whole = draw(new_walk(), cameras)
    walk = new_walk()
    for drawn in whole[:3]:
        walk.restore(drawn)
    for camera, expected in zip(cameras[2:], whole[3:], strict=True):
        assert same(finish(walk.step(camera)), expected)


def test_rewinding_gives_the_same_next_view(new_walk, start) -> None:
    cameras = path(start, 3)
    walk = new_walk()
    whole = draw(walk, cameras)
    walk.rewind(1)
    assert walk.view_count == 2
    for camera, expected in zip(cameras[1:], whole[2:], strict=True):
        assert same(finish(walk.step(camera)), expected)


def test_seconds_leave_the_callers_time_out(new_walk, start) -> None:
    walk = new_walk()
    finish(walk.start())
    steps = walk.step(path(start, 1)[0])
    pauses = 0
    while True:
        try:
            next(steps)
        except StopIteration as end:
            drawn = end.value
            break
        time.sleep(0.3)
        pauses += 1
    assert pauses == 5
    assert set(drawn.seconds) == {
        *("retrieve", "warp", "context", "steps", "decode", "composite", "align", "remember")
    }
    assert sum(drawn.seconds.values()) < 1.4
    assert all(seconds >= 0 for seconds in drawn.seconds.values())


def test_out_of_order(new_walk, start) -> None:
    walk = new_walk()
    with pytest.raises(WalkError, match="not been started"):
        finish(walk.step(start))
    first = finish(walk.start())
    with pytest.raises(WalkError, match="already"):
        finish(walk.start())
    with pytest.raises(WalkError, match="cannot follow"):
        walk.restore(first)
    with pytest.raises(WalkError, match="no view 3"):
        walk.rewind(3)


@pytest.mark.parametrize("wrong", [{"depth_every": 0}, {"context_views": 0}])
def test_settings_are_checked(wrong: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="at least 1"):
        WalkSettings(**wrong)
