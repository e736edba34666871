import cv2
import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from engine.geometry.rotations import (
    cross_matrix,
    nearest_rotation,
    quaternion_from_rotation,
    rotation_about_x,
    rotation_about_y,
    rotation_angle,
    rotation_from_quaternion,
    rotation_from_vector,
    slerp,
    vector_from_rotation,
)

vectors = st.tuples(*[st.floats(-np.pi, np.pi)] * 3).map(np.array)


def rotation(vector):
    return cv2.Rodrigues(vector.astype(np.float64))[0]


@given(vector=vectors)
def test_quaternions_agree_with_scipy_and_come_back(vector):
    R = rotation(vector)
    q = quaternion_from_rotation(R)
    x, y, z, w = Rotation.from_matrix(R).as_quat()
    assert abs(q @ [w, x, y, z]) == pytest.approx(1.0, abs=1e-9)
    assert q[0] >= 0
    assert np.allclose(rotation_from_quaternion(q * 3.7), R, atol=1e-9)


@pytest.mark.parametrize("axis", range(3))
def test_half_turns_have_quaternions(axis):
    R = -np.eye(3)
    R[axis, axis] = 1.0
    assert np.allclose(rotation_from_quaternion(quaternion_from_rotation(R)), R)


def test_a_quaternion_without_length_is_refused():
    with pytest.raises(ValueError, match="positive length"):
        rotation_from_quaternion(np.zeros(4))


@given(vector=vectors)
def test_the_angle_is_the_length_of_the_rotation_vector(vector):
    length = np.linalg.norm(vector)
    assume(length <= np.pi)
    assert rotation_angle(rotation(vector)) == pytest.approx(length, abs=1e-7)


def test_tiny_angles_are_not_lost():
    assert rotation_angle(rotation_about_y(1e-9)) == pytest.approx(1e-9, rel=1e-6)


def test_positive_turns_look_right_and_up():
    ahead = np.array([0.0, 0.0, 1.0])
    assert (rotation_about_y(0.1) @ ahead)[0] > 0  # x is right
    assert (rotation_about_x(0.1) @ ahead)[1] < 0  # y is down


@given(a=vectors, b=vectors, share=st.floats(0.0, 1.0))
def test_slerp_turns_at_constant_speed(a, b, share):
    Ra, Rb = rotation(a), rotation(b)
    whole = rotation_angle(Ra.T @ Rb)
    assume(whole < 3.1)
    mid = slerp(Ra, Rb, share)
    assert rotation_angle(Ra.T @ mid) == pytest.approx(share * whole, abs=1e-6)
    assert rotation_angle(mid.T @ Rb) == pytest.approx((1 - share) * whole, abs=1e-6)


@given(v=st.tuples(*[st.floats(-1.7, 1.7)] * 3))
def test_rotation_vectors_agree_with_opencv_and_come_back(v):
    vector = np.array(v, dtype=np.float64)
    R = rotation_from_vector(vector)
    assert np.abs(R - cv2.Rodrigues(vector)[0]).max() < 1e-9
    assert np.abs(vector_from_rotation(R) - vector).max() < 1e-6
    assert np.allclose(cross_matrix(vector) @ (1.0, 2.0, 3.0), np.cross(vector, (1, 2, 3)))


def test_the_nearest_rotation_is_found_under_weights(rng):
    R = rotation_from_vector(np.array([0.3, -1.2, 0.4]))
    source = rng.normal(size=(30, 3))
    target = source @ R.T
    target[0] = -target[0]
    weights = np.ones(30)
    weights[0] = 0.0
    assert np.abs(nearest_rotation(source, target, weights) - R).max() < 1e-9
    assert np.linalg.det(nearest_rotation(source, -target, weights)) == pytest.approx(1.0)
