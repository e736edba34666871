"""What stands in the world besides its points: stored cameras, the flown path, the own camera."""

from __future__ import annotations

import cv2
import numpy as np
from vispy import scene
from vispy.visuals.transforms import MatrixTransform

from engine.geometry.cameras import Camera

#: Size of a frustum, in units of the scene's scale.
FRUSTUM = 0.06
#: Thumbnails hang on so many frusta, the nearest ones.
THUMBNAILS = 8
THUMBNAIL_WIDTH = 64

STORED, PATH, CURRENT = "#6f8fb3", "#d9a066", "#ffffff"


class Landmarks:
    """Frusta of the stored views, with pictures on the near ones, and the path."""

    def __init__(self, parent: scene.Node) -> None:
        self._parent = parent
        self._root = scene.Node(parent=parent)
        self._scale = 1.0
        self._aspect = 16 / 9
        self._cameras: dict[int, Camera] = {}
        self._thumbnails: dict[int, np.ndarray] = {}
        self._pictures: dict[int, scene.Image] = {}
        self._stored = scene.Line(
            pos=np.zeros((2, 3)), connect="segments", color=STORED, parent=self._root
        )
        self._path = scene.Line(pos=np.zeros((2, 3)), color=PATH, width=2, parent=self._root)
        self._current = scene.Line(
            pos=np.zeros((2, 3)), connect="segments", color=CURRENT, width=2, parent=self._root
        )
        self._path_visible = True
        self.clear()

    @property
    def cameras(self) -> dict[int, Camera]:
        """Of the stored views, by view id."""
        return self._cameras

    def set_lens(self, aspect: float, scene_scale: float) -> None:
        self._aspect, self._scale = aspect, scene_scale
        self._redraw()

    def add(self, view_id: int, camera: Camera, rgb: np.ndarray) -> None:
        """A stored view; `rgb` is (H, W, 3) uint8."""
        self._forget_picture(view_id)
        self._cameras[view_id] = camera
        height = max(1, round(THUMBNAIL_WIDTH * rgb.shape[0] / rgb.shape[1]))
        self._thumbnails[view_id] = cv2.resize(
            rgb, (THUMBNAIL_WIDTH, height), interpolation=cv2.INTER_AREA
        )
        self._redraw()

    def keep(self, view_ids: set[int]) -> None:
        for view_id in set(self._cameras) - view_ids:
            del self._cameras[view_id], self._thumbnails[view_id]
            self._forget_picture(view_id)
        self._redraw()

    def clear(self) -> None:
        self.keep(set())
        self._current.visible = False

    def set_current(self, camera: Camera) -> None:
        self._current.set_data(pos=_frustum(camera, self._scale * FRUSTUM * 1.4, self._aspect))
        self._current.visible = True

    def set_visible(self, frusta: bool, path: bool) -> None:
        self._root.visible = frusta or path
        self._stored.visible = frusta and bool(self._cameras)
        self._path_visible = path
        self._path.visible = path and len(self._cameras) > 1
        if not frusta:
            self.hang_pictures(None)

    def hang_pictures(self, near: Camera | None) -> None:
        """Shows the pictures of the views nearest to a camera; None takes all down."""
        wanted: set[int] = set()
        if near is not None and self._cameras:
            ids = list(self._cameras)
            places = np.array([self._cameras[i].position for i in ids])
            order = np.argsort(((places - near.position) ** 2).sum(1))[:THUMBNAILS]
            wanted = {ids[k] for k in order}
        for view_id in set(self._pictures) - wanted:
            self._forget_picture(view_id)
        for view_id in wanted - set(self._pictures):
            self._pictures[view_id] = self._picture(view_id)

    def _picture(self, view_id: int) -> scene.Image:
        thumbnail, camera = self._thumbnails[view_id], self._cameras[view_id]
        picture = scene.Image(thumbnail, parent=self._root, interpolation="linear")
        height, width = thumbnail.shape[:2]
        z, k = self._scale * FRUSTUM, camera.intrinsics
        T_camera_pixels = np.eye(4)
        T_camera_pixels[0, 0], T_camera_pixels[0, 3] = z / (k.fx * width), -z * k.cx / k.fx
        T_camera_pixels[1, 1], T_camera_pixels[1, 3] = z / (k.fy * height), -z * k.cy / k.fy
        T_camera_pixels[2, 3] = z
        picture.transform = MatrixTransform((camera.T_world_camera @ T_camera_pixels).T)
        picture.set_gl_state(depth_test=True, blend=False, cull_face=False)
        return picture

    def _forget_picture(self, view_id: int) -> None:
        picture = self._pictures.pop(view_id, None)
        if picture is not None:
            picture.parent = None

    def _redraw(self) -> None:
        size = self._scale * FRUSTUM
        lines = [_frustum(c, size, self._aspect) for c in self._cameras.values()]
        self._stored.visible = bool(lines)
        if lines:
            self._stored.set_data(pos=np.concatenate(lines))
        self._path.visible = self._path_visible and len(lines) > 1
        if len(lines) > 1:
            path = np.array([c.position for c in self._cameras.values()], np.float32)
            self._path.set_data(pos=path)


def _frustum(camera: Camera, size: float, aspect: float) -> np.ndarray:
    """(16, 3) ends of eight segments; `size` is the depth of the picture's plane."""
    k = camera.intrinsics
    left, right = -k.cx / k.fx * size, (1 - k.cx) / k.fx * size
    top, bottom = -k.cy / k.fy * size, (1 - k.cy) / k.fy * size
    corners = np.array([[left, top], [right, top], [right, bottom], [left, bottom]])
    points = np.concatenate([np.zeros((1, 3)), np.insert(corners, 2, size, axis=1)])
    T = camera.T_world_camera
    points = points @ T[:3, :3].T + T[:3, 3]
    ends = [0, 1, 0, 2, 0, 3, 0, 4, 1, 2, 2, 3, 3, 4, 4, 1]
    return points[ends].astype(np.float32)
