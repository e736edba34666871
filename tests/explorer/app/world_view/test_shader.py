"""The GPU's way of carrying pictures shows what the processor's does, on any OpenGL."""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np
import pytest
from vispy import scene

from engine.geometry.cameras import Camera, Intrinsics
from explorer.app.world_view.carrier import Seen
from explorer.app.world_view.flying_picture import GPU, PROCESSOR, who_carries
from explorer.app.world_view.screen import FlatScreen
from explorer.app.world_view.shader import ShaderScreen
from memory.pictures.carriable import Carriable

SIZE = W, H = 320, 180
LENS = Intrinsics(0.9, 1.6)


def at(x: float = 0.0, z: float = 0.0, yaw: float = 0.0) -> Camera:
    c, s = np.cos(yaw), np.sin(yaw)
    return Camera(np.array([[c, 0, s, x], [0, 1, 0, 0], [-s, 0, c, z], [0, 0, 0, 1.0]]), LENS)


def card(seed: int, camera: Camera) -> Carriable:
    """A card before a slanted wall, in soft colours."""
    small = np.random.default_rng(seed).integers(40, 255, (12, 20, 3), np.uint8)
    rgb = np.asarray(cv2.resize(small, SIZE, interpolation=cv2.INTER_CUBIC))
    u = (np.arange(W) + 0.5) / W
    depth = np.tile(1 / (0.2 + 0.1 * u), (H, 1)).astype(np.float32)
    depth[50:130, 110:210] = 2.0
    return Carriable(rgb, depth, camera)


@pytest.fixture
def canvas(opengl) -> Iterator[scene.SceneCanvas]:
    made = scene.SceneCanvas(keys=None, size=SIZE, bgcolor="black", show=False)
    yield made
    made.close()


def shown(canvas: scene.SceneCanvas, kind: type, seen: list[Seen], camera: Camera) -> np.ndarray:
    """(H, W, 3) what a screen shows."""
    box = scene.widgets.ViewBox(parent=canvas.scene, border_width=0)
    box.pos, box.size = (0, 0), SIZE
    screen = kind(box)
    screen.place(SIZE)
    screen.show(screen.way.frame(seen, camera))
    screen.set_visible(True)
    picture = np.ascontiguousarray(canvas.render(alpha=False)[..., :3]).astype(int)
    box.parent = None
    return picture


@pytest.mark.parametrize(
    "camera", [at(), at(z=0.4), at(x=0.25), at(yaw=0.15), at(x=-0.2, z=-0.3, yaw=-0.1)]
)
def test_both_ways_show_the_same(canvas, camera) -> None:
    seen = [Seen([card(0, at()), card(1, at(x=0.3))], 1.0)]
    by_processor = shown(canvas, FlatScreen, seen, camera)
    by_gpu = shown(canvas, ShaderScreen, seen, camera)
    assert by_processor.std() > 20
    off = np.abs(by_processor - by_gpu).max(axis=-1)
    assert np.median(off) <= 2
    assert (off > 12).mean() < 0.02  # pixels at rims


def test_a_fade_mixes_both_ways(canvas) -> None:
    camera = at(z=0.2)
    seen = [Seen([card(0, at())], 0.6), Seen([card(1, at())], 0.4)]
    by_processor = shown(canvas, FlatScreen, seen, camera)
    by_gpu = shown(canvas, ShaderScreen, seen, camera)
    off = np.abs(by_processor - by_gpu).max(axis=-1)
    assert np.median(off) <= 3
    alone = shown(canvas, ShaderScreen, [Seen(seen[0].sources, 1.0)], camera)
    assert np.abs(by_gpu - alone).mean() > 8


def test_the_same_camera_shows_the_picture_itself(canvas) -> None:
    source = card(0, at())
    by_gpu = shown(canvas, ShaderScreen, [Seen([source], 1.0)], at())
    assert np.abs(by_gpu - source.rgba[..., :3]).max() <= 2


def test_a_software_opengl_leaves_it_to_the_processor() -> None:
    assert who_carries(software=True, environment={}) == PROCESSOR
    assert who_carries(software=False, environment={}) == GPU
    assert who_carries(software=True, environment={"PHOTOWALK_PICTURES": "gpu"}) == GPU
    with pytest.raises(ValueError, match="may be 'processor' or 'gpu'"):
        who_carries(software=True, environment={"PHOTOWALK_PICTURES": "cpu"})
