"""The world: flown through by the camera, or seen from outside as a map."""

from __future__ import annotations

import math
import time
from collections import deque
from typing import Any

import numpy as np
from PyQt6.QtCore import Qt, QTimer, pyqtSignal
from PyQt6.QtGui import QImage
from PyQt6.QtWidgets import QVBoxLayout, QWidget
from vispy import scene

from engine.geometry.cameras import Camera
from explorer.app.style import image_of
from explorer.app.world_view.cloud import CloudNodes
from explorer.app.world_view.flying_picture import FlyingPicture
from explorer.app.world_view.landmarks import Landmarks
from explorer.app.world_view.pace import DrawPace
from explorer.app.world_view.picking import nearest_seen
from explorer.app.world_view.pinhole import PinholeCamera
from explorer.app.world_view.pointer import Pointer
from explorer.walk.session.records import CloudUpdate

FLY, MAP = "fly", "map"
BACKGROUND = "#101113"
#: Milliseconds without motion after which all points are drawn again.
REST_MS = 250
#: Clicks hit what is within so many pixels.
REACH = 14.0


class WorldView(QWidget):
    """See the module.

    Signals:
        camera_picked: (int) the view whose frustum was clicked, in the map.
        point_picked: ((3,) array) the point of the cloud that was clicked, in the map.
        looked: (yaw, pitch) radians by which the mouse was dragged, while flying.
        failed: (sentence, details) a picture of the walk cannot be read.
    """

    camera_picked = pyqtSignal(int)
    point_picked = pyqtSignal(object)
    looked = pyqtSignal(float, float)
    failed = pyqtSignal(str, str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("World")
        self.setToolTip("Drag to look round; M switches between flying and the map")
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMinimumSize(160, 90)
        self.canvas = scene.SceneCanvas(keys=None, bgcolor=BACKGROUND, show=False)
        native = self.canvas.native
        native.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(native)
        self._box = scene.widgets.ViewBox(parent=self.canvas.scene, border_width=0)
        self._fly_camera = PinholeCamera()
        self._map_camera = scene.TurntableCamera(up="-y", fov=45)
        self._box.camera = self._fly_camera
        self._cloud = CloudNodes(self._box.scene)
        self._landmarks = Landmarks(self._box.scene)
        self.picture = FlyingPicture(self._box, self)
        self.picture.changed.connect(self._picture_changed)
        self.picture.failed.connect(self.failed)
        self._camera: Camera | None = None
        self._size = (16, 9)
        self._scale = 1.0
        self._mode = FLY
        self._show = (True, True, True)
        self._pointer = Pointer(self.canvas, self)
        self._pointer.pressed.connect(lambda: self.setFocus(Qt.FocusReason.MouseFocusReason))
        self._pointer.dragged.connect(self._dragged)
        self._pointer.clicked.connect(self._pick)
        self._pace = DrawPace()
        self._rest = QTimer(self)
        self._rest.setSingleShot(True)
        self._rest.setInterval(REST_MS)
        self._rest.timeout.connect(self._rested)
        self._next = QTimer(self)
        self._next.setSingleShot(True)
        self._next.timeout.connect(self._draw_waiting)
        self._waiting = False
        self.last_drawn_at = 0.0
        self._draws: deque[float] = deque(maxlen=30)
        events = self.canvas.events
        events.resize.connect(self._place)
        events.draw.connect(self._begin_draw, position="first")
        events.draw.connect(self._drawn, position="last")
        self._apply_mode()

    # What is shown

    def set_lens(self, camera: Camera, width: int, height: int, scene_scale: float) -> None:
        """The photo's camera, the size of its pictures, and σ in scene units."""
        self._size, self._scale = (width, height), scene_scale
        self.picture.shelf.scene_scale = scene_scale
        self._landmarks.set_lens(width / height, scene_scale)
        self.set_camera(camera)
        self.map_reset()
        self._place()

    def apply_cloud(self, update: CloudUpdate) -> None:
        """Some keyframes have other points now."""
        self._cloud.apply(update)
        self.canvas.update()

    def add_view(self, view_id: int, camera: Camera, rgb: np.ndarray) -> None:
        """A view is stored, and stands in the map: (H, W, 3) uint8."""
        self._landmarks.add(view_id, camera, rgb)
        self._apply_show()

    def keep_views(self, view_ids: set[int]) -> None:
        """Other views and their points vanish."""
        self._landmarks.keep(view_ids)
        self._cloud.keep(view_ids)
        self._apply_show()

    def clear(self) -> None:
        """An empty world."""
        self._cloud.set_budget(self._pace.budget)
        self._cloud.clear()
        self._landmarks.clear()
        self.picture.clear()
        self.canvas.update()

    def set_camera(self, camera: Camera) -> None:
        """The camera that is flown."""
        self._camera = camera
        self.picture.look_from(camera)
        if not self.picture.opacity:
            self._rest.start()
            self._draw_soon()

    def set_sky(self, colour: tuple[float, float, float] | None) -> None:
        """What is behind the points; None where no sky is seen."""
        self._box.bgcolor = BACKGROUND if colour is None else (*colour, 1.0)

    @property
    def point_count(self) -> int:
        """Points in the cloud."""
        return len(self._cloud)

    @property
    def picture_opacity(self) -> float:
        """How much of the pictures is seen, in [0, 1]; the rest are points."""
        return self.picture.opacity

    # How it is shown

    @property
    def mode(self) -> str:
        return self._mode

    def set_mode(self, mode: str) -> None:
        """ "fly" or "map"."""
        if mode != self._mode:
            self._mode = mode
            self._apply_mode()

    def map_reset(self) -> None:
        """The map shows the scene from behind and above the photo's camera."""
        reach = 1.6 * self._scale
        self._map_camera.center = (0.0, 0.0, self._scale)
        self._map_camera.distance = 2.2 * reach
        self._map_camera.scale_factor = 2.2 * reach
        self._map_camera.azimuth, self._map_camera.elevation = 108.0, 28.0
        self.canvas.update()

    def set_point_size(self, factor: float) -> None:
        self._cloud.set_size(factor)
        self.canvas.update()

    def set_point_budget(self, points: int) -> None:
        """Points that are drawn at most."""
        self._cloud.set_budget(points)
        self.canvas.update()

    @property
    def frames_per_second(self) -> float:
        """Of the latest frames; 0 while nothing moves."""
        recent = [t for t in self._draws if t > time.perf_counter() - 1.0]
        if len(recent) < 2:
            return 0.0
        return (len(recent) - 1) / max(recent[-1] - recent[0], 1e-6)

    def grab_picture(self) -> QImage:
        """What is seen, drawn anew."""
        if self._camera is not None:
            self._show_camera(self._camera)
        pixels = np.ascontiguousarray(self.canvas.render(alpha=False)[..., :3])
        return image_of(pixels)

    def close_canvas(self) -> None:
        """Gives the OpenGL context back."""
        self.picture.close()
        self.canvas.close()

    # Inside

    def _apply_mode(self) -> None:
        flying = self._mode == FLY
        self.picture.set_flying(flying)
        self._box.camera = self._fly_camera if flying else self._map_camera
        self._place()
        self._apply_show()
        if self._camera is not None:
            self._show_camera(self._camera)
            self.picture.look_from(self._camera)

    def _apply_show(self) -> None:
        frusta, path, _ = self._show
        outside = self._mode == MAP
        # From inside, the own path would lie on the picture.
        self._landmarks.set_visible(frusta and outside, path and outside)
        self._landmarks.hang_pictures(self._camera if outside and frusta else None)
        self._hide_points()
        self.canvas.update()

    def _place(self, _event: Any = None) -> None:
        """Flying, the box has the photo's aspect; the map fills the canvas."""
        width, height = self.canvas.size
        if self._mode == MAP:
            self._box.pos, self._box.size = (0, 0), (width, height)
            half = math.tan(math.radians(self._map_camera.fov) / 2)
            self._cloud.set_focal(height * self.canvas.pixel_scale / 2 / half)
            return
        scale = min(width / self._size[0], height / self._size[1])
        w, h = self._size[0] * scale, self._size[1] * scale
        self._box.pos, self._box.size = ((width - w) / 2, (height - h) / 2), (w, h)
        self.picture.place((w, h), self.canvas.pixel_scale)
        if self._camera is not None:
            self._fly_camera.look_through(self._camera, self._scale)
            focal = self._camera.intrinsics.fx * w
            self._cloud.set_focal(focal * self.canvas.pixel_scale)

    def _picture_changed(self) -> None:
        self._hide_points()
        self.canvas.update()

    def _draw_soon(self) -> None:
        """A frame, or one more when the last one is old enough.

        Until then nothing in the scene is touched, since each touch draws a frame.
        """
        if self._next.isActive():
            self._waiting = True
            return
        if self._camera is not None:
            self._show_camera(self._camera)
        if self._pace.interval_ms:
            self._next.start(self._pace.interval_ms)

    def _draw_waiting(self) -> None:
        if self._waiting:
            self._waiting = False
            self._draw_soon()

    def _show_camera(self, camera: Camera) -> None:
        self._cloud.thin(self._pace.points_in_motion if self._rest.isActive() else None)
        if self._mode == FLY:
            self._fly_camera.look_through(camera, self._scale)
        else:
            self._landmarks.set_current(camera)
        self._hide_points()
        self.canvas.update()

    def _hide_points(self) -> None:
        """The picture covers them wholly."""
        self._cloud.set_visible(self._show[2] and not self.picture.opacity)

    def _rested(self) -> None:
        """Nothing has moved for a while: all points again."""
        self._draw_soon()

    def _begin_draw(self, _event: Any) -> None:
        self._pace.begin()
        self.picture.start(self._pace.software)

    def _drawn(self, _event: Any) -> None:
        self._pace.end(self._cloud.drawn if self._rest.isActive() else 0)
        self.picture.drawn()
        self.last_drawn_at = time.perf_counter()
        self._draws.append(self.last_drawn_at)

    def _dragged(self, across: float, down: float) -> None:
        if self._mode == FLY and self._camera is not None:
            # So that what is under the pointer follows it by as much as it moves.
            k, (w, h) = self._camera.intrinsics, self._box.size
            self.looked.emit(float(-across / (k.fx * w)), float(down / (k.fy * h)))

    def _pick(self, place: np.ndarray) -> None:
        if self._mode != MAP:
            return
        cameras = self._landmarks.cameras
        if cameras:
            found = self._hit(np.array([c.position for c in cameras.values()]), place, REACH)
            if found is not None:
                self.camera_picked.emit(list(cameras)[found])
                return
        points = self._cloud.positions()
        found = self._hit(points, place, REACH / 2)
        if found is not None:
            self.point_picked.emit(np.array(points[found], float))

    def _hit(self, points: np.ndarray, place: np.ndarray, reach: float) -> int | None:
        inside = place - np.array(self._box.pos)
        return nearest_seen(points, inside, reach, self._box.scene.transform)
