"""What has been seen: every view, the fused points, and the sky."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from engine.geometry.cameras import Camera
from engine.geometry.projection import depth_confidence
from engine.geometry.rendering import Rendering, render_surfels
from engine.geometry.surfels import Surfels
from memory.chunks import Selection
from memory.cloud import SurfelCloud
from memory.config import MemoryConfig
from memory.events import Before, Event
from memory.free_space import FreeSpace
from memory.fusion import Observation, fuse, observe
from memory.known import Known
from memory.pictures.looked_up import LookedUp, Seen, look_up
from memory.pictures.picture import Picture
from memory.pictures.store import PictureStore, ReadPicture
from memory.poses import PoseTable
from memory.recall import PHOTO, Recalled, recalled, standing_near
from memory.retrieval import STRATEGIES, Query, Retrieved
from memory.retrieval.query import Sight
from memory.rims import Rims
from memory.sky import SkyMemory
from memory.store import ViewStore
from memory.views import View

#: A pixel that is known less than this is a guess of its depth to nobody.
_SHOWN = 0.3


@dataclass(frozen=True)
class _Points:
    """The surfels that a picture can show, and the picture."""

    selection: Selection
    surfels: Surfels
    rendering: Rendering


class Memory:
    """Remembers views, and what they show as points.

    The points follow from the views and the order in which they and their depths came: adding the
    same views in the same order gives the same points, bit for bit, on a CPU.

    Args:
        config: see there.
        folder: where views are written; None keeps them in RAM.
        device: where the points live.
        read_picture: reads large pictures from where they were recorded; None keeps them in RAM.
    """

    def __init__(
        self,
        config: MemoryConfig | None = None,
        folder: Path | None = None,
        device: torch.device | str = "cpu",
        read_picture: ReadPicture | None = None,
    ) -> None:
        self.config = config or MemoryConfig()
        self._device = torch.device(device)
        self._store = ViewStore(folder, self.config.views_in_ram)
        self._pictures = PictureStore(read_picture, self.config.pictures_in_ram)
        self._events: list[Event] = []
        self._moment = 0
        self._forget_points()

    @property
    def views(self) -> Mapping[int, View]:
        """All views by id, in the order of adding."""
        return self._store

    @property
    def surfel_count(self) -> int:
        return len(self._cloud)

    @property
    def pictures(self) -> PictureStore:
        """The views at the picture's size."""
        return self._pictures

    def add(self, view: View, known: Known | None = None, picture: Picture | None = None) -> None:
        """Remember a view; its id must follow on the others'.

        A view without depth adds no points, but the known points learn that it sees them.

        Args:
            known: what `look` gave from the view's camera just before, so that points need not be
                rendered again for a view without depth; None renders them.
            picture: the view at the picture's size; None where there is one size.
        """
        latest = int(self._poses.poses.ids[-1]) if len(self._poses) else -1
        if view.id <= latest:
            raise ValueError(f"view {view.id} cannot be added after view {latest}")
        self._store.put(view)
        if picture is not None:
            self._pictures.put(view.id, view.camera, picture)
        event = Event(view.id, view.depth is not None)
        self._events.append(event)
        self._take_in(view, event, known)

    def back_fill(
        self,
        view_id: int,
        depth: NDArray[np.float32],
        confidence: NDArray[np.float32] | None = None,
        picture: Picture | None = None,
    ) -> None:
        """Give a view that has none its depth (H, W) in scene units, and so its points; also its
        picture with the depth at that size."""
        view = self._store[view_id]
        if view.depth is not None:
            raise ValueError(f"view {view_id} has its depth already")
        view = view.with_depth(depth, confidence)
        self._store.put(view)
        if picture is not None:
            self._pictures.put(view_id, view.camera, picture)
        event = Event(view_id, True)
        self._events.append(event)
        self._take_in(view, event)

    def clear_after(self, view_id: int) -> None:
        """Forget all later views, as if they had never come.

        The last few events are taken back one by one; further back, or where an earlier view got
        its depth after a later view came, the points are made anew from the views that stay.
        """
        for later in [i for i in self._store if i > view_id]:
            self._store.remove(later)
            self._pictures.remove(later)
        events = self._events
        self._events = [e for e in events if e.view_id <= view_id]
        gone = len(events) - len(self._events)
        if gone <= len(self._before) and events[: len(self._events)] == self._events:
            for _ in range(gone):
                self._take_back(self._before.pop())
            return
        self._forget_points()
        self._moment += 1
        for event in self._events:
            self._take_in(self._store[event.view_id], event)

    def look(self, camera: Camera, height: int, width: int) -> Known:
        """All that is known, seen from `camera`: the points and the sky, near the photo its rims,
        and between them what views show that were taken from the same place."""
        points = self._points(camera, height, width)
        seen = points.rendering
        known = Known(
            camera=camera,
            rgb=seen.rgb,
            depth=seen.depth,
            coverage=seen.coverage,
            view_ids=seen.view_ids,
            footprint=seen.footprint,
            by_points=_by_points(seen),
            sight=self._sight(points),
            free_space=self._free,
            moment=self._moment,
        )
        rims = self.render_rims(camera, height, width)
        known = known if rims is None else known.with_rims(rims)
        again = self.recall(camera, height, width)
        return known if again is None else known.with_gaps_filled(again)

    def look_up(self, known: Known, size: tuple[int, int]) -> LookedUp:
        """What large pictures show of a new view.

        Args:
            known: what `look` gave from its camera.
            size: (width, height) of the new picture.
        """
        shown = known.coverage >= _SHOWN
        if known.free_space is not None:
            # What no drawn view can have seen there must not stand before the photo.
            shown = shown & ~known.free_space.holds(known.depth, known.camera)
        inverse = torch.where(shown, 1.0 / known.depth, torch.nan)
        seen = Seen(inverse.float().cpu().numpy(), known.view_ids.cpu().numpy())
        return look_up(self._pictures.source, known.camera, size, seen, self.config.look_up)

    def render_points(self, camera: Camera, height: int, width: int) -> Rendering:
        """The points and the sky alone; `surfel_ids` count the rendered surfels only."""
        return self._points(camera, height, width).rendering

    def recall(self, camera: Camera, height: int, width: int) -> Recalled | None:
        """What views show that were taken from the same place, also where they left no points;
        None when there is no such view."""
        if not len(self._poses):
            return None
        poses, config = self._poses.poses, self.config
        scale = self._store[int(poses.ids[0])].scale
        ids = standing_near(poses, camera, width, scale, config.views_recalled)
        views = [self._store[int(i)] for i in ids]
        return recalled(views, camera, height, width, self._device)

    def render_rims(self, camera: Camera, height: int, width: int) -> Rendering | None:
        """The photo's depth edges, which left no points, seen from near; None where nothing of
        them is near enough."""
        discs = None if self._rims is None else self._rims.near(camera, width)
        return render_surfels(discs, camera, height, width) if discs else None

    def points(self) -> Surfels:
        """Every fused surfel."""
        return self._cloud.all()

    def point_counts(self) -> dict[int, int]:
        """How many fused surfels stem from each view, by view id; views without any are absent."""
        counts = self._cloud.counts().tolist()
        return {view_id: count for view_id, count in enumerate(counts) if count}

    def points_of(self, view_id: int) -> Surfels:
        """The fused surfels that stem from a view."""
        return self._cloud.of_view(view_id)

    def retrieve(self, known: Known, count: int, strategy: str = "coverage") -> list[Retrieved]:
        """At most `count` views that tell most about what a camera sees, best first.

        Args:
            known: what this memory, as it is now, showed of it.

        Raises:
            ValueError: when there is no such strategy, or the memory has changed since that look.
        """
        if strategy not in STRATEGIES:
            names = ", ".join(STRATEGIES)
            raise ValueError(f"there is no retrieval strategy {strategy!r}, only {names}")
        if known.moment != self._moment:
            raise ValueError("the memory has changed since that look; look again, then retrieve")
        if not len(self._poses) or count < 1:
            return []
        scale = self._store[int(self._poses.poses.ids[0])].scale
        query = Query(known.camera, count, self._poses.poses, scale, known.sight)
        return STRATEGIES[strategy](query)

    def _forget_points(self) -> None:
        self._cloud = SurfelCloud(self._device)
        self._sky = SkyMemory(self._device)
        self._poses = PoseTable()
        self._rims: Rims | None = None
        self._free: FreeSpace | None = None
        self._before: deque[Before] = deque(maxlen=self.config.undo)

    def _take_in(self, view: View, event: Event, known: Known | None = None) -> None:
        directions, poses = len(self._sky), len(self._poses)
        if view.id not in self._poses:
            self._poses.append(view.id, view.camera)
        if event.with_depth and view.depth is not None:
            picture = self._observation(view, view.depth)
            seen = fuse(self._cloud, picture, self.config.fusion)
            self._sky.add(seen.sky, seen.sky_pixels, view.camera, (view.height, view.width))
            if view.id == PHOTO:
                self._rims, self._free = Rims.of(picture, seen), FreeSpace.of(view, self._device)
        else:
            if known is not None and known.moment == self._moment and known.camera is view.camera:
                depth = known.by_points
            else:
                depth = _by_points(self.render_points(view.camera, view.height, view.width))
            observe(self._cloud, view.camera, view.id, depth)
        self._before.append(Before(self._cloud.changes(), directions, poses))
        self._moment += 1

    def _take_back(self, before: Before) -> None:
        for undo in reversed(before.changes):
            undo()
        self._sky.shrink(before.directions)
        self._poses.shrink(before.poses)
        if not len(self._poses):
            self._rims = self._free = None
        self._moment += 1

    def _observation(self, view: View, depth: NDArray[np.float32]) -> Observation:
        there = torch.tensor(depth, device=self._device)
        if view.confidence is None:
            confidence = depth_confidence(there, view.camera)
        else:
            confidence = torch.tensor(view.confidence, device=self._device)
        rgb = torch.tensor(view.rgb, device=self._device).float() / 255.0
        return Observation(view.id, view.camera, rgb, there, confidence)

    def _points(self, camera: Camera, height: int, width: int) -> _Points:
        selection = self._cloud.select(camera, height, width)
        surfels = self._cloud.surfels(selection)
        rendering = render_surfels(surfels, camera, height, width, self._sky.within(camera))
        return _Points(selection, surfels, rendering)

    def _sight(self, points: _Points) -> Sight:
        """Some pixels of the points, with the views that see each of them."""
        step, seen = self.config.sight_step, points.rendering
        ids, depth, view_ids = (
            picture[step // 2 :: step, step // 2 :: step]
            for picture in (seen.surfel_ids, seen.depth, seen.view_ids)
        )
        shown = ids >= 0
        front = ids[shown]
        seen_by, _ = self._cloud.seen(points.selection.index.index_select(0, front))
        return Sight(
            pixels=ids.numel(),
            positions=points.surfels.positions.index_select(0, front),
            normals=points.surfels.normals.index_select(0, front),
            depth=depth[shown],
            seen_by=seen_by,
            sky_views=view_ids[torch.isposinf(depth)],
        )


def _by_points(seen: Rendering) -> Tensor:
    """z-depth of a rendering, nan where it covers less than half of a pixel."""
    return torch.where(seen.coverage > 0.5, seen.depth, torch.nan)
