import math

import numpy as np
import pytest

from engine.geometry.cameras import Camera, Intrinsics
from engine.geometry.rotations import rotation_about_y, rotation_angle
from engine.geometry.trajectories.trajectory import (
    Trajectory,
    TrajectoryError,
    reach,
    rebased,
    resample,
)

LENS = Intrinsics(0.8, 1.4)


def camera(x, yaw=0.0, lens=LENS):
    T = np.eye(4)
    T[:3, :3] = rotation_about_y(yaw)
    T[0, 3] = x
    return Camera(T, lens)


def test_resampling_keeps_both_ends_and_an_even_pace():
    path = Trajectory((camera(0), camera(1, 0.4), camera(4, 1.2)), "realestate10k")
    out = resample(path, 9).cameras
    assert [round(c.position[0], 9) for c in out] == [0, 0.25, 0.5, 0.75, 1, 1.75, 2.5, 3.25, 4]
    angles = [rotation_angle(c.T_world_camera[:3, :3]) for c in out]
    assert np.allclose(angles, [0, 0.1, 0.2, 0.3, 0.4, 0.6, 0.8, 1.0, 1.2])


def test_resampling_follows_the_clock():
    path = Trajectory(
        (camera(0), camera(3), camera(4)), "realestate10k", timestamps=(1.0, 4.0, 5.0)
    )
    out = resample(path, 5)
    assert np.allclose([c.position[0] for c in out.cameras], [0, 1, 2, 3, 4])
    assert out.timestamps == (1.0, 2.0, 3.0, 4.0, 5.0)
    still = Trajectory(path.cameras, "realestate10k", timestamps=(0.0, 0.0, 0.0))
    assert np.allclose([c.position[0] for c in resample(still, 3).cameras], [0, 3, 4])


def test_zoom_is_resampled_by_ratio():
    path = Trajectory((camera(0, lens=Intrinsics(0.5, 0.5)), camera(1, lens=Intrinsics(2, 2))), "x")
    assert resample(path, 3).cameras[1].intrinsics.fx == pytest.approx(1.0)


def test_one_camera_can_be_resampled():
    path = Trajectory((camera(2),), "x")
    assert [c.position[0] for c in resample(path, 3).cameras] == [2, 2, 2]
    assert len(resample(path, 1).cameras) == 1
    with pytest.raises(TrajectoryError, match="at least 1"):
        resample(path, 0)


def test_a_rebased_path_starts_at_the_photo_and_keeps_its_motion():
    path = [camera(5, 0.3), camera(7, 0.3), camera(5, 0.8, Intrinsics(1.6, 2.8))]
    T = np.eye(4)
    T[:3, 3] = (0, -1, 10)
    start = Camera(T, Intrinsics(1.1, 1.9, 0.4, 0.6))
    out = rebased(path, start, scale=0.5)
    assert np.allclose(out[0].T_world_camera, start.T_world_camera)
    assert out[0].intrinsics == start.intrinsics
    # Two to the world's right, seen from a camera yawed by 0.3, at half the scale.
    step = np.array([math.cos(0.3), 0, math.sin(0.3)])
    assert np.allclose(out[1].position - start.position, step)
    assert np.allclose(out[2].relative_to(start).T_world_camera[:3, :3], rotation_about_y(0.5))
    assert out[2].intrinsics == Intrinsics(2.2, 3.8, 0.4, 0.6)


def test_rebasing_onto_its_own_start_changes_nothing():
    path = [camera(5, 0.3), camera(7, 0.9)]
    for a, b in zip(rebased(path, path[0], 1.0), path, strict=True):
        assert np.allclose(a.T_world_camera, b.T_world_camera)


@pytest.mark.parametrize("scale", [0.0, -1.0, math.nan, math.inf])
def test_impossible_scales_are_refused(scale):
    with pytest.raises(TrajectoryError, match="scale"):
        rebased([camera(0)], camera(0), scale)


def test_reach_is_the_farthest_from_the_start():
    assert reach([camera(1), camera(4), camera(-1)]) == 3.0


def test_an_empty_trajectory_is_none():
    with pytest.raises(TrajectoryError, match="no cameras"):
        Trajectory((), "x")
