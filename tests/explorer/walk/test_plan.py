"""Paths are found, counted and fitted to the scene."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from engine.geometry.cameras import Camera
from engine.geometry.trajectories import realestate10k
from explorer.walk.plan import plan_path


def _depth(value: float) -> torch.Tensor:
    return torch.full((90, 160), value)


def _moved(start: Camera, *t: float) -> Camera:
    T = np.eye(4)
    T[:3, 3] = t
    return start.moved(T)


@pytest.fixture
def file(tmp_path: Path, start: Camera) -> Path:
    cameras = [_moved(start, 5.0, 2.0, 1.0 + 0.5 * i) for i in range(9)]
    path = tmp_path / "path.txt"
    realestate10k.write(path, cameras)
    return path


@pytest.mark.parametrize("scale", [0.02, 1.0, 300.0])
def test_a_named_path_grows_with_the_scene(start: Camera, scale: float) -> None:
    cameras = plan_path("strafe", 12).cameras(start, _depth(scale))
    unit = plan_path("strafe", 12).cameras(start, _depth(1.0))
    assert len(cameras) == 12
    for camera, other in zip(cameras, unit, strict=True):
        np.testing.assert_allclose(camera.position, other.position * scale, rtol=1e-5)


def test_the_number_of_views(file: Path) -> None:
    assert plan_path("forth-and-back:orbit", None).views == 32
    assert plan_path(str(file), None).views == 8
    assert plan_path(str(file), 20).views == 20


def test_a_file_starts_at_the_photo_and_is_sized_by_the_scene(start: Camera, file: Path) -> None:
    cameras = plan_path(str(file), None).cameras(start, _depth(10.0))
    assert len(cameras) == 8
    np.testing.assert_allclose(cameras[0].position, (0, 0, 5.0 / 8), atol=1e-6)
    np.testing.assert_allclose(cameras[-1].position, (0, 0, 5.0), atol=1e-5)
    assert cameras[0].intrinsics.fx == pytest.approx(start.intrinsics.fx, rel=1e-6)


def test_a_file_does_not_fly_through_what_stands_ahead(start: Camera, file: Path) -> None:
    depth = _depth(10.0)
    depth[30:60, 60:100] = 2.0
    cameras = plan_path(str(file), None).cameras(start, depth)
    assert 0.5 < cameras[-1].position[2] < 2.0


def test_a_file_of_turns_alone_needs_no_size(tmp_path: Path, start: Camera) -> None:
    angle = np.radians(20)
    T = np.eye(4)
    T[0, 0] = T[2, 2] = np.cos(angle)
    T[0, 2], T[2, 0] = np.sin(angle), -np.sin(angle)
    path = tmp_path / "turn.txt"
    realestate10k.write(path, [start, start.moved(T)])
    (camera,) = plan_path(str(path), None).cameras(start, _depth(3.0))
    np.testing.assert_allclose(camera.T_world_camera, T, atol=1e-6)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("sideways", "no path and no file"),
        ("forth-and-back:sideways", "no path 'sideways'|no path"),
        ("orbit:forward", "only forth-and-back"),
    ],
)
def test_unknown_paths(name: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        plan_path(name, 5)


def test_a_file_of_something_else(tmp_path: Path) -> None:
    path = tmp_path / "shopping.txt"
    path.write_text("bread\nbutter\n")
    with pytest.raises(ValueError, match="no known camera path"):
        plan_path(str(path), None)
