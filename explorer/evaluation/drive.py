"""Drives a walk along a scene's true cameras."""

from __future__ import annotations

import sys
from collections.abc import Callable, Generator
from typing import Protocol, TypeVar

import numpy as np

from engine import queries
from engine.geometry.cameras import Camera
from explorer.evaluation.depths import median_ratio
from explorer.evaluation.scenes import Scene, TrueView
from explorer.evaluation.traces import DrawnPictures, WalkTrace, drawn_depth
from explorer.walk.photo import Photo
from explorer.walk.ready import EngineOptions, open_engine
from explorer.walk.records import DrawnView, WalkSettings
from explorer.walk.walk import Walk
from memory.config import MemoryConfig
from memory.memory import Memory
from memory.views import View

Answer = TypeVar("Answer")

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
    """Draws with our engine and our memory, a fresh memory for every walk."""

    def __init__(self, engine: queries.Engine) -> None:
        self.engine = engine

    @staticmethod
    def load(options: EngineOptions, size: tuple[int, int]) -> WalkDriver:
        """With the engine that the options name, for pictures of (width, height).

        Raises:
            ValueError: if the device or the weights cannot be used.
        """
        return WalkDriver(ready_to_draw(options, size))

    @property
    def description(self) -> str:
        """Weights and device."""
        return f"weights {self.engine.weights_hash} on {self.engine.device}"

    def photo_view(self, scene: Scene, settings: WalkSettings) -> View:
        """See `Driver`."""
        return _finish(self._walk(scene, settings).start()).view

    def draw(
        self, scene: Scene, settings: WalkSettings, scale: float | None, on_views: OnViews
    ) -> WalkTrace:
        """See `Driver`."""
        walk = self._walk(scene, settings)
        photo = _finish(walk.start()).view
        if scale is None:
            scale = true_scale_of(photo, scene.photo)
        on_views(0)
        views = []
        for view in scene.views:
            drawn = _finish(walk.step(walk_camera(scene, view.camera, scale)))
            views.append(_pictures(drawn, scale))
            on_views(1)
        return WalkTrace(photo, scale, tuple(views))

    def _walk(self, scene: Scene, settings: WalkSettings) -> Walk:
        height, width = scene.photo.rgb.shape[:2]
        photo = Photo(
            rgb=scene.photo.rgb,
            original_width=width,
            original_height=height,
            intrinsics=scene.photo.camera.intrinsics,
            source_name=scene.name,
            lens_source="the scene's own camera",
        )
        memory = Memory(MemoryConfig(), device=self.engine.device)
        return Walk(photo, self.engine, memory, settings)


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
    )


def _finish(steps: Generator[object, None, Answer]) -> Answer:
    while True:
        try:
            next(steps)
        except StopIteration as end:
            answer: Answer = end.value
            return answer
