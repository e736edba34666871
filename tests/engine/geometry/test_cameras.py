import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.geometry.cameras import Camera, Intrinsics, orthonormalised
from engine.geometry.rotations import rotation_from_quaternion

small = st.floats(-5.0, 5.0)
lenses = st.builds(
    Intrinsics,
    fx=st.floats(0.2, 4.0),
    fy=st.floats(0.2, 4.0),
    cx=st.floats(-0.5, 1.5),
    cy=st.floats(-0.5, 1.5),
)


@st.composite
def cameras(draw):
    q = np.array([draw(st.floats(-1.0, 1.0)) for _ in range(4)])
    q = q if np.linalg.norm(q) > 0.1 else np.array([1.0, 0.0, 0.0, 0.0])
    T = np.eye(4)
    T[:3, :3] = rotation_from_quaternion(q)
    T[:3, 3] = [draw(small) for _ in range(3)]
    return Camera(T, draw(lenses))


@given(lens=lenses, width=st.integers(1, 4000), height=st.integers(1, 4000))
def test_intrinsics_survive_the_way_through_pixels(lens, width, height):
    again = Intrinsics.from_matrix(lens.matrix(width, height), width, height)
    assert np.allclose(
        [again.fx, again.fy, again.cx, again.cy], [lens.fx, lens.fy, lens.cx, lens.cy]
    )


@given(fov=st.floats(1.0, 170.0), aspect=st.floats(0.3, 3.0))
def test_the_field_of_view_ends_at_the_picture_border(fov, aspect):
    lens = Intrinsics.from_fov(fov, aspect)
    K = lens.matrix(width=1000, height=round(1000 / aspect))
    border = K @ [np.tan(np.radians(fov) / 2), 0.0, 1.0]
    assert border[0] == pytest.approx(1000.0)
    assert lens.horizontal_fov == pytest.approx(fov)
    assert lens.fx * aspect == pytest.approx(lens.fy)  # square pixels


@pytest.mark.parametrize("bad", [(0.0, 1.0), (1.0, -1.0), (np.nan, 1.0), (1.0, np.inf)])
def test_impossible_lenses_are_refused(bad):
    with pytest.raises(ValueError, match="focal"):
        Intrinsics(*bad)


@pytest.mark.parametrize("fov", [0.0, 180.0, np.nan])
def test_impossible_fields_of_view_are_refused(fov):
    with pytest.raises(ValueError, match="field of view"):
        Intrinsics.from_fov(fov, 1.0)


@given(camera=cameras())
def test_the_two_transforms_are_inverse(camera):
    assert np.allclose(camera.T_world_camera @ camera.T_camera_world, np.eye(4), atol=1e-12)
    assert np.allclose(camera.T_camera_world @ [*camera.position, 1.0], [0, 0, 0, 1], atol=1e-12)
    ahead = camera.T_camera_world @ [*(camera.position + camera.forward), 1.0]
    assert np.allclose(ahead, [0, 0, 1, 1], atol=1e-12)


@given(a=cameras(), b=cameras(), scale=st.floats(0.01, 100.0))
def test_moving_undoes_looking_relative(a, b, scale):
    relative = b.relative_to(a, scale)
    back = relative.T_world_camera.copy()
    back[:3, 3] *= scale
    assert np.allclose(a.moved(back).T_world_camera, b.T_world_camera, atol=1e-9)
    assert relative.intrinsics == b.intrinsics


@given(a=cameras(), b=cameras(), c=cameras())
def test_a_common_motion_of_the_world_changes_nothing_relative(a, b, c):
    moved_a, moved_b = (Camera(c.T_world_camera @ x.T_world_camera, x.intrinsics) for x in (a, b))
    expected = b.relative_to(a).T_world_camera
    assert np.allclose(moved_b.relative_to(moved_a).T_world_camera, expected, atol=1e-9)


def test_a_camera_cannot_be_changed():
    T = np.eye(4)
    camera = Camera(T, Intrinsics(1.0, 1.0))
    T[0, 3] = 5.0
    assert camera.position[0] == 0.0
    with pytest.raises(ValueError, match="read-only"):
        camera.T_world_camera[0, 3] = 1.0


@pytest.mark.parametrize(
    "T", [np.eye(3), np.diag([1, 1, -1, 1.0]), np.diag([2, 2, 2, 1.0]), np.full((4, 4), np.nan)]
)
def test_transforms_that_are_not_rigid_are_refused(T):
    with pytest.raises(ValueError, match="T_world_camera"):
        Camera(T, Intrinsics(1.0, 1.0))


def test_a_last_row_that_is_not_homogeneous_is_refused():
    T = np.eye(4)
    T[3, 0] = 1.0
    with pytest.raises(ValueError, match="last row"):
        Camera(T, Intrinsics(1.0, 1.0))


@given(camera=cameras(), seed=st.integers(0, 2**32 - 1))
def test_rounding_is_undone(camera, seed):
    noise = np.random.default_rng(seed).uniform(-1e-3, 1e-3, (3, 3))
    T = camera.T_world_camera.copy()
    T[:3, :3] += noise
    R = orthonormalised(T)[:3, :3]
    assert np.allclose(R @ R.T, np.eye(3), atol=1e-12)
    assert np.linalg.det(R) == pytest.approx(1.0)
    assert np.abs(R - camera.T_world_camera[:3, :3]).max() < 5e-3
