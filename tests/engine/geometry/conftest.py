"""A textured room, cast exactly: pictures and depth from any camera, for tests of matching."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pytest

from engine.geometry.cameras import Camera, Intrinsics
from engine.geometry.rotations import rotation_from_vector

#: Plane through a point along an axis, the bounds of the other two, and the seed of its texture.
_WALLS = ((2, 6.0, 9.0, 1), (1, 1.2, 9.0, 2), (0, -2.5, 9.0, 3), (0, 3.0, 9.0, 4), (2, 3.0, 0.7, 5))


@dataclass(frozen=True)
class View:
    """rgb (H, W, 3) uint8 and depth (H, W), inf where there is no wall."""

    camera: Camera
    rgb: np.ndarray
    depth: np.ndarray


@dataclass(frozen=True)
class Room:
    """A back wall, a floor, two side walls and a square in the middle."""

    height: int = 90
    width: int = 160
    lens: Intrinsics = Intrinsics.from_fov(65.0, 160 / 90)  # noqa: RUF009 (immutable)

    def view(self, place: Sequence[float], turn: Sequence[float] = (0, 0, 0)) -> View:
        T = np.eye(4)
        T[:3, :3] = rotation_from_vector(np.array(turn, dtype=np.float64))
        T[:3, 3] = place
        camera = Camera(T, self.lens)
        v, u = np.mgrid[: self.height, : self.width] + 0.5
        x = (u / self.width - self.lens.cx) / self.lens.fx
        y = (v / self.height - self.lens.cy) / self.lens.fy
        rays = np.stack([x, y, np.ones_like(x)], axis=-1) @ T[:3, :3].T
        depth = np.full(x.shape, np.inf)
        rgb = np.full((*x.shape, 3), 0.8)
        for axis, at, half, seed in _WALLS:
            with np.errstate(divide="ignore", invalid="ignore"):
                distance = (at - T[axis, 3]) / rays[..., axis]
            points = T[:3, 3] + distance[..., None] * rays
            a, b = (points[..., k] for k in range(3) if k != axis)
            hit = (distance > 0.05) & (distance < depth) & (abs(a) < half) & (abs(b) < half)
            depth[hit] = distance[hit]
            rgb[hit] = _texture(a[hit], b[hit], seed)
        return View(camera, (rgb * 255).round().astype(np.uint8), depth)

    def walk(self, count: int = 6, step: float = 0.2) -> list[View]:
        """A bent path with turns."""
        return [
            self.view(
                (step * i, 0.05 * np.sin(i), 0.6 * step * i),
                (0.02 * np.cos(i), -0.03 * i, 0.01 * i),
            )
            for i in range(count)
        ]


def _texture(x: np.ndarray, y: np.ndarray, seed: int) -> np.ndarray:
    """Colours (N, 3): patches of many sizes, so that there are corners to find."""
    value = np.zeros((*x.shape, 3))
    for k, (a, b, phase, weight) in enumerate(np.random.default_rng(seed).normal(size=(15, 4))):
        value[..., k % 3] += weight * np.sign(np.sin(5 * a * x + 5 * b * y + 3 * phase))
    colours: np.ndarray = 1.0 / (1.0 + np.exp(-value))
    return colours


@pytest.fixture(scope="session")
def room() -> Room:
    return Room()


@pytest.fixture(scope="session")
def walk(room: Room) -> list[View]:
    return room.walk()
