"""What the tables of systems say of pictures: PSNR, how different they look, and of the set."""

from __future__ import annotations

import math
from collections.abc import Hashable

from engine.queries import Engine
from engine.queries.query import BoolArray, FloatArray
from explorer.evaluation.picture_metrics import psnr
from explorer.evaluation.yardstick.alike import Yardstick, distance_maps
from explorer.evaluation.yardstick.sets import LookSet

#: Of `PictureColumns.of`: over the masks, where there are any, but the last, which is of sets.
PICTURE_COLUMNS = ("PSNR ↑", "distance ↓", "KID ↓")
PICTURE_DIGITS = (2, 3, 2)


class PictureColumns:
    """Values of pictures (H, W, 3) in [0, 1] against the true ones, by the row that they are of."""

    def __init__(self, engine: Engine) -> None:
        self._yardstick = Yardstick.embedded(str(engine.device))
        self._values: dict[Hashable, tuple[list[float], list[float]]] = {}
        self._looks: dict[Hashable, LookSet] = {}

    def add(
        self,
        row: Hashable,
        scene: str,
        picture: FloatArray,
        truth: FloatArray,
        mask: BoolArray | None = None,
    ) -> None:
        """One picture; over the mask (H, W) where it has one."""
        ours, theirs = self._yardstick.look([picture]), self._yardstick.look([truth])
        apart = distance_maps(ours, theirs)[0]
        ratios, distances = self._values.setdefault(row, ([], []))
        ratios.append(psnr(picture, truth, mask))
        distances.append(float(apart.mean() if mask is None else apart[mask].mean()))
        looks = self._looks.setdefault(row, LookSet())
        looks.add(scene, theirs.pooled[0], ours.pooled[0])

    def of(self, row: Hashable) -> list[list[float]]:
        """One list a column of `PICTURE_COLUMNS`; the last has one value, nan for too few."""
        kernel = self._looks[row].distance() if row in self._looks else None
        ratios, distances = self._values.get(row, ([], []))
        return [ratios, distances, [math.nan if kernel is None else kernel.mean]]
