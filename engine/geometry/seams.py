"""Pictures that were decoded patch by patch, without the steps between their patches.

A token draws its patch with a brightness and colour of its own, a little off its neighbours', and
the eye finds such a grid before anything else. What a step has beyond the slope on both of its
sides is taken out of the picture's gradient, and the picture nearest to the old one that has the
new gradient is found in closed form, by the screened Poisson equation (Bhat et al., "Fourier
analysis of the 2D screened Poisson equation for gradient domain problems", 2008).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor


@dataclass(frozen=True)
class SeamConfig:
    """Attributes:
    step: differences across a seam that are taken out whole, in the picture's units; twice as
        much is an edge of what is shown, and stays.
    reach: pixels over which a step is spread; tones that change more slowly are kept.
    """

    step: float = 0.4
    reach: float = 10.0


def without_seams(picture: Tensor, patch: int, config: SeamConfig | None = None) -> Tensor:
    """(B, C, H, W) without steps at the borders of its patches of `patch` pixels, at least 4.

    Raises:
        ValueError: patches too small to have a slope of their own.
    """
    config = config or SeamConfig()
    if patch < 4:
        raise ValueError(f"patches of {patch} pixels have no slope to go on with")
    # Of a vector field that is zero but at the seams: what leaves each pixel.
    flow = _flow(picture, patch, config.step)
    flow = flow + _flow(picture.mT, patch, config.step).mT
    return picture - _potential(flow, config.reach)


def _flow(picture: Tensor, patch: int, step: float) -> Tensor:
    """Divergence of the steps between rows, where one patch ends and the next begins."""
    flow = torch.zeros_like(picture)
    height = picture.shape[-2]
    if height <= patch:
        return flow
    last, first = picture[..., patch - 1 : -1 : patch, :], picture[..., patch::patch, :]
    before = last - picture[..., patch - 2 : -2 : patch, :]
    after = picture[..., patch + 1 :: patch, :] - first
    beyond = first - last - (before + after) / 2
    share = (2 - beyond.abs().amax(1, keepdim=True) / step).clamp(0, 1)
    flow[..., patch - 1 : -1 : patch, :] = beyond * share
    flow[..., patch::patch, :] -= beyond * share
    return flow


def _potential(flow: Tensor, reach: float) -> Tensor:
    """u of ∇²u − u / reach² = flow, with mirrors for borders."""
    height, width = flow.shape[-2:]
    mirrored = torch.cat([flow, flow.flip(-1)], dim=-1)
    mirrored = torch.cat([mirrored, mirrored.flip(-2)], dim=-2).float()
    answer = _answer(height, width, reach, flow.device)
    solved: Tensor = torch.fft.irfft2(torch.fft.rfft2(mirrored) * answer, s=mirrored.shape[-2:])
    return solved[..., :height, :width].to(flow.dtype)


@lru_cache(maxsize=4)
def _answer(height: int, width: int, reach: float, device: torch.device) -> Tensor:
    """(2H, W + 1): what the equation makes of each wave."""
    rows = torch.arange(2 * height, device=device) * (math.pi / height)
    columns = torch.arange(width + 1, device=device) * (math.pi / width)
    bend = (2 - 2 * rows.cos())[:, None] + (2 - 2 * columns.cos()) + 1 / reach**2
    return -bend.reciprocal()
