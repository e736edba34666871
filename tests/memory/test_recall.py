"""Views recalled from the same place, against what the scene truly looks like from there."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from memory import recall
from memory.benchmark.house import Boxes
from memory.config import MemoryConfig
from memory.memory import Memory
from memory.recall import PARALLAX, TURNED, parallax, standing_near
from tests.memory.scenes import H, W, camera, pictures, wall

BOXES = [wall(z=3.0), ((-0.6, -0.6, 2.0), (0.2, 0.6, 2.3))]


def picture(where, view_id=0):
    return pictures(BOXES, [where], start=view_id)[0]


def arrays(again):
    return again and recall.Recalled(**{k: v.numpy() for k, v in vars(again).items()})


def recalled(views, asked, height, width):
    return arrays(recall.recalled(views, asked, height, width))


def remembered(*views, **config):
    memory = Memory(MemoryConfig(**config))
    for view in views:
        memory.add(view)
    return memory


def test_the_very_same_camera_shows_the_very_same_picture():
    view = picture(camera(x=0.3, yaw=0.2))
    again = recalled([view], view.camera, H, W)
    assert np.array_equal((again.rgb * 255).round().astype(np.uint8), view.rgb)
    assert np.array_equal(again.depth, view.depth)
    assert (again.view_ids == 0).all()


@given(yaw=st.floats(-0.5, 0.5))
def test_a_turned_camera_sees_the_true_depth_where_the_view_reaches(yaw):
    asked = camera(yaw=yaw)
    again, truth = recalled([picture(camera())], asked, H, W), picture(asked)
    there = again.view_ids == 0
    assert there.mean() == pytest.approx(1 - abs(yaw) / np.radians(70), abs=0.12)
    off = np.abs(again.depth[there] / truth.depth[there] - 1)
    # At a silhouette the nearest pixel may be the other surface's.
    assert np.quantile(off, 0.9) < 0.02
    assert np.isnan(again.depth[~there]).all()


def test_what_lies_behind_the_camera_is_not_recalled():
    assert recalled([picture(camera())], camera(yaw=np.pi), H, W) is None


def test_a_step_aside_is_too_far_for_it():
    view = picture(camera())
    pixel = 2.0 / (view.camera.intrinsics.fx * W)  # moves the nearest surface by one pixel
    assert parallax(view, camera(x=pixel), W) == pytest.approx(1.0, rel=0.02)
    assert recalled([view], camera(x=0.9 * PARALLAX * pixel), H, W) is not None
    assert recalled([view], camera(x=1.1 * PARALLAX * pixel), H, W) is None


def test_the_first_view_of_the_same_place_wins_and_others_fill_what_it_lacks():
    views = [picture(camera(yaw=a), i) for i, a in enumerate((0.0, 0.6, 0.0, -0.6))]
    memory = remembered(*views)
    again = arrays(memory.recall(camera(yaw=0.3), H, W))
    assert set(np.unique(again.view_ids)) - {-1} == {0, 1}
    assert (again.view_ids < 0).mean() < 0.02, "only corners are seen by neither"
    same = arrays(memory.recall(camera(), H, W))
    assert (same.view_ids == 0).all()
    alone = arrays(remembered(*views, views_recalled=1).recall(camera(yaw=0.3), H, W))
    assert (alone.view_ids < 0).mean() > 0.1


def test_the_photo_outweighs_points_as_long_as_the_camera_stands_in_its_place():
    photo, drawn = picture(camera(), 0), picture(camera(), 1)
    assert (recalled([photo], camera(), H, W).weight == 1).all()
    half = 0.5 * PARALLAX * 2.0 / (photo.camera.intrinsics.fx * W)
    assert recalled([photo], camera(x=half), H, W).weight == pytest.approx(0.5, abs=0.02)
    assert (recalled([drawn], camera(yaw=0.1), H, W).weight == 0).all()
    both = remembered(photo, picture(camera(yaw=0.29), 1))
    turned = arrays(both.recall(camera(yaw=0.3), H, W))
    assert turned.view_ids[H // 2, 5] == 0, "though the other view is turned more like it"


def test_a_drawn_view_outweighs_points_for_its_own_camera_alone():
    photo, drawn = picture(camera(), 0), picture(camera(x=0.3, yaw=0.2), 1)
    memory = remembered(photo, drawn)
    again = arrays(memory.recall(drawn.camera, H, W))
    assert (again.view_ids == 1).all()
    assert (again.weight == 1).all()
    pixel = 1.0 / (drawn.camera.intrinsics.fx * W)  # radians at the picture's centre
    part = memory.recall(camera(x=0.3, yaw=0.2 + 0.2 * TURNED * pixel), H, W).weight.numpy()
    assert 0.5 < part[part > 0].min() < 0.9
    turned = arrays(memory.recall(camera(x=0.3, yaw=0.2 + 1.1 * TURNED * pixel), H, W))
    assert (turned.weight == 0).all()
    assert (turned.view_ids == 1).mean() > 0.9


def test_only_views_near_by_are_asked_for():
    views = [picture(camera(x=x), i) for i, x in enumerate((0.0, 1.0, 0.0, 2.0, 1e-6))]
    memory = remembered(*views)
    ids = standing_near(memory._poses.poses, camera(), W, 1.0, 8)
    assert ids.tolist() == [0, 2, 4]
    assert standing_near(memory._poses.poses, camera(), W, 1.0, 2).tolist() == [0, 2]


def test_views_without_depth_and_an_empty_memory_recall_nothing():
    bare = dataclasses.replace(picture(camera()), depth=None, confidence=None)
    assert recalled([bare], camera(), H, W) is None
    assert Memory().recall(camera(), H, W) is None


def test_unknown_depth_stays_unknown_and_sky_stays_sky():
    view = pictures(Boxes.of([((-8.0, 0.5, -8.0), (8.0, 0.6, 8.0))]), [camera()])[0]
    depth = view.depth.copy()
    depth[:5] = np.nan
    again = recalled([dataclasses.replace(view, depth=depth)], view.camera, H, W)
    assert (again.view_ids[:5] == -1).all()
    assert np.isinf(again.depth[6 : H // 3]).all()
