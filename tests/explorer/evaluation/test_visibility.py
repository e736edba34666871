from typing import Any

import numpy as np
import pytest

from engine.geometry.cameras import Camera, Intrinsics
from explorer.evaluation.scenes import TrueView
from explorer.evaluation.visibility import DepthView, visibility

LENS = Intrinsics.from_fov(70.0, 160 / 96)


def depth_view(view: TrueView) -> DepthView:
    assert view.depth is not None
    return DepthView(view.depth, view.camera)


def test_a_view_sees_all_of_itself(boxes: Any) -> None:
    view = depth_view(boxes.view(boxes.camera()))
    shown = visibility(view, [view])
    assert shown.seen.all()
    assert not shown.hole.any()


def test_holes_are_behind_the_box_and_beyond_the_frame(boxes: Any) -> None:
    photo = depth_view(boxes.view(boxes.camera()))
    moved = boxes.view(boxes.camera(x=0.5))
    shown = visibility(depth_view(moved), [photo])

    # By hand: wall points (x, y, 4) are hidden where the photo's ray meets the box front at
    # (x/2, y/2, 2), and out of the photo where |x| exceeds half its width at z = 4.
    u = (np.arange(160) + 0.5) / 160
    v = (np.arange(96) + 0.5) / 96
    x = 0.5 + 4 * (u[None, :] - 0.5) / LENS.fx + np.zeros((96, 1))
    y = 4 * (v[:, None] - 0.5) / LENS.fy + np.zeros((1, 160))
    on_wall = np.isclose(moved.depth, 4.0)
    behind = on_wall & (np.abs(x / 2) < 0.5) & (y / 2 > -0.4) & (y / 2 < 0.6)
    outside = on_wall & (np.abs(x) > 4 * 0.5 / LENS.fx)
    expected = behind | outside
    assert 0.05 < expected.mean() < 0.4
    # One pixel along the borders may differ: there a pixel is half one and half the other.
    assert (shown.hole != expected).mean() < 0.03
    assert (shown.hole & expected).sum() > 0.9 * expected.sum()
    assert not (shown.hole & shown.seen).any()


def test_the_front_of_the_box_is_seen_from_both(boxes: Any) -> None:
    photo = depth_view(boxes.view(boxes.camera()))
    moved = boxes.view(boxes.camera(x=0.3, z=0.3))
    shown = visibility(depth_view(moved), [photo])
    assert shown.seen[moved.depth < 1.8].mean() > 0.97


def test_sky_is_seen_as_a_direction(boxes: Any) -> None:
    sky = np.full((96, 160), np.inf, np.float32)
    photo = DepthView(sky, boxes.camera())
    assert visibility(DepthView(sky, boxes.camera(x=100.0)), [photo]).seen.all()
    turned = visibility(DepthView(sky, boxes.camera(yaw=35.0)), [photo])
    assert turned.hole[:, 85:].all()  # half of the field of view away: the right half is new
    assert turned.seen[16:80, :75].all()


def test_a_second_view_closes_holes(boxes: Any) -> None:
    photo = depth_view(boxes.view(boxes.camera()))
    other = depth_view(boxes.view(boxes.camera(x=1.0)))
    moved = depth_view(boxes.view(boxes.camera(x=0.5)))
    alone, both = visibility(moved, [photo]), visibility(moved, [photo, other])
    assert both.hole.sum() < 0.5 * alone.hole.sum()


def test_unmeasured_depth_is_neither_seen_nor_hole(boxes: Any) -> None:
    photo = depth_view(boxes.view(boxes.camera()))
    unmeasured = photo.depth.copy()
    unmeasured[:, :40] = np.nan
    shown = visibility(DepthView(unmeasured, photo.camera), [photo])
    assert not (shown.seen | shown.hole)[:, :40].any()
    shown = visibility(photo, [DepthView(unmeasured, photo.camera)])
    assert not (shown.seen | shown.hole)[:, :38].any()
    assert shown.seen[:, 40:].all()


@pytest.mark.parametrize("tilt", [60.0, 80.0])
def test_a_slanted_wall_does_not_hide_itself(tilt: float) -> None:
    """Depth grows fast along it, but one pixel further is still the same surface."""

    def wall(camera: Camera) -> DepthView:
        u, _ = np.meshgrid((np.arange(160) + 0.5) / 160, np.arange(96))
        slope = np.tan(np.radians(tilt))  # the wall is z = 3 + slope * x
        ray_x = (u - 0.5) / LENS.fx
        with np.errstate(divide="ignore"):
            depth = (3 + slope * camera.position[0] - camera.position[2]) / (1 - slope * ray_x)
        return DepthView(np.where(depth > 0, depth, np.inf).astype(np.float32), camera)

    T = np.eye(4)
    T[:3, 3] = (0.2, 0.0, 0.1)
    shown = visibility(wall(Camera(T, LENS)), [wall(Camera(np.eye(4), LENS))])
    assert shown.seen[:, 20:].mean() > 0.95
