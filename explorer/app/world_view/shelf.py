"""The pictures of the line, ready to be carried: a few in RAM, the others on the disk."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from threading import RLock

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.geometry.cameras import Camera
from explorer.app.world_view.choosing import choose, distance
from explorer.walk.records import DrawnView
from explorer.walk.session.records import Node
from memory.pictures.carriable import Carriable
from memory.pictures.carrying import seen_inverse

#: Sources that are ready, 10 to 15 MB each at 1280x720, and views that just came and are not yet.
READY, FRESH = 8, 8


@dataclass(frozen=True)
class Standing:
    """A node that may be carried, and how often its picture was changed."""

    camera: Camera
    version: int


class Shelf:
    """See the module; any thread may ask it."""

    def __init__(self) -> None:
        self._lock = RLock()
        self._read: Callable[[int], DrawnView] | None = None
        self._line: dict[int, Standing] = {}
        self._fresh: OrderedDict[int, DrawnView] = OrderedDict()
        self._ready: OrderedDict[tuple[int, int], Carriable] = OrderedDict()
        self._photo: tuple[NDArray[np.uint8], Camera] | None = None
        self._raw = False
        self._version = 0
        self._most = (1280, 720)
        self.scene_scale = 1.0

    def clear(self, read: Callable[[int], DrawnView] | None = None) -> None:
        """Nothing is left; views of the next line are read with `read`, by node id."""
        with self._lock:
            self._read, self._photo = read, None
            self._line.clear()
            self._fresh.clear()
            self._ready.clear()

    def begin(self, rgb: NDArray[np.uint8], camera: Camera) -> None:
        """A photo, (H, W, 3) uint8, that has no depth yet: it turns with the camera."""
        with self._lock:
            self._photo = rgb, camera

    def set_line(self, nodes: Sequence[Node]) -> None:
        """What may be carried now, the photo first."""
        with self._lock:
            kept = self._line
            self._line = {n.id: kept.get(n.id, Standing(n.camera, self._version)) for n in nodes}

    def give(self, node_id: int, drawn: DrawnView) -> None:
        """A view of the line was drawn, or got its depth."""
        with self._lock:
            self._version += 1
            if node_id in self._line:
                camera = self._line[node_id].camera
                self._line[node_id] = Standing(camera, self._version)
            self._fresh[node_id] = drawn
            while len(self._fresh) > FRESH:
                self._fresh.popitem(last=False)

    def set_raw(self, raw: bool) -> None:
        """The model's own pictures are shown instead of the final ones."""
        with self._lock:
            if raw != self._raw:
                self._raw = raw
                self._change_all()

    def set_most(self, size: tuple[int, int]) -> None:
        """(width, height) pixels of the window: pictures are made no larger than that."""
        with self._lock:
            if size != self._most:
                self._most = size
                self._change_all()

    def wanted(self, camera: Camera, now: int | None) -> tuple[tuple[int, int], ...]:
        """The (id, version) of pictures to carry to a camera, the best first; none where nothing
        is open. `now` is the id that is first at present."""
        with self._lock:
            if not self._line:
                return ((-1, self._version),) if self._photo is not None else ()
            cameras = {key: standing.camera for key, standing in self._line.items()}
            chosen = choose(camera, cameras, self.scene_scale, now)
            return tuple((key, self._line[key].version) for key in chosen)

    def source(self, key: tuple[int, int]) -> Carriable | None:
        """A picture that is wanted; None where it has gone from the line meanwhile.

        Raises:
            ValueError: its file is gone or damaged.
        """
        with self._lock:
            if key in self._ready:
                self._ready.move_to_end(key)
                return self._ready[key]
            standing, photo, most = self._line.get(key[0]), self._photo, self._most
            drawn, read, raw = self._fresh.get(key[0]), self._read, self._raw
        if key[0] < 0 and photo is not None:
            source = made(photo[0], None, photo[1], most)
        elif standing is None or read is None:
            return None
        else:
            rgb, depth = shown(drawn or read(key[0]), raw)
            source = made(rgb, depth, standing.camera, most)
            if depth is None:
                source = self._with_seen_depth(key[0], source)
        with self._lock:
            self._ready[key] = source
            while len(self._ready) > READY:
                self._ready.popitem(last=False)
        return source

    def _with_seen_depth(self, node_id: int, source: Carriable) -> Carriable:
        """A picture that got no depth, with what the pictures beside it have there."""
        with self._lock:
            beside = [s for (key, _), s in self._ready.items() if key != node_id and s.has_depth]
        if not beside:
            return source
        beside.sort(key=lambda s: distance(s.camera, source.camera, self.scene_scale))
        inverse = seen_inverse(beside[:3], source.camera)
        with np.errstate(divide="ignore"):
            depth = 1.0 / inverse
        large = cv2.resize(depth, source.size, interpolation=cv2.INTER_NEAREST)
        rgb = np.asarray(source.rgba[..., :3], np.uint8).copy()
        return Carriable(rgb, np.asarray(large, np.float32), source.camera)

    def _change_all(self) -> None:
        self._version += 1
        self._line = {k: Standing(s.camera, self._version) for k, s in self._line.items()}
        self._ready.clear()


def shown(drawn: DrawnView, raw: bool) -> tuple[NDArray[np.uint8], NDArray[np.float32] | None]:
    """A view's picture (H, W, 3) and depth (H, W) as they are shown, of one size."""
    view, picture = drawn.view, drawn.picture
    if picture is None:
        return drawn.shown_rgb(raw), view.depth
    depth = picture.depth
    if depth is None and view.depth is not None:
        depth = np.asarray(
            cv2.resize(view.depth, picture.size, interpolation=cv2.INTER_NEAREST), np.float32
        )
    if not raw:
        return picture.rgb, depth
    rgb = cv2.resize(drawn.raw_rgb, picture.size, interpolation=cv2.INTER_LANCZOS4)
    return np.asarray(rgb, np.uint8), depth


def made(
    rgb: NDArray[np.uint8],
    depth: NDArray[np.float32] | None,
    camera: Camera,
    most: tuple[int, int],
) -> Carriable:
    """No larger than `most` (width, height): more is not seen, and costs."""
    scale = min(most[0] / rgb.shape[1], most[1] / rgb.shape[0])
    if scale < 1.0:
        size = max(1, round(rgb.shape[1] * scale)), max(1, round(rgb.shape[0] * scale))
        rgb = np.asarray(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA), np.uint8)
        if depth is not None:
            nearest = cv2.resize(depth, size, interpolation=cv2.INTER_NEAREST)
            depth = np.asarray(nearest, np.float32)
    return Carriable(rgb, depth, camera)
