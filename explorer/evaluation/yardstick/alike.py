"""How different two pictures look, at each pixel: the distance of their features.

As LPIPS (Zhang et al. 2018) without its learned weights: at each stride of the network, features
are brought to unit length over their channels, and the squared difference is summed over these
(twice one minus the cosine: 0 is alike, 4 is opposite). The mean over strides 2 to 32 is the
distance. LPIPS itself has another network, so that its figures cannot be compared with these.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from einops import rearrange
from numpy.typing import NDArray
from torch import Tensor

from explorer.evaluation.yardstick.lite2 import EfficientNetLite2, embedded_yardstick

Picture = NDArray[np.float32]

#: Pictures that are looked at together: their widest features of 256×144 take 30 MB.
_BATCH = 8


@dataclass(frozen=True, eq=False)
class Looks:
    """What the network sees in pictures of one size.

    Attributes:
        size: (H, W) of the pictures.
        levels: (N, C, H/stride, W/stride) each, of unit length over C, for each of the strides.
        pooled: (N, C), the mean of the coarsest features as they are, for `together`.
    """

    size: tuple[int, int]
    levels: tuple[Tensor, ...]
    strides: tuple[int, ...]
    pooled: NDArray[np.float64]


class Yardstick:
    """Looks at pictures (H, W, 3) in [0, 1] of any size, on the device of its network."""

    def __init__(self, network: EfficientNetLite2) -> None:
        self.network = network

    @staticmethod
    def embedded(device: str) -> Yardstick:
        """With the embedded weights.

        Raises:
            CheckpointError: they are missing or damaged.
        """
        return Yardstick(embedded_yardstick(device))

    @torch.no_grad()
    def look(self, pictures: Sequence[Picture]) -> Looks:
        """At least one picture, all of one size.

        Raises:
            ValueError: there is none, or sizes differ.
        """
        sizes = {picture.shape for picture in pictures}
        if len(sizes) != 1:
            raise ValueError(f"pictures that are looked at together have one size, not {sizes}")
        device = next(self.network.parameters()).device
        parts = []
        for start in range(0, len(pictures), _BATCH):
            batch = np.stack(pictures[start : start + _BATCH]).astype(np.float32)
            seen = torch.from_numpy(batch).to(device) * 2.0 - 1.0
            parts.append(self.network.levels(rearrange(seen, "n h w c -> n c h w")))
        levels = [torch.cat(level) for level in zip(*parts, strict=True)]
        pooled = levels[-1].double().mean((2, 3)).cpu().numpy()
        height, width = pictures[0].shape[:2]
        unit = tuple(F.normalize(level, dim=1) for level in levels)
        strides = tuple(level.stride for level in self.network.description.levels)
        return Looks((height, width), unit, strides, pooled)


def distance_maps(one: Looks, other: Looks) -> NDArray[np.float64]:
    """(N, H, W), the distance of each picture from its partner.

    Each feature speaks for the pixels under it, so that the mean over a mask is the mean over
    features, weighted by the mask's area under each.

    Raises:
        ValueError: the pictures differ in number or size.
    """
    if one.size != other.size or one.levels[0].shape != other.levels[0].shape:
        raise ValueError(
            f"{len(one.pooled)} pictures of {one.size} have no partners in {len(other.pooled)} of "
            f"{other.size}"
        )
    height, width = one.size
    total = torch.zeros(len(one.pooled), height, width, device=one.levels[0].device)
    for stride, ours, theirs in zip(one.strides, one.levels, other.levels, strict=True):
        apart = (ours - theirs).square().sum(1)
        pixels = apart.repeat_interleave(stride, 1).repeat_interleave(stride, 2)
        total += pixels[:, :height, :width]
    maps: NDArray[np.float64] = (total.double() / len(one.levels)).cpu().numpy()
    return maps
