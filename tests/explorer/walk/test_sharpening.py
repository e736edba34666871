"""A walk at the photo's own resolution, drawn by a stand-in that knows the room."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from engine.geometry.cameras import Camera
from engine.queries.photo_depth import size_for_depth
from explorer.walk.photo import Photo
from explorer.walk.records import DrawnView, WalkSettings
from explorer.walk.sharpening import depth_input, picture_of_photo, reduced, small_depth
from explorer.walk.walk import Walk
from memory.config import MemoryConfig
from memory.memory import Memory
from memory.pictures.picture import Picture
from tests.explorer.walk.test_walk import draw, finish, path

SIZE = W, H = 432, 240


@pytest.fixture
def large(room, start) -> np.ndarray:
    return np.round(room.look(start, H, W)[0] * 255).astype(np.uint8)


@pytest.fixture
def photo(room_photo, large) -> Photo:
    return replace(room_photo, picture=large)


@pytest.fixture
def new_walk(photo, fake):
    def make(**settings) -> Walk:
        return Walk(photo, None, Memory(MemoryConfig()), WalkSettings(**settings))

    return make


def equal(a: Picture, b: Picture) -> bool:
    depths = (a.depth is None) == (b.depth is None)
    if a.depth is not None and b.depth is not None:
        depths = np.array_equal(a.depth, b.depth, equal_nan=True)
    return depths and np.array_equal(a.rgb, b.rgb)


def same(a: DrawnView, b: DrawnView) -> bool:
    return equal(a.picture, b.picture) and np.array_equal(a.view.rgb, b.view.rgb)


def test_the_photos_depth_is_drawn_from_the_detail_that_its_file_has(photo, room_photo) -> None:
    rows, columns = size_for_depth((80, 144))
    wide = replace(room_photo, picture=np.full((2 * rows, 2 * columns, 3), 77, np.uint8))
    assert depth_input(wide).shape == (rows, columns, 3)
    assert (depth_input(wide) == 77).all()
    assert depth_input(room_photo) is room_photo.rgb
    little = replace(room_photo, picture=np.zeros((rows - 1, columns, 3), np.uint8))
    assert depth_input(little) is little.rgb


def test_the_photos_small_depth_holds_nothing_between_two_surfaces(room, start, room_photo) -> None:
    depth = room.look(start, 112, 208)[1]
    small = small_depth(depth, room_photo)
    assert small.shape == (80, 144)
    assert np.isin(small, depth).all()
    truth = room.look(start, 80, 144)[1]
    both = np.isfinite(small) & np.isfinite(truth)
    assert both.sum() > 0.97 * np.isfinite(truth).sum()
    assert (np.abs(small[both] / truth[both] - 1) < 0.1).mean() > 0.97


def test_the_photos_picture_gets_a_depth_with_its_own_edges(room, start, photo) -> None:
    made = picture_of_photo(photo, room.look(start, 80, 144)[1])
    truth = room.look(start, H, W)[1]
    assert np.array_equal(made.rgb, photo.picture)
    assert (np.isinf(made.depth) == np.isinf(truth)).mean() > 0.99
    both = np.isfinite(made.depth) & np.isfinite(truth)
    assert (np.abs(made.depth[both] / truth[both] - 1) < 0.05).mean() > 0.98
    assert picture_of_photo(replace(photo, picture=None), truth) is None


def test_unknown_depth_is_no_hole_in_the_picture(room, start, photo) -> None:
    depth = room.look(start, 80, 144)[1]
    depth[60:70, 20:40] = np.nan
    assert not np.isnan(picture_of_photo(photo, depth).depth).any()


def test_a_view_is_its_picture_reduced(new_walk, start, photo) -> None:
    first, *others = draw(new_walk(), path(start, 3))
    assert np.array_equal(first.picture.rgb, photo.picture)
    assert np.array_equal(first.view.rgb, photo.rgb)
    for drawn in others:
        assert drawn.picture.size == SIZE
        assert drawn.picture.depth.shape == (H, W)
        assert np.array_equal(drawn.view.rgb, reduced(drawn.picture, drawn.view.rgb.shape))
        assert {"lookup", "join"} <= set(drawn.seconds)


def test_pictures_are_sharper_than_the_models_enlarged(new_walk, start, fake) -> None:
    for drawn in draw(new_walk(), path(start, 3))[1:]:
        truth = fake.truth(drawn.view.camera, H, W)[0]
        enlarged = cv2.resize(drawn.view.rgb, SIZE, interpolation=cv2.INTER_CUBIC)
        off, off_before = (
            np.abs(x / 255.0 - truth).mean(-1) for x in (drawn.picture.rgb, enlarged)
        )
        assert off.mean() < off_before.mean()
        assert np.median(off) < 0.9 * np.median(off_before)
        assert (
            np.median(off) < 1 / 255
        )  # half of the picture, at least, is as good as bytes can say


def test_depth_follows_the_picture(new_walk, start, fake) -> None:
    for drawn in draw(new_walk(), path(start, 3))[1:]:
        truth = fake.truth(drawn.view.camera, H, W)[1]
        depth = drawn.picture.depth
        assert not np.isnan(depth).any()
        assert (np.isinf(depth) == np.isinf(truth)).mean() > 0.97
        both = np.isfinite(depth) & np.isfinite(truth)
        assert np.median(np.abs(np.log(depth[both] / truth[both]))) < 0.02


def test_back_at_the_photos_camera_it_is_the_photo_bit_for_bit(new_walk, start, photo) -> None:
    walk = new_walk()
    out = path(start, 4)
    draw(walk, [*out, *out[-2::-1]])
    home = finish(walk.step(start))
    assert np.array_equal(home.picture.rgb, photo.picture)


def test_where_a_view_stands_it_is_seen_again_bit_for_bit(new_walk, start) -> None:
    walk = new_walk()
    finish(walk.start())
    cameras = path(start, 3)
    first = [finish(walk.step(camera)) for camera in cameras]
    again = finish(walk.step(Camera(cameras[1].T_world_camera.copy(), cameras[1].intrinsics)))
    assert np.array_equal(again.picture.rgb, first[1].picture.rgb)
    assert again.picture.depth.tobytes() == first[1].picture.depth.tobytes()
    assert not np.array_equal(again.picture.rgb, first[2].picture.rgb)


def test_restoring_gives_the_same_next_picture(new_walk, start) -> None:
    cameras = path(start, 4, "forth-and-back:strafe")
    whole = draw(new_walk(), cameras)
    walk = new_walk()
    for drawn in whole[:3]:
        stored = Picture.read(drawn.picture.stored())
        walk.restore(replace(drawn, picture=stored))
    for camera, expected in zip(cameras[2:], whole[3:], strict=True):
        assert same(finish(walk.step(camera)), expected)


def test_rewinding_gives_the_same_next_picture(new_walk, start) -> None:
    cameras = path(start, 3)
    walk = new_walk()
    whole = draw(walk, cameras)
    walk.rewind(1)
    assert walk.memory.pictures.ids == [0, 1]
    for camera, expected in zip(cameras[1:], whole[2:], strict=True):
        assert same(finish(walk.step(camera)), expected)


def test_a_depth_that_is_drawn_later_comes_to_the_picture_too(new_walk, start, fake) -> None:
    walk = new_walk(depth_every=2)
    drawn = draw(walk, path(start, 2))
    assert [d.picture.depth is not None for d in drawn] == [True, False, True]
    assert walk.memory.pictures.source(1) is None
    later = finish(walk.draw_depth(drawn[1]))
    assert np.array_equal(later.picture.rgb, drawn[1].picture.rgb)
    truth = fake.truth(later.view.camera, H, W)[1]
    both = np.isfinite(later.picture.depth) & np.isfinite(truth)
    assert np.median(np.abs(np.log(later.picture.depth[both] / truth[both]))) < 0.02
    assert np.array_equal(walk.memory.pictures.source(1).rgb, later.picture.rgb)


def test_without_memory_the_models_picture_is_enlarged(new_walk, start) -> None:
    drawn = draw(new_walk(strategy="none"), path(start, 1))[1]
    enlarged = cv2.resize(drawn.raw_rgb, SIZE, interpolation=cv2.INTER_CUBIC)
    assert np.array_equal(drawn.picture.rgb, enlarged)
    assert drawn.picture.depth.shape == (H, W)


def test_looking_away_from_all_that_is_known(new_walk, start) -> None:
    walk = new_walk()
    finish(walk.start())
    back: Camera = start.moved(np.diag([-1.0, 1.0, -1.0, 1.0]))
    drawn = finish(walk.step(back))
    enlarged = cv2.resize(drawn.raw_rgb, SIZE, interpolation=cv2.INTER_CUBIC)
    assert np.array_equal(drawn.picture.rgb, enlarged)


def test_a_walk_of_one_size_has_no_pictures(room_photo, fake, start) -> None:
    walk = Walk(room_photo, None, Memory(), WalkSettings())
    assert all(d.picture is None for d in draw(walk, path(start, 1)))
