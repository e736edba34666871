"""Do the steps of a drawn depth lie where the true ones do?

Between neighbours whose depths differ by more than a ratio lies a boundary, which has a direction
(along rows or columns) and a nearer side (the occluding contours of Depth Pro, Bochkovskii et al.
2024). Precision is the share of drawn boundaries with a true one of the same kind within reach,
recall the share of true ones with a drawn one, each the mean over ratios of 1.05 to 1.25, the
larger ones weighing more. Only ratios of depth count: neither its scale nor its unit matters. A
slope instead of a step has no large ratio anywhere, so that soft depth has little recall.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.geometry.arrays import Picture, float64_array

#: Ratios of neighbouring depths; each weighs as much as it says.
RATIOS = (1.05, 1.1, 1.15, 1.2, 1.25)

Edges = NDArray[np.uint8]


@dataclass(frozen=True)
class BoundaryScore:
    """Attributes:
    precision, recall: shares, 0–1; nan where nothing is drawn, or nothing true is there.
    reach: how far apart boundaries may lie, pixels.
    """

    precision: float
    recall: float
    reach: int


def boundary_score(prediction: Picture, truth: Picture, reach: int) -> BoundaryScore:
    """Of two depth pictures (H, W); sky (inf) is farther than anything, unknown (nan) and 0 have
    no boundary.

    Raises:
        ValueError: shapes differ, or the reach is negative.
    """
    p, t = float64_array(prediction), float64_array(truth)
    if p.shape != t.shape or reach < 0:
        raise ValueError(
            f"prediction {p.shape} and truth {t.shape} must have one shape, and a reach of at "
            f"least 0 pixels, not {reach}"
        )
    found = [_counts(p, t, ratio, reach) for ratio in RATIOS]
    return BoundaryScore(
        precision=_weighted([(hits, drawn) for hits, drawn, _, _ in found]),
        recall=_weighted([(hits, true) for _, _, hits, true in found]),
        reach=reach,
    )


def _weighted(shares: list[tuple[int, int]]) -> float:
    known = [(w, hits / count) for w, (hits, count) in zip(RATIOS, shares, strict=True) if count]
    return sum(w * s for w, s in known) / sum(w for w, _ in known) if known else float("nan")


def _counts(
    p: NDArray[np.float64], t: NDArray[np.float64], ratio: float, reach: int
) -> tuple[int, int, int, int]:
    """(Drawn boundaries with a true one, drawn ones, true ones with a drawn one, true ones)."""
    totals = np.zeros(4, np.int64)
    for drawn, true in zip(_boundaries(p, ratio), _boundaries(t, ratio), strict=True):
        near_true, near_drawn = _grown(true, reach), _grown(drawn, reach)
        totals += (
            np.count_nonzero(drawn & near_true),
            np.count_nonzero(drawn),
            np.count_nonzero(true & near_drawn),
            np.count_nonzero(true),
        )
    a, b, c, d = (int(total) for total in totals)
    return a, b, c, d


def _boundaries(depth: NDArray[np.float64], ratio: float) -> Iterator[Edges]:
    """Four pictures, 1 between neighbours of which one is so much farther: the right, the left,
    the lower and the upper one. The first two are (H, W−1), the others (H−1, W)."""
    known = depth > 0
    for a, b, both in (
        (depth[:, :-1], depth[:, 1:], known[:, :-1] & known[:, 1:]),
        (depth[:-1], depth[1:], known[:-1] & known[1:]),
    ):
        yield (both & (b > ratio * a)).astype(np.uint8)
        yield (both & (a > ratio * b)).astype(np.uint8)


def _grown(edges: Edges, reach: int) -> Edges:
    """With everything within `reach` pixels, as the crow flies."""
    if not reach:
        return edges
    along = np.arange(-reach, reach + 1)
    disc = (along[:, None] ** 2 + along**2 <= reach**2).astype(np.uint8)
    grown = cv2.dilate(edges, disc, borderType=cv2.BORDER_CONSTANT, borderValue=0)
    return grown.astype(np.uint8)
