"""What a look-up is given and what it gives."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from memory.pictures.lookup import IterationConfig

Plane = NDArray[np.float32]

PHOTO = 0


@dataclass(frozen=True)
class LookUpConfig:
    """Attributes:
    views: drawn views that are looked into, at most.
    least: share of the picture below which a drawn view is not worth it.
    quick: rounds of the iteration where the guess is good, which it nearly always is.
    longer: the iteration where it is not.
    """

    views: int = 4
    least: float = 0.001
    quick: int = 3
    longer: IterationConfig = field(default_factory=IterationConfig)


@dataclass(frozen=True, eq=False)
class Seen:
    """What the memory knows of the new view at the model's size.

    Attributes:
        inverse: (h, w) float32 inverse depth, 0 = sky, nan = unknown.
        view_ids: (h, w) int32, whose surface it is; −1 for none.
    """

    inverse: Plane
    view_ids: NDArray[np.int32]


@dataclass(frozen=True, eq=False)
class LookedUp:
    """Attributes:
    rgb: (H, W, 3) uint8, 0 where nothing was found.
    inverse: (H, W) float32 inverse depth, 0 = sky, nan where nothing was found.
    view_ids: (H, W) int32, whose picture it is; −1 where nothing was found.
    parallax: pixels by which things come apart, seen from the photo and from the new view, per
        inverse depth between them.
    """

    rgb: NDArray[np.uint8]
    inverse: Plane
    view_ids: NDArray[np.int32]
    parallax: float = 0.0

    @property
    def found(self) -> NDArray[np.bool_]:
        return self.view_ids >= 0
