"""How far a set of drawn pictures is from the true ones, whichever belongs to which.

The kernel distance (KID, Binkowski et al. 2018): the squared maximum mean discrepancy of pooled
features under the kernel (x·y / channels + 1)³, without bias. Each drawn picture has a true one,
and pairs of partners are left out (Gretton et al. 2012, the estimate for sets of one size), so
that what is true scores 0. Without bias, sets that are alike score around 0, sometimes below it.
Features are those of the embedded network, not of Inception: figures of others are on other scales.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Features = NDArray[np.float64]

#: Fewer pictures than this make no set.
FEWEST_PICTURES = 8
#: Of more than this, so many are drawn: the kernel is quadratic in them.
MOST_PICTURES = 2048
#: Where there are fewer scenes, runs of pictures are left out in turn instead.
_FEWEST_SCENES, _RUNS = 4, 8


@dataclass(frozen=True)
class KernelDistance:
    """Attributes:
    mean: the estimate of all pictures.
    standard_error: by leaving out one scene after the other (of fewer than four scenes, an eighth
        of the pictures): the delete-a-group jackknife.
    pictures: how many of each kind it is of.
    """

    mean: float
    standard_error: float
    pictures: int


def kernel(x: Features, y: Features) -> Features:
    """(N, M) of features (N, C) and (M, C)."""
    cubed: Features = (x @ y.T / x.shape[1] + 1.0) ** 3
    return cubed


def kernel_distance(
    true: Features, drawn: Features, scenes: Sequence[str]
) -> KernelDistance | None:
    """Of partners (N, C) each, with the scene of each; None where they are too few for a set.

    Raises:
        ValueError: shapes differ.
    """
    if true.shape != drawn.shape or len(true) != len(scenes):
        raise ValueError(
            f"each drawn picture needs its true one, and a scene: {drawn.shape}, {true.shape}, "
            f"{len(scenes)}"
        )
    if len(true) < FEWEST_PICTURES:
        return None
    names = np.asarray(scenes)
    if len(true) > MOST_PICTURES:
        rng = np.random.default_rng(len(true))
        kept = np.sort(rng.choice(len(true), MOST_PICTURES, replace=False))
        true, drawn, names = true[kept], drawn[kept], names[kept]
    across = kernel(true, drawn)
    pairs = kernel(true, true) + kernel(drawn, drawn) - across - across.T
    np.fill_diagonal(pairs, 0.0)
    count = len(true)
    member = _groups(names)
    between = member.T @ pairs @ member
    without = between.sum() - 2.0 * between.sum(1) + np.diag(between)
    left = count - member.sum(0)
    estimates = without / (left * (left - 1))
    groups = len(estimates)
    spread = float(((estimates - estimates.mean()) ** 2).sum())
    return KernelDistance(
        mean=float(pairs.sum() / (count * (count - 1))),
        standard_error=float(np.sqrt((groups - 1) / groups * spread)),
        pictures=count,
    )


def _groups(names: NDArray[np.str_]) -> Features:
    """(N, groups), 1 where a picture belongs to a group."""
    found, place = np.unique(names, return_inverse=True)
    if len(found) < _FEWEST_SCENES:
        place = np.arange(len(names)) * _RUNS // len(names)
    return np.asarray(np.eye(int(place.max()) + 1)[place], np.float64)
