"""An analytic scene for tests: a textured back wall with a textured box in front of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import pytest

from engine.geometry.cameras import Camera, Intrinsics
from explorer.evaluation.scenes import Scene, TrueView, scene_from_frames
from explorer.evaluation.traces import DrawnPictures, WalkTrace
from explorer.walk.records import WalkSettings
from memory.views import View

_RENDERED: dict[tuple[int, int, bytes], TrueView] = {}


@dataclass(frozen=True)
class Boxes:
    """A wall at z = 4 and a box whose front, at z = 2, spans x ±0.5 and y −0.4 to 0.6."""

    height: int = 96
    width: int = 160
    wall_depth: float = 4.0
    box_depth: float = 2.0
    lens: Intrinsics = Intrinsics.from_fov(70.0, 160 / 96)  # noqa: RUF009 (immutable)

    def camera(self, x: float = 0.0, y: float = 0.0, z: float = 0.0, yaw: float = 0.0) -> Camera:
        T = np.eye(4)
        cos, sin = np.cos(np.radians(yaw)), np.sin(np.radians(yaw))
        T[:3, :3] = np.array([[cos, 0, sin], [0, 1, 0], [-sin, 0, cos]])
        T[:3, 3] = (x, y, z)
        return Camera(T, self.lens)

    def view(self, camera: Camera) -> TrueView:
        """Exact colours and z-depth; sky where neither wall nor box is hit."""
        key = self.height, self.width, camera.T_world_camera.tobytes()
        if key not in _RENDERED:
            _RENDERED[key] = self._rendered(camera)
        return _RENDERED[key]

    def _rendered(self, camera: Camera) -> TrueView:
        lens = camera.intrinsics
        u = (np.arange(self.width) + 0.5) / self.width
        v = (np.arange(self.height) + 0.5) / self.height
        x, y = np.meshgrid((u - lens.cx) / lens.fx, (v - lens.cy) / lens.fy)
        ray = np.stack([x, y, np.ones_like(x)], axis=-1) @ camera.T_world_camera[:3, :3].T
        depth = np.full((self.height, self.width), np.inf)
        colours = np.full((self.height, self.width, 3), 0.8)
        for z, is_box in ((self.wall_depth, False), (self.box_depth, True)):
            with np.errstate(divide="ignore", invalid="ignore"):
                distance = (z - camera.position[2]) / ray[..., 2]
            x_hit = camera.position[0] + distance * ray[..., 0]
            y_hit = camera.position[1] + distance * ray[..., 1]
            hit = (distance > 0) & (np.abs(x_hit) < 9) & (np.abs(y_hit) < 9)
            if is_box:
                hit &= (np.abs(x_hit) < 0.5) & (y_hit > -0.4) & (y_hit < 0.6)
            depth[hit] = distance[hit]
            colours[hit] = texture(x_hit[hit], y_hit[hit], seed=1 + is_box)
        rgb = (colours * 255).round().astype(np.uint8)
        return TrueView(rgb, depth.astype(np.float32), camera)

    def walk(self, frames: int = 7, step: float = 0.12, name: str = "boxes") -> Scene:
        """Sideways along the wall and back."""
        views = [self.view(self.camera(x=step * k)) for k in range(frames)]
        return scene_from_frames(name, "", views)


def texture(x: np.ndarray, y: np.ndarray, seed: int) -> np.ndarray:
    """Colours (N, 3) of a surface at (x, y): patches of many sizes, so that SIFT finds corners."""
    value = np.zeros((*x.shape, 3))
    for k, (a, b, phase, weight) in enumerate(np.random.default_rng(seed).normal(size=(15, 4))):
        value[..., k % 3] += weight * np.sign(np.sin(5 * a * x + 5 * b * y + 3 * phase))
    colours: np.ndarray = 1.0 / (1.0 + np.exp(-value))
    return colours


@pytest.fixture
def boxes() -> Boxes:
    return Boxes()


class Painter:
    """Draws walks without a model: the true picture from where the walk believes to be, with
    noise in holes. Knows the photo's true depth, in units of its median.

    Attributes:
        draws: how many walks were drawn; `stop_after`: the walk that Ctrl-C falls into.
    """

    description = "painter"

    def __init__(self, boxes: Boxes, stop_after: int | None = None) -> None:
        self.boxes, self.stop_after, self.draws = boxes, stop_after, 0

    def photo_view(self, scene: Scene, settings: WalkSettings) -> View:
        depth = self.boxes.view(scene.photo.camera).depth
        assert depth is not None
        camera = Camera(np.eye(4), scene.photo.camera.intrinsics)
        return View(0, camera, scene.photo.rgb, depth / np.float32(np.median(depth)))

    def draw(
        self,
        scene: Scene,
        settings: WalkSettings,
        scale: float | None,
        on_views: Callable[[int], None],
    ) -> WalkTrace:
        if self.draws == self.stop_after:
            raise KeyboardInterrupt
        self.draws += 1
        median = float(np.median(self.boxes.view(scene.photo.camera).depth))  # type: ignore[arg-type]
        scale = scale or median
        on_views(0)
        views = []
        for index, truth in enumerate(scene.views):
            T = truth.camera.relative_to(scene.photo.camera, scale / median).T_world_camera
            seen = self.boxes.view(Camera(T, self.boxes.lens))
            noise = np.random.default_rng([settings.seed, index]).normal(size=seen.rgb.shape)
            shown = scene.visibility_of(seen)
            assert shown is not None
            noise *= np.where(shown.hole, 60.0, 2.0 if settings.use_hint else 10.0)[..., None]
            raw = (seen.rgb + noise).clip(0, 255).astype(np.uint8)
            final = np.where(shown.seen[..., None], seen.rgb, raw)
            views.append(DrawnPictures(final, raw, seen.depth, {"view": 0.2, "depth": 0.1}))
            on_views(1)
        return WalkTrace(self.photo_view(scene, settings), scale, tuple(views))


@pytest.fixture
def painter(boxes: Boxes) -> Painter:
    return Painter(boxes)


class SharpPainter(Painter):
    """The painter, and in a walk of two sizes the true picture at the picture's size besides, with
    little noise.

    Attributes:
        large: the boxes at the picture's size.
    """

    def __init__(self, boxes: Boxes, large: Boxes, stop_after: int | None = None) -> None:
        super().__init__(boxes, stop_after)
        self.large = large

    def draw(
        self,
        scene: Scene,
        settings: WalkSettings,
        scale: float | None,
        on_views: Callable[[int], None],
    ) -> WalkTrace:
        trace = super().draw(scene, settings, scale, on_views)
        if scene.picture is None:
            return trace
        views = []
        for drawn, true in zip(trace.views, scene.views, strict=True):
            seen = self.large.view(true.camera)
            noise = np.random.default_rng(len(views)).normal(scale=2.0, size=seen.rgb.shape)
            picture = (seen.rgb + noise).clip(0, 255).astype(np.uint8)
            views.append(replace(drawn, picture=picture, picture_depth=seen.depth))
        photo = self.large.view(scene.photo.camera).depth
        return replace(trace, views=tuple(views), photo_picture_depth=photo)


@pytest.fixture
def large() -> Boxes:
    """The boxes at the picture's size, twice the model's."""
    return Boxes(height=192, width=320)


@pytest.fixture
def sharp_painter(boxes: Boxes, large: Boxes) -> SharpPainter:
    return SharpPainter(boxes, large)
