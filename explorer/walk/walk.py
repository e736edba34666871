"""The Walk: a photo, what is remembered of its world, and the steps that make more of it known.

One step is the architecture's one data flow: retrieve, warp, `<Image>`, `<Geometry>`, align,
remember (seed 003, eq. 9–10: geometry is drawn after each view and serves the next one). Steps are
generators that yield between sampling steps and change nothing before their end, so that a caller
may stop at any yield and ask for the same view again later: it will be the same picture.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from engine import queries
from engine.geometry.cameras import Camera
from engine.geometry.pictures import median_depth
from engine.geometry.projection import depth_confidence
from explorer.walk.agreement import agreement
from explorer.walk.colours import array, byte_tensor, to_floats
from explorer.walk.composite import composite
from explorer.walk.depth_drawing import Asked, DepthDrawing
from explorer.walk.depth_source import DepthSource
from explorer.walk.noise import PictureKind, noise_generator
from explorer.walk.photo import Photo
from explorer.walk.records import (
    NO_MEMORY,
    DrawnView,
    RetrievedView,
    StepProgress,
    WalkSettings,
    unknown_before,
    with_scale,
)
from explorer.walk.sharpening import (
    Sharpening,
    picture_of_photo,
    picture_with_depth,
    reduced,
)
from explorer.walk.stepping import stepped
from explorer.walk.timing import Stopwatch
from memory.known import Known
from memory.views import View

if TYPE_CHECKING:
    from memory.memory import Memory

FloatPicture = NDArray[np.float32]
Steps = Generator[StepProgress, None, DrawnView]

#: Trust in the depth of drawn views, where the photo's own depth has 1.
DRAWN_CONFIDENCE = 0.7


class WalkError(ValueError):
    """A walk that was asked for something out of order."""


class Recorder(Protocol):
    """Keeps what is drawn; see `explorer.walk.recorder`."""

    def record(self, drawn: DrawnView) -> object: ...

    def rewind(self, view_id: int) -> None: ...


class Walk:
    """Owns photo, memory, engine, recorder and noise.

    Args:
        photo: where the walk starts.
        engine: the model.
        memory: empty; the walk alone adds to it.
        settings: how views are drawn.
        recorder: told of every view once it is remembered; None to keep no record.
        depth_source: gives the photo's depth, or every view's; None for the model's own.
    """

    def __init__(
        self,
        photo: Photo,
        engine: queries.Engine,
        memory: Memory,
        settings: WalkSettings | None = None,
        recorder: Recorder | None = None,
        depth_source: DepthSource | None = None,
    ) -> None:
        self.photo = photo
        self.engine = engine
        self.memory = memory
        self.settings = settings or WalkSettings()
        self._recorder = recorder
        self._depth_source = depth_source
        self._count = 0

    @property
    def view_count(self) -> int:
        """Views drawn so far, the photo among them; the next view gets this id."""
        return self._count

    @property
    def scene_scale(self) -> float:
        """σ of the photo: the median of its depth, in scene units."""
        if not self._count:
            raise WalkError("the walk has not been started")
        return median_depth(torch.as_tensor(np.array(self.memory.views[0].depth)))

    def start(self) -> Steps:
        """Draws the photo's own depth, or asks its source, and remembers the photo as view 0."""
        if self._count:
            raise WalkError("the walk has been started already")
        clock = Stopwatch()
        drawn = yield from self._depths().of_photo(clock)
        view = self._view(0, self.photo.camera, self.photo.rgb, drawn.small)
        with clock.part("join"):
            picture = picture_of_photo(self.photo, drawn.depth)
        return self._remember(clock, replace(unknown_before(view), picture=picture))

    def adopt(
        self,
        camera: Camera,
        rgb: NDArray[np.uint8],
        depth: FloatPicture,
        picture: NDArray[np.uint8] | None = None,
    ) -> DrawnView:
        """Remembers a view that was seen, not drawn: a frame of a video, a second photo.

        Args:
            camera: in the walk's world; the first view of all must have the photo's.
            depth: (H, W) in scene units.
            picture: (Hp, Wp, 3) the view at the picture's size; None of one size.
        """
        view, clock = self._view(self._count, camera, rgb, depth), Stopwatch()
        large = None
        if picture is not None and self.photo.picture is not None:
            with clock.part("join"):
                large = picture_with_depth(picture, depth)
        return self._remember(clock, replace(unknown_before(view), picture=large))

    def step(self, camera: Camera) -> Steps:
        """Draws the view from `camera`, and its depth where it is the turn for one."""
        if not self._count:
            raise WalkError("the walk has not been started")
        clock, view_id = Stopwatch(), self._count
        known, retrieved, hint = self._remembered(clock, camera)
        with clock.part("context"):
            context = self._open_context(retrieved)
        sampler = self.settings.sampler
        asked = queries.draw_view(
            self.engine, context, camera, hint, sampler, self._noise(view_id, "rgb")
        )
        drawn = yield from stepped(clock, view_id, "view", asked)
        with clock.part("composite"):
            rgb = drawn if known is None else drawn.to(known.device)
            raw = final = byte_tensor(rgb)
            if known is not None:
                final = byte_tensor(composite(rgb, known.rgb, known.coverage, known.footprint))
        sharp, picture = self._sharpening(clock, known), None
        if sharp is not None:
            picture = sharp.joined(array(final))
            final = torch.from_numpy(reduced(picture, final.shape)).to(final.device)
        fused = None
        if view_id % self.settings.depth_every == 0:
            fused = yield from self._depths().of_view(
                clock, view_id, Asked(context, camera, final, known, hint)
            )
        depth = None if fused is None else array(fused.depth)
        if sharp is not None and picture is not None and depth is not None:
            picture = sharp.with_depth(picture, depth)
        view = self._view(view_id, camera, array(final), depth)
        coverage = torch.zeros_like(raw[..., 0]) if known is None else byte_tensor(known.coverage)
        drawn_view = DrawnView(
            view=view,
            raw_rgb=array(raw),
            coverage_map=array(coverage),
            retrieved=retrieved,
            seconds={},
            source_ids=None if known is None else array(known.view_ids),
            agreement_db=None if known is None else agreement(raw, known.rgb, known.coverage),
            picture=picture,
        )
        return self._remember(clock, with_scale(drawn_view, fused), known)

    def draw_depth(self, earlier: DrawnView) -> Steps:
        """Draws the depth of a view of this walk that has none, as it is seen from now on.

        Raises:
            WalkError: it has its depth already.
        """
        view = earlier.view
        if view.depth is not None:
            raise WalkError(f"view {view.id} has its depth already")
        clock = Stopwatch()
        known, retrieved, hint = self._remembered(clock, view.camera)
        retrieved = tuple(r for r in retrieved if r.view_id != view.id)
        with clock.part("context"):
            context = self._open_context(retrieved or earlier.retrieved)
        rgb = torch.tensor(view.rgb)
        asked = Asked(context, view.camera, rgb, known, hint)
        fused = yield from self._depths().of_view(clock, view.id, asked)
        filled = self._view(view.id, view.camera, view.rgb, array(fused.depth))
        picture = earlier.picture
        sharp = None if picture is None else self._sharpening(clock, known)
        if sharp is not None and picture is not None:
            picture = sharp.with_depth(picture, array(fused.depth))
        filled_view = replace(earlier, view=filled, picture=picture)
        with clock.part("remember"):
            self.restore_depth(filled_view)
        seconds = {**earlier.seconds, "later depth": sum(clock.seconds.values())}
        return with_scale(replace(filled_view, seconds=seconds), fused)

    def _sharpening(self, clock: Stopwatch, known: Known | None) -> Sharpening | None:
        """Of a new view; None in a walk of one size."""
        if self.photo.picture is None:
            return None
        return Sharpening(self.memory, known, self.photo.picture_size, clock)

    def _depths(self) -> DepthDrawing:
        return DepthDrawing(self.engine, self.photo, self.settings, self._depth_source)

    def restore(self, drawn: DrawnView) -> None:
        """Takes back a recorded view; the memory becomes what it was when it was drawn."""
        if drawn.view.id != self._count:
            raise WalkError(f"view {drawn.view.id} cannot follow on {self._count} views")
        self.memory.add(drawn.view, picture=drawn.picture)
        self._count += 1

    def restore_depth(self, drawn: DrawnView) -> None:
        """Takes back a recorded depth of a view that stands without one."""
        view = drawn.view
        if view.depth is None:
            raise WalkError(f"view {view.id} has no depth to take back")
        self.memory.back_fill(view.id, view.depth, view.confidence, drawn.picture)

    def rewind(self, view_id: int) -> None:
        """Forgets all views after `view_id`, so that the walk can go on from there."""
        if not 0 <= view_id < self._count:
            raise WalkError(f"there is no view {view_id} to go back to")
        self.memory.clear_after(view_id)
        self._count = view_id + 1
        if self._recorder is not None:
            self._recorder.rewind(view_id)

    def _remembered(
        self, clock: Stopwatch, camera: Camera
    ) -> tuple[Known | None, tuple[RetrievedView, ...], queries.Hint | None]:
        """What the memory knows of a view, the views to be shown to the model, and its hint."""
        with clock.part("warp"):
            known = self._look(camera)
            hint = self._hint(known)
        with clock.part("retrieve"):
            return known, self._retrieve(known), hint

    def _retrieve(self, known: Known | None) -> tuple[RetrievedView, ...]:
        """The views to be shown to the model; where none sees anything of it, the nearest ones."""
        settings = self.settings
        if known is None:
            return (RetrievedView(self._count - 1, 0.0),)
        found = self.memory.retrieve(known, settings.context_views, settings.strategy)
        if not found:
            found = self.memory.retrieve(known, settings.context_views, "pose")
        return tuple(RetrievedView(int(f.view_id), float(f.share)) for f in found)

    def _look(self, camera: Camera) -> Known | None:
        if self.settings.strategy == NO_MEMORY:
            return None
        return self.memory.look(camera, self.photo.height, self.photo.width)

    def _hint(self, known: Known | None) -> queries.Hint | None:
        if known is None or not self.settings.use_hint:
            return None
        return queries.Hint(rgb=known.rgb, depth=known.depth, coverage=known.coverage)

    def _open_context(self, retrieved: tuple[RetrievedView, ...]) -> queries.Context:
        views = [self.memory.views[r.view_id] for r in retrieved]
        context = [queries.KnownView(to_floats(v.rgb), v.depth, camera=v.camera) for v in views]
        return queries.open_context(self.engine, context, use_depth=self.settings.use_depth_context)

    def _noise(self, view_id: int, kind: PictureKind) -> torch.Generator:
        return noise_generator(self.settings.seed, view_id, kind)

    def _view(
        self, view_id: int, camera: Camera, rgb: NDArray[np.uint8], depth: FloatPicture | None
    ) -> View:
        confidence = None
        if depth is not None:
            trust = depth_confidence(torch.as_tensor(depth), camera).numpy()
            confidence = trust * np.float32(DRAWN_CONFIDENCE if view_id else 1.0)
        return View(view_id, camera, rgb, depth, confidence, self.settings.sampler.caption)

    def _remember(
        self, clock: Stopwatch, drawn: DrawnView, known: Known | None = None
    ) -> DrawnView:
        with clock.part("remember"):
            self.memory.add(drawn.view, known, drawn.picture)
        self._count += 1
        drawn = replace(drawn, seconds=dict(clock.seconds))
        if self._recorder is not None:
            self._recorder.record(drawn)
        return drawn
