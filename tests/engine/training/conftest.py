"""A posed clip of a leaning, textured wall, in any unit, as files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import pytest

from engine.geometry.cameras import Camera, Intrinsics
from engine.geometry.trajectories import realestate10k

LENS = Intrinsics.from_fov(60, 256 / 144)
#: The wall: points X with NORMAL · X = 2, in the first camera's frame.
NORMAL = np.array([0.5, 0.1, 1.0])


@dataclass(frozen=True)
class Wall:
    """A clip that moves sideways; lengths are times `unit`."""

    pictures: tuple[np.ndarray, ...]
    cameras: tuple[Camera, ...]
    unit: float

    def depth(self, index: int) -> np.ndarray:
        """(H, W) true z-depth of a view."""
        height, width = self.pictures[0].shape[:2]
        v, u = np.mgrid[0:height, 0:width] + 0.5
        ray = np.stack([(u / width - LENS.cx) / LENS.fx, (v / height - LENS.cy) / LENS.fy], -1)
        along = ray @ NORMAL[:2] + NORMAL[2]
        distance = 2.0 * self.unit - NORMAL @ self.cameras[index].position
        return (distance / along).astype(np.float32)

    @property
    def microseconds(self) -> list[int]:
        return [5_000_000 + 40_000 * i for i in range(len(self.cameras))]

    def write(self, folder: Path, name: str = "clip", suffix: str = ".png") -> Path:
        """Cameras as text and frames in a folder, named by their timestamps."""
        text = folder / f"{name}.txt"
        folder.mkdir(parents=True, exist_ok=True)
        realestate10k.write(text, self.cameras, [t / 1e6 for t in self.microseconds])
        (folder / name).mkdir()
        for time, picture in zip(self.microseconds, self.pictures, strict=True):
            path = folder / name / f"{time}{suffix}"
            cv2.imwrite(str(path), cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))
        return text


def make_wall(views: int = 8, unit: float = 7.0, size: tuple[int, int] = (144, 256)) -> Wall:
    rng = np.random.default_rng(0)
    coarse = cv2.resize(rng.integers(0, 255, (60, 90, 3), np.uint8), (900, 600))
    fine = cv2.resize(rng.integers(0, 90, (300, 450, 3), np.uint8), (900, 600))
    texture = np.clip(coarse.astype(int) // 2 + fine, 0, 255).astype(np.uint8)
    # Three points of the wall name its coordinates.
    corner = np.array([-3.0, -2.0, 0.0])
    corner[2] = (2.0 - NORMAL[:2] @ corner[:2]) / NORMAL[2]
    across = np.array([1.0, 0.0, -NORMAL[0] / NORMAL[2]]) * 6.0 / 900
    down = np.array([0.0, 1.0, -NORMAL[1] / NORMAL[2]]) * 4.0 / 600
    cameras, pictures = [], []
    for index in range(views):
        T = np.eye(4)
        T[0, 3] = 0.06 * index * unit
        camera = Camera(T, LENS)
        K = LENS.matrix(size[1], size[0])
        at = np.stack([across, down, corner - camera.position / unit], axis=1)
        half = np.array([[1, 0, 0.5], [0, 1, 0.5], [0, 0, 1.0]])
        H = np.linalg.inv(half) @ K @ at @ half
        pictures.append(cv2.warpPerspective(texture, H, (size[1], size[0]), flags=cv2.INTER_AREA))
        cameras.append(camera)
    return Wall(tuple(pictures), tuple(cameras), unit)


@pytest.fixture(scope="session")
def wall() -> Wall:
    return make_wall()
