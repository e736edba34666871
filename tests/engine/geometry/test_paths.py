import math
from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.geometry.cameras import Camera, Intrinsics
from engine.geometry.paths import (
    FORWARD_REACH,
    LOOK_AROUND_DEGREES,
    PATH_NAMES,
    STRAFE_REACH,
    PathError,
    named_path,
    path_views,
    room_ahead,
    way_out_views,
)
from engine.geometry.rotations import rotation_angle

LENS = Intrinsics.from_fov(65.0, 16 / 9)
HOME = Camera(np.eye(4), LENS)
SIMPLE = [n for n in PATH_NAMES if n != "forth-and-back"]
BOTH_WAYS = ["forth-and-back", *(f"forth-and-back:{n}" for n in SIMPLE)]


@pytest.mark.parametrize("name", [*SIMPLE, *BOTH_WAYS])
@pytest.mark.parametrize("views", [1, 2, 7, 32])
def test_a_path_has_the_views_asked_for_and_leaves_the_start(name, views):
    path = named_path(name, views, HOME, 1.0)
    assert len(path) == views
    assert all(c.intrinsics == LENS for c in path)
    assert all(pose_distance(c, HOME) > 1e-3 for c in path[:1])


@given(
    name=st.sampled_from([*SIMPLE, *BOTH_WAYS]),
    scale=st.floats(0.01, 1000.0),
    views=st.integers(1, 12),
    shift=st.tuples(*[st.floats(-100, 100)] * 3),
)
@settings(max_examples=40)
def test_a_macro_shot_and_a_valley_get_the_same_motion(name, scale, views, shift):
    T = np.eye(4)
    T[:3, :3] = [[0, 0, 1], [1, 0, 0], [0, 1, 0]]
    T[:3, 3] = shift
    start = Camera(T, LENS)
    for a, b in zip(
        named_path(name, views, HOME, 1.0), named_path(name, views, start, scale), strict=True
    ):
        expected = a.T_world_camera
        assert np.allclose(b.relative_to(start, scale).T_world_camera, expected, atol=1e-6)


def pose_distance(a, b):
    """Distance of centres plus the angle between the views in radians."""
    turn = rotation_angle(a.T_world_camera[:3, :3].T @ b.T_world_camera[:3, :3])
    return float(np.linalg.norm(a.position - b.position)) + turn


def positions(name, views=64, **room):
    return np.stack([c.position for c in named_path(name, views, HOME, 1.0, **room)])


def test_forward_ends_ahead():
    path = positions("forward")
    assert np.allclose(path[-1], [0, 0, FORWARD_REACH])
    assert (np.diff(path[:, 2]) > 0).all()
    assert np.abs(path[:, :2]).max() == 0


def test_strafe_reaches_both_sides_without_turning():
    path = named_path("strafe", 60, HOME, 1.0)
    x = np.array([c.position[0] for c in path])
    assert x.max() == pytest.approx(STRAFE_REACH, abs=1e-3)
    assert x[-1] == pytest.approx(-STRAFE_REACH)
    assert all((c.T_world_camera[:3, :3] == np.eye(3)).all() for c in path)


def test_orbit_keeps_its_point_in_the_middle_at_its_distance():
    for camera in named_path("orbit", 20, HOME, 3.0):
        target = camera.T_camera_world @ [0, 0, 3.0, 1]
        assert np.allclose(target, [0, 0, 3.0, 1], atol=1e-9)
    assert camera.position[0] > 1.0  # to the right


def test_look_around_turns_on_the_spot():
    path = named_path("look-around", 60, HOME, 1.0)
    yaw = np.degrees([math.atan2(c.forward[0], c.forward[2]) for c in path])
    assert yaw.max() == pytest.approx(LOOK_AROUND_DEGREES, abs=1e-2)
    assert yaw[-1] == pytest.approx(-LOOK_AROUND_DEGREES)
    assert all((c.position == 0).all() and abs(c.forward[1]) < 1e-12 for c in path)


def test_the_spiral_looks_at_one_point_and_never_rolls():
    for camera in named_path("spiral", 40, HOME, 2.0):
        target = camera.T_camera_world @ [0, 0, 3.0, 1]
        assert np.abs(target[:2]).max() < 1e-9
        assert abs(camera.T_world_camera[1, 0]) < 1e-9  # its x axis stays level


@pytest.mark.parametrize("name", SIMPLE)
def test_no_path_sinks_below_the_start(name):
    assert positions(name)[:, 1].max() <= 1e-12  # y is down


@pytest.mark.parametrize("name", SIMPLE)
def test_motion_is_smooth(name):
    path = [HOME, *named_path(name, 120, HOME, 1.0)]
    steps = np.array([pose_distance(a, b) for a, b in pairwise(path)])
    assert steps.max() < 2.5 * np.median(steps)
    assert steps[0] < 0.75 * np.median(steps)  # sets off softly
    assert steps[-1] < 0.75 * np.median(steps)  # and stops softly


@pytest.mark.parametrize("name", BOTH_WAYS)
@pytest.mark.parametrize("views", [2, 3, 16, 31, 32, 33, 39, 64])
def test_the_way_back_runs_between_the_cameras_of_the_way_out(name, views):
    path = path_views(name, views, HOME, 1.0)
    split = way_out_views(name, views)
    out, back = path[:split], path[split:]
    assert [v.leg for v in path] == ["out"] * split + ["back"] * len(back)
    assert len(out) - len(back) in (0, 1)
    cameras = [HOME, *(v.camera for v in out)]
    step = np.median([pose_distance(a, b) for a, b in pairwise(cameras)])
    out_progress = np.array([0.0, *(v.progress for v in out)])
    for i, view in enumerate(back):
        gap = len(out) - i
        assert out_progress[gap - 1] < view.progress < out_progress[gap]
        assert min(pose_distance(view.camera, c) for c in cameras) > 0.1 * step
    if views == 64:
        assert pose_distance(back[-1].camera, HOME) < 1.2 * step  # home again


def test_the_way_out_is_the_path_itself():
    out = path_views("forth-and-back:orbit", 16, HOME, 1.0)[:8]
    for view, camera in zip(out, named_path("orbit", 8, HOME, 1.0), strict=True):
        assert (view.camera.T_world_camera == camera.T_world_camera).all()
    assert way_out_views("orbit", 8) == 8


def test_nothing_is_hit_when_the_room_is_short():
    assert positions("forward", room=0.2)[-1, 2] == pytest.approx(0.12)
    assert positions("forward", room=math.inf)[-1, 2] == pytest.approx(FORWARD_REACH)
    assert positions("spiral", room=0.2)[:, 2].max() < 0.12


def test_room_ahead_is_what_stands_in_the_middle():
    depth = torch.full((40, 60), math.inf)
    assert room_ahead(depth) == math.inf
    depth[:, :10] = 0.1  # aside
    assert room_ahead(depth) == math.inf
    depth[15:30, 20:40] = 3.0
    depth[20, 30] = 0.01  # one wrong pixel
    depth[21, 30] = math.nan
    assert room_ahead(depth) == pytest.approx(3.0)
    assert room_ahead(torch.full((40, 60), math.nan)) == math.inf


@pytest.mark.parametrize(
    "name",
    [
        "",
        "backward",
        "Forward",
        "forward:orbit",
        "forward:",
        "forth-and-back:",
        "forth-and-back:forth-and-back",
        "forth-and-back:nowhere",
        "orbit:",
    ],
)
def test_unknown_paths_are_refused_in_one_sentence(name):
    with pytest.raises(PathError) as error:
        named_path(name, 4, HOME, 1.0)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(("views", "scale"), [(0, 1.0), (4, 0.0), (4, math.nan), (4, math.inf)])
def test_impossible_sizes_are_refused(views, scale):
    with pytest.raises(PathError):
        named_path("forward", views, HOME, scale)
    with pytest.raises(PathError, match="room"):
        named_path("forward", 4, HOME, 1.0, room=0.0)
