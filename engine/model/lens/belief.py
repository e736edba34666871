"""What is believed of a focal length: a distribution over bins of its logarithm."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor


@dataclass(frozen=True)
class FocalBins:
    """Equal bins of log(f/d), where f is the focal length and d the picture's diagonal, both in
    pixels of equal width and height; a 50 mm lens on a 24×36 mm frame is log(50/43.3).

    Attributes:
        low, high: f/d where the first bin begins and the last one ends.
        count: of the bins.
    """

    low: float = 0.3
    high: float = 2.6
    count: int = 32

    @property
    def width(self) -> float:
        """Of a bin, in log(f/d)."""
        return math.log(self.high / self.low) / self.count

    def centres(self) -> Tensor:
        """(count,) of log(f/d)."""
        return math.log(self.low) + (torch.arange(self.count) + 0.5) * self.width

    def spread_over(self, log_focal: Tensor, spread: float) -> Tensor:
        """(B, count) shares of a normal distribution around each of log(f/d) (B,), so that a
        neighbouring bin is less wrong than a far one."""
        away = (log_focal[:, None] - self.centres().to(log_focal)) / spread
        return F.softmax(-0.5 * away.square(), dim=1)

    def quantile(self, shares: Tensor, level: float) -> Tensor:
        """log(f/d) (B,) below which `level` of the shares (B, count) lies, evenly within a bin."""
        total = shares.cumsum(1)
        bin_ = (total < level).sum(1, keepdim=True).clamp_max(self.count - 1)
        inside = shares.gather(1, bin_)
        before = total.gather(1, bin_) - inside
        part = ((level - before) / inside.clamp_min(1e-9)).clamp(0.0, 1.0)
        return math.log(self.low) + (bin_ + part).squeeze(1) * self.width
