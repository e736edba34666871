import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.geometry.cameras import Camera, Intrinsics
from engine.geometry.keypoints import depth_at, lifted, projected
from engine.geometry.rotations import rotation_from_vector

LENS = Intrinsics(0.8, 1.3, 0.45, 0.55)


@given(place=st.tuples(st.floats(0.5, 31.5), st.floats(0.5, 17.5)))
def test_depth_on_a_slanted_plane_is_exact_between_pixels(place):
    v, u = np.mgrid[:18, :32] + 0.5
    depth = 1.0 / (0.2 + 0.002 * u + 0.003 * v)
    found = depth_at(depth, np.array([place]))
    assert found[0] == pytest.approx(1.0 / (0.2 + 0.002 * place[0] + 0.003 * place[1]), rel=1e-9)


def test_at_an_edge_the_nearest_pixel_decides():
    depth = np.full((4, 8), 2.0)
    depth[:, 4:] = 6.0
    assert depth_at(depth, np.array([[3.9, 2.0], [4.1, 2.0]])).tolist() == [2.0, 6.0]


def test_sky_unknown_and_outside_have_no_depth():
    depth = np.full((4, 8), 2.0)
    depth[0], depth[1, 0] = np.inf, np.nan
    pixels = np.array([[4.0, 0.4], [0.4, 1.5], [-0.1, 2.0], [8.0, 2.0], [np.nan, 1.0], [4.0, 2.5]])
    assert np.isnan(depth_at(depth, pixels)).tolist() == [True] * 5 + [False]


def test_points_come_back_to_their_pixels(rng):
    T = np.eye(4)
    T[:3, :3], T[:3, 3] = rotation_from_vector(np.array([0.3, -0.5, 0.1])), (1, 2, 3)
    camera = Camera(T, LENS)
    pixels = rng.uniform((0, 0), (32, 18), (50, 2))
    points = lifted(pixels, rng.uniform(1, 5, 50), camera, (18, 32))
    assert projected(points, camera, (18, 32)) == pytest.approx(pixels)
    behind = camera.position - camera.forward
    assert np.isnan(projected(behind[None], camera, (18, 32))).all()
