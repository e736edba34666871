"""A scene whose truth is known: one photo to start from, and the true views of a walk."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Generic, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from engine.geometry.cameras import Camera
from explorer.evaluation.picture_metrics import unit_colours
from explorer.evaluation.visibility import (
    EXACT_TOLERANCE,
    DepthView,
    Visibility,
    visibility,
)

Item = TypeVar("Item")


class SceneSource(Protocol):
    """Where scenes come from, one by one."""

    def scene(self, index: int) -> Scene:
        """Scene number `index`, the same every time."""


class Way(StrEnum):
    """Which half of a forth-and-back walk a view belongs to."""

    OUT = "out"
    BACK = "back"


@dataclass(frozen=True, eq=False)
class TrueView:
    """What a camera really saw.

    Attributes:
        rgb: (H, W, 3) uint8.
        depth: (H, W) float32 z-depth in the scene's units, `inf` sky, `nan` not measured;
            None where the scene has no depth.
        camera: in the scene's units.
    """

    rgb: NDArray[np.uint8]
    depth: NDArray[np.float32] | None
    camera: Camera

    @property
    def colours(self) -> NDArray[np.float32]:
        """(H, W, 3) float32 in [0, 1]."""
        return unit_colours(self.rgb)


@dataclass(frozen=True, eq=False)
class Scene:
    """A photo and the true views of a walk away from it and back.

    Attributes:
        photo: the only view that a walk is given.
        views, ways: the views to be drawn, in the order of the walk.
        depth_tolerance: relative accuracy of the true depths, for occlusion tests.
        picture: (Hp, Wp, 3) uint8, the photo at the picture's size, for a walk of two sizes;
            None for one of one size.
    """

    name: str
    caption: str
    photo: TrueView
    views: tuple[TrueView, ...]
    ways: tuple[Way, ...]
    depth_tolerance: float = EXACT_TOLERANCE
    picture: NDArray[np.uint8] | None = None

    @property
    def has_depth(self) -> bool:
        """Whether every view has a true depth."""
        return all(view.depth is not None for view in (self.photo, *self.views))

    def of_one_size(self) -> Scene:
        """The same without the photo at the picture's size."""
        return replace(self, picture=None)

    def visibility_of(self, view: TrueView) -> Visibility | None:
        """What of `view` the photo shows, by true geometry; None without true depth."""
        if view.depth is None or self.photo.depth is None:
            return None
        return visibility(
            DepthView(view.depth, view.camera),
            [DepthView(self.photo.depth, self.photo.camera)],
            self.depth_tolerance,
        )

    def shortened(self, views: int) -> Scene:
        """The same scene with about `views` views of its way out, evenly spread."""
        out = [index for index, way in enumerate(self.ways) if way is Way.OUT]
        count = min(views, len(out))
        picked = [out[round((k + 1) * len(out) / count) - 1] for k in range(count)]
        return replace(
            self,
            views=tuple(self.views[index] for index in picked),
            ways=tuple(Way.OUT for _ in picked),
        )


@dataclass(frozen=True)
class ForthAndBack(Generic[Item]):
    """Frames of a clip in the order of a walk: photo, way out, way back between them."""

    photo: Item
    out: tuple[Item, ...]
    back: tuple[Item, ...]


def forth_and_back(frames: Sequence[Item]) -> ForthAndBack[Item]:
    """Frame 0 is the photo, the other even frames the way out, the odd ones reversed the way back.

    So the way back runs between the cameras of the way out, never through them.

    Raises:
        ValueError: for fewer than three frames.
    """
    if len(frames) < 3:
        raise ValueError(f"a walk out and back needs at least three frames, not {len(frames)}")
    return ForthAndBack(frames[0], tuple(frames[2::2]), tuple(frames[1::2][::-1]))


def scene_from_frames(
    name: str, caption: str, frames: Sequence[TrueView], depth_tolerance: float = EXACT_TOLERANCE
) -> Scene:
    """A scene whose walk goes out on the even frames and back on the odd ones."""
    order = forth_and_back(frames)
    return Scene(
        name,
        caption,
        order.photo,
        order.out + order.back,
        (Way.OUT,) * len(order.out) + (Way.BACK,) * len(order.back),
        depth_tolerance,
    )
