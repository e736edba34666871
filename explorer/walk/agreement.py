"""How well what the model draws agrees with what the memory knows."""

from __future__ import annotations

import math

import torch
from torch import Tensor

#: Pixels covered at least this much are known.
SURE = 0.9
#: Where less of the picture than this is known, nothing is said.
LEAST_SHARE = 0.02


def agreement(raw: Tensor, known: Tensor, coverage: Tensor) -> float | None:
    """PSNR in dB of a drawn picture (H, W, 3) of bytes against the memory's (H, W, 3, in [0, 1])
    where the coverage (H, W) is sure; None where that is too little to judge by."""
    sure = coverage >= SURE
    if float(sure.float().mean()) < LEAST_SHARE:
        return None
    difference = raw[sure].to(torch.float32) / 255 - known[sure]
    return -10.0 * math.log10(max(float(difference.square().mean()), 1e-10))
