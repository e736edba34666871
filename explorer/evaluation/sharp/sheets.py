"""The sheet of a walk of two sizes: a few views at full size, to be looked at."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from explorer.evaluation.sharp.judging import ENLARGED, FINAL, TwoWalks
from explorer.evaluation.sheets import SheetRow, depth_colours, draw_sheet, evenly

#: Views, side by side.
_COLUMNS = 2


def sharp_sheet(walks: TwoWalks) -> NDArray[np.uint8]:
    """Truth, final, enlarged and the final's depth beside the true one, (H, W, 3) uint8."""
    truth = walks.truth
    shown = evenly(len(truth.views), _COLUMNS)
    pictures = [walks.pictures(index) for index in shown]
    depth = walks.plain.photo_depth
    finite = depth[np.isfinite(depth)]
    near, far = np.percentile(finite, [1, 99]) if finite.size else (1.0, 10.0)

    def colours(depth: NDArray[np.float32] | None) -> NDArray[np.uint8] | None:
        return None if depth is None else depth_colours(depth, float(near), float(far))

    rows = [
        SheetRow("truth", tuple(truth.views[index].rgb for index in shown)),
        SheetRow("final", tuple(each[FINAL] for each in pictures)),
        SheetRow("enlarged", tuple(each[ENLARGED] for each in pictures)),
        SheetRow("final's depth", tuple(colours(walks.depths(i)[FINAL]) for i in shown)),
        SheetRow("true depth", tuple(colours(truth.views[i].depth) for i in shown)),
    ]
    columns = [f"{i + 1} {truth.ways[i].value}" for i in shown]
    kept = [row for row in rows if any(picture is not None for picture in row.pictures)]
    return draw_sheet(columns, kept)
