"""A small room whose pictures and depths are known exactly, and a photo of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from engine.geometry.cameras import Camera, Intrinsics
from explorer.walk.photo import Photo

Array = NDArray[np.float32]


@dataclass(frozen=True)
class Room:
    """A floor, a back wall and a box before it; above the wall there is sky."""

    floor: float = 0.8
    wall: float = 4.0
    wall_top: float = -0.8
    box: tuple[tuple[float, float], ...] = ((-0.6, 0.3), (0.1, 0.8), (2.2, 2.8))

    def look(self, camera: Camera, height: int, width: int) -> tuple[Array, Array]:
        """RGB (H, W, 3) in [0, 1] and z-depth (H, W), inf = sky; by casting one ray a pixel."""
        o, d = self._rays(camera, height, width)
        forward = camera.forward
        best = np.full((height, width), np.inf)
        rgb = np.broadcast_to(np.array([0.55, 0.7, 0.95]), d.shape).copy()
        with np.errstate(divide="ignore", invalid="ignore"):
            hits = [
                (np.where(d[..., 1] > 0, (self.floor - o[1]) / d[..., 1], np.inf), self._floor),
                (self._wall_hit(o, d), self._wall),
                (self._box_hit(o, d), self._box),
            ]
            for t, paint in hits:
                t = np.where((t > 0) & np.isfinite(t), t, np.inf)
                nearer = t < best
                points = o + d * np.where(nearer, t, 0.0)[..., None]
                rgb[nearer] = paint(points)[nearer]
                best = np.where(nearer, t, best)
        return rgb.astype(np.float32), (best * (d @ forward)).astype(np.float32)

    def _rays(self, camera: Camera, height: int, width: int) -> tuple[Array, Array]:
        k = camera.intrinsics
        u, v = np.meshgrid((np.arange(width) + 0.5) / width, (np.arange(height) + 0.5) / height)
        d = np.stack([(u - k.cx) / k.fx, (v - k.cy) / k.fy, np.ones_like(u)], -1)
        return camera.position, d @ camera.T_world_camera[:3, :3].T

    def _wall_hit(self, o: Array, d: Array) -> Array:
        t = (self.wall - o[2]) / d[..., 2]
        return np.where((o[1] + t * d[..., 1] > self.wall_top) & (d[..., 2] > 0), t, np.inf)

    def _box_hit(self, o: Array, d: Array) -> Array:
        sides = np.array(self.box)
        a, b = (sides[:, 0] - o) / d, (sides[:, 1] - o) / d
        enter, leave = np.minimum(a, b).max(-1), np.maximum(a, b).min(-1)
        return np.where(enter < leave, enter, np.inf)

    @staticmethod
    def _waves(x: Array, y: Array, base: tuple[float, float, float]) -> Array:
        wave = 0.12 * np.sin(9 * x) * np.cos(7 * y) + 0.08 * np.sin(23 * x + 17 * y)
        return np.clip(np.array(base) + wave[..., None], 0, 1)

    def _floor(self, p: Array) -> Array:
        return self._waves(p[..., 0], p[..., 2], (0.45, 0.35, 0.25))

    def _wall(self, p: Array) -> Array:
        return self._waves(p[..., 0], p[..., 1], (0.7, 0.68, 0.6))

    def _box(self, p: Array) -> Array:
        return self._waves(p[..., 0] + p[..., 2], p[..., 1], (0.7, 0.25, 0.2))


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture
def room() -> Room:
    return Room()


@pytest.fixture
def start() -> Camera:
    return Camera(np.eye(4), Intrinsics.from_fov(60, 16 / 9))


@pytest.fixture
def room_photo(room: Room, start: Camera) -> Photo:
    rgb, _ = room.look(start, 80, 144)
    return Photo(np.round(rgb * 255).astype(np.uint8), 1920, 1080, start.intrinsics, "room.png")


@dataclass(frozen=True)
class FakeStep:
    index: int
    total: int


class FakeQueries:
    """Stands in for `engine.queries`: knows the room, and draws it as a model would.

    Its views are darker than the photo and a little noisy; its depths have another scale in each
    view and are bent. The median depth of the photo is 1, so the room is `unit` times as large.
    """

    Hint = staticmethod(lambda **fields: SimpleNamespace(**fields))
    KnownView = staticmethod(
        lambda rgb, depth, camera: SimpleNamespace(rgb=rgb, camera=camera, depth=depth)
    )

    def __init__(self, room: Room, start: Camera) -> None:
        self.room = room
        depth = room.look(start, 80, 144)[1]
        self.unit = float(np.median(depth[np.isfinite(depth)]))
        self.calls: list[str] = []
        self.contexts: list[SimpleNamespace] = []
        self.hints: list[SimpleNamespace | None] = []

    def truth(self, camera: Camera, height: int = 80, width: int = 144) -> tuple[Array, Array]:
        T = np.array(camera.T_world_camera)
        T[:3, 3] *= self.unit
        rgb, depth = self.room.look(Camera(T, camera.intrinsics), height, width)
        return rgb, depth / np.float32(self.unit)

    def draw_depth_of_photo(self, engine, rgb, camera, settings, generator):
        yield from self._steps("photo depth", 2)
        # Of any scale: the walk makes the photo's median depth its unit.
        return self.truth(camera, *rgb.shape[:2])[1] * np.float32(1.7)

    def open_context(self, engine, views, anchor=0, use_depth=True):
        size = views[0].depth.shape if views[0].depth is not None else (80, 144)
        context = SimpleNamespace(views=views, use_depth=use_depth, size=size)
        self.contexts.append(context)
        return context

    def draw_view(self, engine, context, camera, hint, settings, generator):
        yield from self._steps("view", 3)
        self.hints.append(hint)
        rgb = self.truth(camera, *context.size)[0] * np.float32(0.85)
        noise = torch.randn(rgb.shape, generator=generator).numpy() * 0.01
        return torch.from_numpy(np.clip(rgb + noise, 0, 1).astype(np.float32))

    def draw_depth(self, engine, context, camera, rgb, hint, settings, generator):
        yield from self._steps("depth", 2)
        depth = self.truth(camera, *rgb.shape[:2])[1]
        scale, bend = (torch.rand(2, generator=generator) * 0.4 + 0.8).tolist()
        across = np.linspace(1.0, bend, depth.shape[1], dtype=np.float32)
        return torch.from_numpy((depth * np.float32(scale) * across).astype(np.float32))

    def _steps(self, name: str, total: int) -> Iterator[FakeStep]:
        self.calls.append(name)
        for index in range(total):
            yield FakeStep(index + 1, total)


@pytest.fixture
def fake(room: Room, start: Camera, monkeypatch: pytest.MonkeyPatch) -> FakeQueries:
    fake = FakeQueries(room, start)
    for asking in ("walk", "depth_drawing"):
        monkeypatch.setattr(f"explorer.walk.{asking}.queries", fake)
    return fake
