import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.geometry.cameras import Camera, Intrinsics
from engine.geometry.lenses import LensModel
from engine.geometry.metrics import rotation_error_degrees
from engine.geometry.pointmaps import camera_from_pointmap
from engine.geometry.projection import unproject
from engine.geometry.rotations import rotation_from_vector

SIZE = (45, 80)
LENS = Intrinsics.from_fov(65.0, 80 / 45)


def posed(turn, place, lens=LENS):
    T = np.eye(4)
    T[:3, :3] = rotation_from_vector(np.array(turn, dtype=np.float64))
    T[:3, 3] = place
    return Camera(T, lens)


def hills(unit=1.0):
    """Depth of a scene with relief, (H, W)."""
    v, u = np.mgrid[: SIZE[0], : SIZE[1]] / 10.0
    return torch.from_numpy((4.0 + np.sin(u) + np.cos(1.3 * v + u) + 0.3 * v) * unit)


@given(
    turn=st.tuples(*[st.floats(-2.0, 2.0)] * 3),
    place=st.tuples(*[st.floats(-20.0, 20.0)] * 3),
    fov=st.floats(25.0, 110.0),
    unit=st.sampled_from([0.01, 1.0, 300.0]),
)
@settings(max_examples=8)
def test_the_camera_of_an_exact_pointmap_comes_back(turn, place, fov, unit):
    truth = posed(turn, np.array(place) * unit, Intrinsics.from_fov(fov, 80 / 45))
    depth = hills(unit)
    found = camera_from_pointmap(unproject(depth, truth))
    assert rotation_error_degrees(found.camera, truth) < 0.01
    assert np.linalg.norm(found.camera.position - truth.position) < 1e-3 * unit
    assert found.camera.intrinsics.fx == pytest.approx(truth.intrinsics.fx, rel=1e-3)
    assert found.depth == pytest.approx(depth.numpy(), rel=1e-3)
    assert found.agreeing == 1.0
    assert found.reprojection_error < 0.01


def test_the_principal_point_is_found_where_it_is_asked_for():
    truth = posed((0.2, -0.4, 0.1), (1, 2, 3), Intrinsics(0.8, 1.3, 0.45, 0.56))
    found = camera_from_pointmap(unproject(hills(), truth), LensModel.FREE)
    k = found.camera.intrinsics
    assert (k.fx, k.fy, k.cx, k.cy) == pytest.approx((0.8, 1.3, 0.45, 0.56), abs=1e-3)
    centred = camera_from_pointmap(unproject(hills(), truth), LensModel.FOCALS).camera.intrinsics
    assert (centred.cx, centred.cy) == (0.5, 0.5)


def test_noise_and_wrong_points_are_withstood(rng):
    truth = posed((0.1, 0.3, 0.0), (0.5, 0, -1))
    points = unproject(hills(), truth).numpy()
    points += rng.normal(0, 0.05, points.shape)
    points[:, :10] = rng.normal(size=(45, 10, 3)) * 5
    weights = np.ones(SIZE)
    found = camera_from_pointmap(points, weights=weights)
    assert rotation_error_degrees(found.camera, truth) < 0.6
    # A wrong focal length is nearly a wrong distance: 4 % of either at a depth of five.
    assert np.linalg.norm(found.camera.position - truth.position) < 0.3
    assert found.camera.intrinsics.fx == pytest.approx(LENS.fx, rel=0.06)
    assert 0.6 < found.agreeing < 0.9  # an eighth is wrong
    # Weights can say which points are wrong.
    weights[:, :10] = 0.0
    told = camera_from_pointmap(points, LensModel.KNOWN, LENS, weights)
    assert rotation_error_degrees(told.camera, truth) < 0.2
    assert told.camera.intrinsics == LENS


def test_sky_and_unknown_stay_what_they_are():
    truth = posed((0, 0.2, 0), (0, 0, 1))
    points = unproject(hills(), truth).numpy()
    points[:5] = np.inf
    points[5:7] = np.nan
    found = camera_from_pointmap(points)
    assert np.isinf(found.depth[:5]).all()
    assert np.isnan(found.depth[5:7]).all()
    assert found.depth[7:] == pytest.approx(hills().numpy()[7:], rel=1e-3)


def test_what_is_no_pointmap_is_refused(rng):
    with pytest.raises(ValueError, match="H, W, 3"):
        camera_from_pointmap(np.zeros((5, 5)))
    with pytest.raises(ValueError, match="known points"):
        camera_from_pointmap(np.full((9, 16, 3), np.nan))
    with pytest.raises(ValueError, match="weights"):
        camera_from_pointmap(np.zeros((9, 16, 3)), weights=np.zeros((9, 9)))
    with pytest.raises(ValueError, match="known lens"):
        camera_from_pointmap(np.zeros((9, 16, 3)), LensModel.KNOWN)
    with pytest.raises(ValueError, match="no pinhole camera"):
        camera_from_pointmap(rng.normal(size=(45, 80, 3)))
