"""Drives a walk along a scene's true cameras."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from engine import queries
from engine.geometry.cameras import Camera
from explorer.evaluation.depths import median_ratio
from explorer.evaluation.scenes import Scene, TrueView
from explorer.evaluation.traces import DrawnPictures, WalkTrace, drawn_depth
from explorer.walk.depth_source import DepthSource, PhotoDepth
from explorer.walk.photo import Photo
from explorer.walk.ready import EngineOptions, open_engine
from explorer.walk.recorder import Recorder
from explorer.walk.records import DrawnView, WalkSettings
from explorer.walk.walk import Walk
from memory.config import MemoryConfig
from memory.memory import Memory
from memory.pictures.picture import Picture
from memory.views import View

Answer = TypeVar("Answer")

#: The part of a view's seconds that its files take.
FILES = "files"

#: Called with 0 when the photo is ready and with 1 after each drawn view.
OnViews = Callable[[int], None]


class Driver(Protocol):
    """Draws walks; evaluations know nothing else of the model."""

    @property
    def description(self) -> str:
        """Which model, in a few words and numbers."""

    def photo_view(self, scene: Scene, settings: WalkSettings) -> View:
        """The photo with the depth that the model draws for it, in walk units."""

    def draw(
        self, scene: Scene, settings: WalkSettings, scale: float | None, on_views: OnViews
    ) -> WalkTrace:
        """Walks along all the scene's cameras.

        Args:
            scale: scene units per walk unit; None to take it from the photo's true depth.
        """


class WalkDriver:
    """Draws with our engine and our memory, a fresh memory for every walk.

    Args:
        files: a folder where the latest walk is recorded as walks of users are, the seconds that
            takes being its views' part "files"; its pictures at the picture's size are then in
            these files alone, as its memory reads them. None to record nothing.
        photo_depth: gives the photo's depth; None for the model's own.
    """

    def __init__(
        self,
        engine: queries.Engine,
        files: Path | None = None,
        photo_depth: Callable[[Scene], DepthSource] | None = None,
    ) -> None:
        self.engine = engine
        self._files, self._photo_depth = files, photo_depth

    @staticmethod
    def load(
        options: EngineOptions,
        size: tuple[int, int],
        files: Path | None = None,
        photo_depth: Callable[[Scene], DepthSource] | None = None,
    ) -> WalkDriver:
        """With the engine that the options name, for pictures of (width, height).

        Raises:
            ValueError: if the device or the weights cannot be used.
        """
        return WalkDriver(ready_to_draw(options, size), files, photo_depth)

    @property
    def description(self) -> str:
        """Weights and device."""
        return f"weights {self.engine.weights_hash} on {self.engine.device}"

    def photo_view(self, scene: Scene, settings: WalkSettings) -> View:
        """See `Driver`."""
        return _finish(self._walk(scene, settings, None).start()).view

    def draw(
        self, scene: Scene, settings: WalkSettings, scale: float | None, on_views: OnViews
    ) -> WalkTrace:
        """See `Driver`."""
        recorder = None if self._files is None else TimedRecorder(self._files)
        walk = self._walk(scene, settings, recorder)
        started = _finish(walk.start())
        photo = started.view
        if scale is None:
            scale = true_scale_of(photo, scene.photo)
        on_views(0)
        views = []
        for view in scene.views:
            drawn = _finish(walk.step(walk_camera(scene, view.camera, scale)))
            pictures = _pictures(drawn, scale)
            views.append(pictures if recorder is None else recorder.told(pictures))
            on_views(1)
        return WalkTrace(photo, scale, tuple(views), _picture_depth(started, scale))

    def _walk(self, scene: Scene, settings: WalkSettings, recorder: TimedRecorder | None) -> Walk:
        height, width = scene.photo.rgb.shape[:2]
        photo = Photo(
            rgb=scene.photo.rgb,
            original_width=width,
            original_height=height,
            intrinsics=scene.photo.camera.intrinsics,
            source_name=scene.name,
            lens_source="the scene's own camera",
            picture=scene.picture,
        )
        read = None if recorder is None else recorder.picture
        memory = Memory(MemoryConfig(), None, self.engine.device, read)
        source = None if self._photo_depth is None else self._photo_depth(scene)
        return Walk(photo, self.engine, memory, settings, recorder, source)


@dataclass(eq=False)
class TrueDepth:
    """The true depth of a scene's photo, for a walk that shall not have to guess it."""

    scene: Scene

    every_view: bool = False

    @property
    def identity(self) -> dict[str, Any]:
        """See `DepthSource`."""
        return {"kind": "truth", "scene": self.scene.name}

    def depth(self, photo: Photo) -> PhotoDepth:
        """See `DepthSource`."""
        depth = self.scene.photo.depth
        if depth is None:
            raise ValueError(f"{self.scene.name} has no true depth")
        return PhotoDepth(depth, metric=True)

    def close(self) -> None:
        """See `DepthSource`."""


class TimedRecorder:
    """Records a walk in a folder, and says how long that took."""

    def __init__(self, folder: Path) -> None:
        self._files = Recorder.create(folder, {})
        self._seconds = 0.0

    def record(self, drawn: DrawnView) -> str:
        """See `explorer.walk.recorder.Recorder`."""
        begin = time.perf_counter()
        name = self._files.record(drawn)
        self._seconds = time.perf_counter() - begin
        return name

    def picture(self, view_id: int) -> Picture | None:
        """See `explorer.walk.recorder.Recorder`."""
        return self._files.picture(view_id)

    def rewind(self, view_id: int) -> None:
        """See `explorer.walk.recorder.Recorder`."""
        self._files.rewind(view_id)

    def told(self, drawn: DrawnPictures) -> DrawnPictures:
        """The view that was recorded last with the time of its files, without what they hold."""
        seconds = {**drawn.seconds, FILES: self._seconds}
        return replace(drawn, seconds=seconds, picture=None, picture_depth=None)


def ready_to_draw(options: EngineOptions, size: tuple[int, int]) -> queries.Engine:
    """An engine as walks have it, compiled to the end where they compile; notes go to stderr."""
    ready = open_engine(options, size, WalkSettings().context_views)

    def tell(sentence: str) -> None:
        print(sentence, file=sys.stderr)

    for sentence in ready.notes:
        tell(sentence)
    for _ in ready.warming(tell):
        pass
    return ready.engine


def true_scale_of(photo: View, truth: TrueView) -> float:
    """Scene units per walk unit, by the median ratio of true to drawn depth.

    Raises:
        ValueError: if the truth has no depth.
    """
    if truth.depth is None:
        raise ValueError("the scene has no true depth that could give the photo its scale")
    return median_ratio(drawn_depth(photo), truth.depth)


def walk_camera(scene: Scene, camera: Camera, scale: float) -> Camera:
    """A camera of the scene as the walk knows it: from the photo's camera, in walk units."""
    return camera.relative_to(scene.photo.camera, scale)


def _pictures(drawn: DrawnView, scale: float) -> DrawnPictures:
    depth = None if drawn.view.depth is None else drawn_depth(drawn.view) * np.float32(scale)
    return DrawnPictures(
        final=np.array(drawn.view.rgb),
        raw=np.array(drawn.raw_rgb),
        depth=depth,
        seconds=dict(drawn.seconds),
        picture=None if drawn.picture is None else drawn.picture.rgb,
        picture_depth=_picture_depth(drawn, scale),
    )


def _picture_depth(drawn: DrawnView, scale: float) -> NDArray[np.float32] | None:
    """In the scene's units."""
    if drawn.picture is None or drawn.picture.depth is None:
        return None
    return drawn.picture.depth * np.float32(scale)


def _finish(steps: Generator[object, None, Answer]) -> Answer:
    while True:
        try:
            next(steps)
        except StopIteration as end:
            answer: Answer = end.value
            return answer
