"""What a new camera is told of the past: points, and views from the same place between them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from engine.geometry.cameras import Camera
from explorer.walk.known import fused_with, look
from memory.memory import Memory
from memory.views import View

H, W = 80, 144
BLOCK = (slice(20, 40), slice(50, 90))


@pytest.fixture
def view(room, start) -> View:
    """Nobody knows how far away a block of it is."""
    rgb, depth = room.look(start, H, W)
    sure = np.ones((H, W), np.float32)
    sure[BLOCK] = 0.0
    return View(0, start, np.round(rgb * 255).astype(np.uint8), depth, sure)


def turned(camera: Camera, angle: float) -> Camera:
    T = camera.T_world_camera.copy()
    c, s = np.cos(angle), np.sin(angle)
    T[:3, :3] = T[:3, :3] @ np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]])
    return Camera(T, camera.intrinsics)


def moved(start: Camera, x: float) -> Camera:
    T = start.T_world_camera.copy()
    T[0, 3] += x
    return Camera(T, start.intrinsics)


def test_what_left_no_points_is_known_from_the_same_place_only(view, start) -> None:
    memory = Memory()
    memory.add(view)
    assert (memory.render(start, H, W).coverage.numpy()[BLOCK] < 0.5).mean() > 0.8
    here = look(memory, start, H, W)
    assert (here.coverage == 1).all()
    np.testing.assert_allclose(here.rgb, view.rgb / 255, atol=1e-6)
    np.testing.assert_allclose(here.depth[BLOCK], view.depth[BLOCK])
    assert (here.view_ids[BLOCK] == 0).all()
    aside = look(memory, moved(start, 0.3), H, W)
    assert (aside.coverage[25:35, 60:80] < 0.5).mean() > 0.8


def test_points_stay_where_a_drawn_view_has_some_too(room, view, start) -> None:
    """Turned, a drawn view only fills gaps: later points may be finer than it. Its own camera is
    shown all of it again."""
    memory = Memory()
    memory.add(view)
    other = replace(view, id=1, rgb=255 - view.rgb, confidence=1 - view.confidence)
    memory.add(other)
    aside = moved(start, 1.0)
    depth = room.look(aside, H, W)[1]
    memory.add(replace(view, id=2, camera=aside, rgb=np.full_like(view.rgb, 90), depth=depth))
    np.testing.assert_allclose(look(memory, aside, H, W).rgb, 90 / 255, atol=1e-6)
    asked = turned(aside, 0.02)
    seen, points = look(memory, asked, H, W), memory.render(asked, H, W)
    same = room.look(asked, H, W)[1] > 0.97 * points.depth.numpy()
    covered = (points.coverage.numpy() > 0.999) & same
    assert 0.3 < covered.mean() < 1.0
    np.testing.assert_array_equal(seen.rgb[covered], points.rgb.numpy()[covered])
    gaps = points.coverage.numpy() == 0
    gaps[:, -5:] = False  # what the view did not see
    assert gaps.any()
    np.testing.assert_allclose(seen.rgb[gaps], 90 / 255, atol=1e-6)


def test_drawn_views_do_not_paint_over_the_photos_rims(room, view, start) -> None:
    """A block stands before the wall; what was drawn from aside puts grey points all around it."""
    depth = view.depth.copy()
    depth[BLOCK] *= 0.6
    rgb = view.rgb.copy()
    rgb[BLOCK] = (200, 30, 30)
    photo = replace(view, rgb=rgb, depth=depth, confidence=None)
    memory = Memory()
    memory.add(photo)
    near = moved(
        start, 0.3 / (start.intrinsics.fx * W * (1 / depth[BLOCK] - 1 / view.depth[BLOCK]).max())
    )
    rim = (memory.render(near, H, W).coverage.numpy() < 0.5) & (depth < 2 * depth[BLOCK].max())
    rim[:2], rim[-2:], rim[:, :2], rim[:, -2:] = False, False, False, False
    assert rim.sum() > 50
    aside = moved(start, 0.8)
    grey = np.full_like(rgb, 128)
    memory.add(View(1, aside, grey, room.look(aside, H, W)[1], np.ones((H, W), np.float32)))
    painted = memory.render(near, H, W).view_ids.numpy()[rim] == 1
    assert painted.mean() > 0.3
    seen = look(memory, near, H, W)
    assert (seen.view_ids[rim] == 0).mean() > 0.9
    off = np.abs(seen.rgb - rgb / 255)[rim].mean(-1)
    assert np.median(off) < 0.05


def test_what_stood_before_the_points_is_seen_again_from_the_same_place(view, start) -> None:
    """Nobody is sure of a near thing's depth, and the wall behind it has points of other views."""
    memory = Memory()
    memory.add(replace(view, confidence=np.ones((H, W), np.float32)))
    aside = moved(start, 0.6)
    wall = memory.render(aside, H, W)
    rgb = (wall.rgb.numpy() * 255).round().astype(np.uint8)
    depth = wall.depth.numpy().copy()
    rgb[BLOCK], depth[BLOCK] = 90, 0.6 * depth[BLOCK]
    memory.add(View(1, aside, rgb, depth, view.confidence))
    points = memory.render(aside, H, W)
    covered = points.coverage.numpy()[BLOCK] > 0.9
    assert covered.mean() > 0.5
    assert not (points.view_ids.numpy()[BLOCK] == 1).any()
    seen = look(memory, aside, H, W)
    np.testing.assert_allclose(seen.rgb[BLOCK], 90 / 255, atol=1e-6)
    np.testing.assert_allclose(seen.depth[BLOCK], memory.views[1].depth[BLOCK])
    assert (seen.view_ids[BLOCK] == 1).all()
    farther = look(memory, moved(start, 0.9), H, W)
    assert not (farther.view_ids[BLOCK] == 1).any()


def test_drawn_depth_keeps_out_of_what_the_photo_looks_through(room, view, start) -> None:
    memory = Memory()
    memory.add(replace(view, confidence=None))
    aside = moved(start, 0.3)
    truth = room.look(aside, H, W)[1]
    too_near = np.where(np.isfinite(truth), 0.7 * truth, truth).astype(np.float32)
    unseen = replace(look(memory, aside, H, W), coverage=np.zeros((H, W), np.float32))
    fused = fused_with(too_near, unseen)
    assert fused.scale is None
    moved_back = np.isfinite(truth) & (fused.depth > too_near)
    assert moved_back.mean() > 0.5
    error = np.abs(np.log(fused.depth[moved_back] / truth[moved_back]))
    assert np.median(error) < 0.02
    nowhere = replace(unseen, free_space=None)
    np.testing.assert_array_equal(fused_with(too_near, nowhere).depth, too_near)
