"""The world view in a real window: points lie where OpenCV's pinhole says, and pictures fade."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PyQt6.QtCore import QEvent, QPoint, QPointF, Qt
from PyQt6.QtGui import QMouseEvent
from PyQt6.QtTest import QTest
from PyQt6.QtWidgets import QApplication

from engine.geometry.cameras import Camera, Intrinsics
from engine.geometry.projection import project
from explorer.app.world_view.pinhole import picture_matrix
from explorer.app.world_view.world_view import FLY, MAP, WorldView
from explorer.walk.motion.mover import turned
from explorer.walk.session.records import CloudUpdate, PointSet

LEFT = Qt.MouseButton.LeftButton
PRESS = QEvent.Type.MouseButtonPress
MOVE = QEvent.Type.MouseMove
LONG = 30_000
RELEASE = QEvent.Type.MouseButtonRelease
LENS = Intrinsics(0.9, 1.7, 0.52, 0.47)


def camera_at(x: float, y: float, z: float, yaw: float = 0.0, pitch: float = 0.0) -> Camera:
    T = np.eye(4)
    T[:3, 3] = (x, y, z)
    return turned(Camera(T, LENS), yaw, pitch, 1.4)


def points(places, colour=(255, 0, 0), radius: float = 0.01) -> PointSet:
    places = np.asarray(places, np.float32).reshape(-1, 3)
    colours = np.broadcast_to(np.array(colour, np.uint8), places.shape).copy()
    return PointSet(places, colours, np.full(len(places), radius, np.float32))


@pytest.fixture
def world(opengl, qtbot):
    view = WorldView()
    view.resize(640, 480)
    qtbot.addWidget(view, before_close_func=WorldView.close_canvas)
    with qtbot.waitExposed(view):
        view.show()
    view.set_lens(camera_at(0, 0, 0), 256, 144, 1.0)
    return view


def pixels(view: WorldView) -> np.ndarray:
    image = view.grab_picture()
    data = image.constBits().asarray(image.sizeInBytes())
    rows = np.frombuffer(bytes(data), np.uint8).reshape(image.height(), image.bytesPerLine())
    return rows[:, : 3 * image.width()].reshape(image.height(), image.width(), 3).astype(int)


def centre(mask: np.ndarray) -> np.ndarray:
    row, column = mask.nonzero()
    return np.array([column.mean() + 0.5, row.mean() + 0.5])


def red(picture: np.ndarray) -> np.ndarray:
    return (picture[..., 0] > 200) & (picture[..., 1] < 60)


def test_the_matrix_is_the_pinhole() -> None:
    camera = camera_at(0.3, -0.2, 0.1, 0.4, -0.2)
    world = np.random.default_rng(0).normal(size=(50, 3)) + camera.position + 5 * camera.forward
    wanted = project(torch.as_tensor(world, dtype=torch.float32), camera, 144, 256)
    M = picture_matrix(camera, 256, 144, 1.0)
    mapped = np.concatenate([world, np.ones((50, 1))], 1) @ M.T
    assert np.allclose(mapped[:, :2] / mapped[:, 3:], wanted.uv.numpy(), atol=1e-3)
    assert np.allclose(mapped[:, 3], wanted.depth.numpy(), atol=1e-4)


@pytest.mark.parametrize("place", [(0.0, 0.0, 2.0), (0.6, -0.3, 2.5), (-0.7, 0.4, 3.0)])
def test_points_lie_where_opencv_puts_them(world, place) -> None:
    camera = camera_at(0.1, 0.05, -0.1, 0.08, -0.05)
    world.apply_cloud(CloudUpdate({0: points(place, radius=0.02)}))
    world.set_camera(camera)
    seen = pixels(world)
    height, width = seen.shape[:2]
    h = width * 144 / 256  # the picture is as wide as the canvas, and centred
    uv = project(torch.tensor([place]), camera, 144, 256).uv[0].numpy() * (width / 256)
    uv = uv + np.array([0.0, (height - h) / 2])
    assert np.abs(centre(red(seen)) - uv).max() < 1.0


def test_near_points_hide_far_ones_and_close_their_gaps(world) -> None:
    grid = np.stack(np.meshgrid(*[np.linspace(-0.6, 0.6, 61)] * 2), -1).reshape(-1, 2)
    wall = np.insert(grid, 2, 1.0, axis=1)
    behind = points(np.insert(grid, 2, 2.0, axis=1), (0, 255, 0), 0.02)
    world.apply_cloud(CloudUpdate({0: points(wall, radius=0.014), 1: behind}))
    world.set_camera(camera_at(0, 0, 0.5))  # twice as near as they were seen from
    seen = pixels(world)
    middle = seen[200:280, 260:380]
    assert red(middle).all()


def test_gone_views_take_their_points_with_them(world) -> None:
    world.apply_cloud(CloudUpdate({0: points((0, 0, 2)), 1: points((0.2, 0, 2))}))
    assert world.point_count == 2
    world.keep_views({0})
    assert world.point_count == 1
    world.apply_cloud(CloudUpdate({}, frozenset({0})))
    assert world.point_count == 0
    assert not red(pixels(world)).any()


def photo_begun(world, qtbot, colour=(10, 20, 250)) -> None:
    """A photo of one colour is shown, without a depth."""
    rgb = np.full((144, 256, 3), colour, np.uint8)
    world.picture.shelf.begin(rgb, camera_at(0, 0, 0))
    world.set_camera(camera_at(0, 0, 0))
    qtbot.waitUntil(lambda: world.picture_opacity == 1.0, timeout=LONG)


def test_a_photo_fills_the_view_and_the_map_hides_it(world, qtbot) -> None:
    world.apply_cloud(CloudUpdate({0: points((0, 0, 2), radius=0.05)}))
    photo_begun(world, qtbot)
    seen = pixels(world)
    assert (np.abs(seen[240, 320] - (10, 20, 250)) < 5).all()
    assert seen[10, 320].max() < 40  # beside the picture is nothing
    assert not red(seen).any()  # the points are covered
    world.set_mode(MAP)
    assert world.picture_opacity == 0.0
    assert red(pixels(world)).any()
    world.set_mode(FLY)
    assert world.picture_opacity == 1.0
    world.clear()
    assert world.picture_opacity == 0.0


def test_a_photo_without_depth_turns_with_the_camera(world, qtbot) -> None:
    rgb = np.zeros((144, 256, 3), np.uint8)
    rgb[:, :128], rgb[:, 128:] = (250, 0, 0), (0, 0, 250)
    world.picture.shelf.begin(rgb, camera_at(0, 0, 0))
    world.set_camera(camera_at(0, 0, 0))
    qtbot.waitUntil(lambda: world.picture_opacity == 1.0, timeout=LONG)
    there = camera_at(0, 0, 0, yaw=0.1)
    world.set_camera(there)
    qtbot.waitUntil(lambda: world.picture.frame.camera is there, timeout=LONG)
    middle = world.picture.frame.rgba[72, :, 0]
    edge = int(np.flatnonzero(middle < 125)[0])
    # A turn to the right moves the picture to the left, by the tangent.
    wanted = 256 * (LENS.cx + LENS.fx * np.tan(np.arctan((0.5 - LENS.cx) / LENS.fx) - 0.1))
    assert abs(edge - wanted) < 2.0


def test_the_map_shows_cameras_and_a_click_picks_one(world, qtbot) -> None:
    world.apply_cloud(CloudUpdate({0: points(np.random.default_rng(0).normal(size=(500, 3)))}))
    for k, x in enumerate((0.0, 0.5, 1.0)):
        world.add_view(k, camera_at(x, 0, 0), np.full((144, 256, 3), 90, np.uint8))
    world.set_camera(camera_at(1.0, 0, 0))
    world.set_mode(MAP)
    assert world.mode == MAP
    pixels(world)
    mapped = world._box.scene.transform.map(np.array([[0.5, 0.0, 0.0]]))[0]
    where = QPoint(*(mapped[:2] / mapped[3]).round().astype(int).tolist())
    with qtbot.waitSignal(world.camera_picked, timeout=3000) as picked:
        QTest.mouseClick(world.canvas.native, Qt.MouseButton.LeftButton, pos=where)
    assert picked.args == [1]
    world.set_mode(FLY)


def test_dragging_takes_the_scene_along(world, qtbot) -> None:
    native = world.canvas.native
    looked = []
    world.looked.connect(lambda yaw, pitch: looked.append((yaw, pitch)))
    for kind, x in ((PRESS, 300), (MOVE, 340), (MOVE, 400), (RELEASE, 400)):
        button = LEFT if kind != MOVE else Qt.MouseButton.NoButton
        held = LEFT if kind != RELEASE else Qt.MouseButton.NoButton
        place = QPointF(x, 240)
        event = QMouseEvent(
            kind, place, native.mapToGlobal(place), button, held, Qt.KeyboardModifier.NoModifier
        )
        QApplication.sendEvent(native, event)
        qtbot.wait(30)  # vispy drops moves that come in a burst
    assert len(looked) == 2
    yaw = sum(y for y, _ in looked)
    assert yaw == pytest.approx(-100 / (LENS.fx * 640), rel=0.01)


def test_a_budget_thins_every_view_alike(world) -> None:
    rng = np.random.default_rng(0)
    clouds = {k: points(rng.normal(size=(1000, 3))) for k in range(3)}
    world.apply_cloud(CloudUpdate(clouds))
    world.set_point_budget(300)
    assert world._cloud.shown == 300
    assert world.point_count == 3000


def test_the_sky_is_behind_the_points(world) -> None:
    world.set_sky((0.2, 0.4, 0.8))
    assert np.abs(pixels(world)[240, 320] - (51, 102, 204)).max() < 3
    world.set_sky(None)
    assert pixels(world)[240, 320].max() < 40
