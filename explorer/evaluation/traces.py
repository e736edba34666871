"""What a walk drew, in the scene's own units, ready to be judged."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from memory.views import View


@dataclass(frozen=True, eq=False)
class DrawnPictures:
    """One view of a walk.

    Attributes:
        final, raw: (H, W, 3) uint8; `final` keeps the memory's detail where it is certain, `raw`
            is the model's picture alone.
        depth: (H, W) float32 in the scene's units, or None where none was drawn.
        seconds: by part of the step.
        picture: (Hp, Wp, 3) uint8, the view at the picture's size; None in a walk of one size.
        picture_depth: (Hp, Wp) float32 in the scene's units, or None as above.
    """

    final: NDArray[np.uint8]
    raw: NDArray[np.uint8]
    depth: NDArray[np.float32] | None
    seconds: Mapping[str, float]
    picture: NDArray[np.uint8] | None = None
    picture_depth: NDArray[np.float32] | None = None

    @property
    def shown(self) -> NDArray[np.uint8]:
        """What people get: at the picture's size where there are two."""
        return self.final if self.picture is None else self.picture

    @property
    def shown_depth(self) -> NDArray[np.float32] | None:
        """Its depth, in the scene's units."""
        return self.depth if self.picture is None else self.picture_depth


@dataclass(frozen=True, eq=False)
class WalkTrace:
    """A whole walk.

    Attributes:
        photo: as the walk remembers it, with the depth that the model drew, in walk units.
        scale: the scene's units per unit of the walk, found once for the photo.
        views: in the order of the scene's views.
        photo_picture_depth: (Hp, Wp) float32 in the scene's units, of the photo at the picture's
            size; None in a walk of one size.
    """

    photo: View
    scale: float
    views: tuple[DrawnPictures, ...]
    photo_picture_depth: NDArray[np.float32] | None = None

    @property
    def photo_depth(self) -> NDArray[np.float32]:
        """(H, W) float32, in the scene's units."""
        return drawn_depth(self.photo) * np.float32(self.scale)

    @property
    def seconds_per_view(self) -> float:
        """Median over the views of all parts together."""
        return float(np.median([sum(view.seconds.values()) for view in self.views]))


def drawn_depth(view: View) -> NDArray[np.float32]:
    """The depth (H, W) of a view that has one, in the view's own units.

    Raises:
        ValueError: if it has none.
    """
    if view.depth is None:
        raise ValueError(f"view {view.id} has no depth")
    return np.array(view.depth, dtype=np.float32)
