from typing import Any

import cv2
import numpy as np
import pytest

from explorer.evaluation.poses import CameraMatcher, PoseError
from explorer.evaluation.scenes import Scene, TrueView, Way


def drawn_pose_error(drawn: np.ndarray, truth: TrueView) -> PoseError | None:
    scene = Scene("boxes", "", truth, (truth,), (Way.OUT,))
    return CameraMatcher(scene).error(drawn, truth)


def test_the_true_view_itself_has_no_error(boxes: Any) -> None:
    truth = boxes.view(boxes.camera(x=0.2))
    error = drawn_pose_error(truth.rgb, truth)
    assert error is not None
    assert error.inliers > 100
    assert error.rotation_degrees < 0.05
    assert error.translation < 0.01


def test_a_view_drawn_from_elsewhere_shows_by_how_much(boxes: Any) -> None:
    truth = boxes.view(boxes.camera())
    drawn = boxes.view(boxes.camera(x=0.15, z=0.1, yaw=4.0))
    error = drawn_pose_error(drawn.rgb, truth)
    assert error is not None
    assert error.rotation_degrees == pytest.approx(4.0, abs=0.3)
    assert error.translation == pytest.approx(np.hypot(0.15, 0.1), abs=0.03)


def test_noise_and_blank_pictures_are_failures(boxes: Any) -> None:
    truth = boxes.view(boxes.camera())
    noise = np.random.default_rng(0).integers(0, 256, truth.rgb.shape, dtype=np.uint8)
    assert drawn_pose_error(noise, truth) is None
    assert drawn_pose_error(np.full_like(truth.rgb, 128), truth) is None


def test_a_blurred_view_is_still_recovered(boxes: Any) -> None:
    truth = boxes.view(boxes.camera())
    error = drawn_pose_error(cv2.GaussianBlur(truth.rgb, (0, 0), 1.0), truth)
    assert error is not None
    assert error.rotation_degrees < 0.5


def test_without_depth_there_is_no_camera_to_recover(boxes: Any) -> None:
    truth = boxes.view(boxes.camera())
    with pytest.raises(ValueError, match="depth"):
        drawn_pose_error(truth.rgb, TrueView(truth.rgb, None, truth.camera))
