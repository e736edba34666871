"""How well what the model draws agrees with what the memory knows."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

#: Pixels covered at least this much are known.
SURE = 0.9
#: Where less of the picture than this is known, nothing is said.
LEAST_SHARE = 0.02


def agreement(
    raw: NDArray[np.uint8], known: NDArray[np.float32], coverage: NDArray[np.float32]
) -> float | None:
    """PSNR in dB of a drawn picture (H, W, 3) against the memory's (H, W, 3, in [0, 1]) where
    the coverage (H, W) is sure; None where that is too little to judge by."""
    sure = coverage >= SURE
    if sure.mean() < LEAST_SHARE:
        return None
    difference = raw[sure].astype(np.float32) / np.float32(255) - known[sure]
    error = float(np.mean(np.square(difference)))
    return float(-10.0 * np.log10(max(error, 1e-10)))
