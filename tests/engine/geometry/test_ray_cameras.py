import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.geometry.cameras import Camera, Intrinsics
from engine.geometry.lenses import LensModel
from engine.geometry.metrics import rotation_error_degrees
from engine.geometry.ray_cameras import camera_from_rays
from engine.geometry.rays import plucker_rays
from engine.geometry.rotations import rotation_from_vector

WIDE = Intrinsics.from_fov(60.0, 16 / 9)


def posed(turn, place, lens=WIDE):
    T = np.eye(4)
    T[:3, :3] = rotation_from_vector(np.array(turn, dtype=np.float64))
    T[:3, 3] = place
    return Camera(T, lens)


@given(
    turn=st.tuples(*[st.floats(-2.0, 2.0)] * 3),
    place=st.tuples(*[st.floats(-5.0, 5.0)] * 3),
    fx=st.floats(0.35, 2.5),
    ratio=st.floats(0.7, 1.4),
    centre=st.tuples(st.floats(0.3, 0.7), st.floats(0.3, 0.7)),
    size=st.sampled_from([(9, 16), (5, 7), (16, 9)]),
)
@settings(max_examples=60)
def test_every_camera_comes_back_from_its_own_rays(turn, place, fx, ratio, centre, size):
    lens = Intrinsics(fx, fx * ratio * size[1] / size[0], *centre)
    truth = posed(turn, place, lens)
    found = camera_from_rays(plucker_rays(truth, *size))
    assert rotation_error_degrees(found.camera, truth) < 2e-3
    assert np.abs(found.camera.position - truth.position).max() < 1e-4
    got = found.camera.intrinsics
    assert (got.fx, got.fy) == pytest.approx((lens.fx, lens.fy), rel=1e-4)
    assert (got.cx, got.cy) == pytest.approx((lens.cx, lens.cy), abs=1e-4)
    assert found.direction_error_degrees < 1e-3
    assert found.moment_error < 1e-5


@pytest.mark.parametrize("lens", list(LensModel))
def test_noisy_rays_with_wrong_ones_among_them(lens, rng):
    for _ in range(5):
        truth = posed(rng.normal(size=3) * 0.3, rng.normal(size=3) * 0.5)
        rays = plucker_rays(truth, 9, 16).double()
        rays += torch.from_numpy(rng.normal(0, 0.01, rays.shape))
        rays[:, 2:4, 3:6] = torch.from_numpy(rng.normal(size=(6, 2, 3)))
        found = camera_from_rays(rays, lens, WIDE if lens is LensModel.KNOWN else None)
        # A free principal point is hardly told from a turn.
        turned = 3.0 if lens is LensModel.FREE else 0.6
        assert rotation_error_degrees(found.camera, truth) < turned
        assert np.linalg.norm(found.camera.position - truth.position) < 0.015
        assert found.camera.intrinsics.fx == pytest.approx(WIDE.fx, rel=0.02)
        assert 0.9 < found.agreeing < 0.97  # 6 of 144 are wrong
        assert 0.4 < found.direction_error_degrees < 1.2  # 0.01 is 0.57°
        assert 0.005 < found.moment_error < 0.03


def test_noise_does_not_pull_the_centre_back_along_the_view(rng):
    truth = posed((0, 0, 0), (0.0, 0.0, 4.0), Intrinsics.from_fov(30.0, 16 / 9))
    places = []
    for _ in range(20):
        rays = plucker_rays(truth, 9, 16).double()
        rays[3:] += torch.from_numpy(rng.normal(0, 0.03, rays[3:].shape))
        found = camera_from_rays(rays, LensModel.KNOWN, truth.intrinsics)
        places.append(found.camera.position[2])
    assert np.mean(places) == pytest.approx(4.0, abs=0.05)


def test_a_known_lens_is_kept():
    wrong = Intrinsics.from_fov(50.0, 16 / 9)
    rays = plucker_rays(posed((0.1, 0, 0), (1, 2, 3)), 9, 16)
    assert camera_from_rays(rays, LensModel.KNOWN, wrong).camera.intrinsics == wrong
    assert camera_from_rays(rays, LensModel.KNOWN, wrong).direction_error_degrees > 1.0


@pytest.mark.parametrize(
    ("rays", "complaint"),
    [
        (torch.zeros(5, 4, 4), "6, h, w"),
        (torch.full((6, 4, 4), torch.nan), "finite"),
        (torch.zeros(6, 4, 4), "direction"),
    ],
)
def test_what_are_no_rays_is_refused(rays, complaint):
    with pytest.raises(ValueError, match=complaint):
        camera_from_rays(rays)


def test_a_known_lens_must_be_given():
    with pytest.raises(ValueError, match="known lens"):
        camera_from_rays(plucker_rays(posed((0, 0, 0), (0, 0, 0)), 4, 4), LensModel.KNOWN)
