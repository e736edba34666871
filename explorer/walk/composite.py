"""One picture out of two: the memory's detail where it is certain, the model's elsewhere.

The model's picture is first matched in colour and exposure to what the memory shows, so that a
walk does not grow darker or paler view by view (seed 003, §9, names darkened borders as a failure).
Both are then joined octave by octave (Burt and Adelson 1983): broad tones blend over a wide band
and fine detail over a narrow one, so that no seam shows and nothing is seen double.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from engine.geometry import filters
from explorer.walk.matching import MatchingConfig, matched_field


@dataclass(frozen=True)
class CompositeConfig:
    """Attributes:
    certain_from, certain_to: coverage below the first is not used, above the second fully.
    crack: cracks and pinholes up to this many pixels wide are closed from their rims.
    margin: pixels at the rim of the certain region that are given to the model.
    levels: octaves of the blend; the widest band is about 2**levels pixels.
    sharp_from, sharp_to: a disc of the memory this many times wider than 2**octave pixels
        begins to lack, and lacks, the detail of that octave; it then comes from the model.
    matching: how the model's colours are matched to the memory's.
    """

    certain_from: float = 0.3
    certain_to: float = 0.8
    crack: int = 4
    margin: int = 1
    levels: int = 4
    sharp_from: float = 1.5
    sharp_to: float = 3.0
    matching: MatchingConfig = field(default_factory=MatchingConfig)


def certainty(coverage: Tensor, config: CompositeConfig | None = None) -> Tensor:
    """How far the memory's picture is to be believed, (H, W) in [0, 1], its cracks being closed.

    Falls towards holes over a few pixels, because there the warp holds the soft outline of
    something that stands in front; never towards the border of the picture.
    """
    config = config or CompositeConfig()
    span = config.certain_to - config.certain_from
    t = ((_without_cracks(coverage, config) - config.certain_from) / span).clamp(0.0, 1.0)
    size = 2 * config.margin + 1
    eroded = filters.eroded(t, np.ones((size, size), np.uint8))
    # A blur alone would let belief leak back into the holes.
    return torch.minimum(filters.gaussian_blur(eroded, 1.0, "replicate", 5), t)


def _without_cracks(coverage: Tensor, config: CompositeConfig) -> Tensor:
    """Coverage (H, W) after a morphological closing."""
    if config.crack < 1:
        return coverage
    return torch.maximum(filters.closed(coverage, filters.disc(config.crack + 1)), coverage)


def _over_cracks(known: Tensor, coverage: Tensor, config: CompositeConfig) -> Tensor:
    """`known` (H, W, 3), its cracks painted with the mean of the known around them."""
    if config.crack < 1:
        return known
    weight = coverage.clamp(0.0, 1.0)[..., None]
    around = filters.gaussian_blur(torch.cat([known * weight, weight], -1), config.crack / 3)
    mean = around[..., :3] / around[..., 3:].clamp_min(1e-4)
    return mean + weight * (known - mean)


def composite(
    drawn: Tensor,
    known: Tensor,
    coverage: Tensor,
    footprint: Tensor | None = None,
    config: CompositeConfig | None = None,
) -> Tensor:
    """The final picture of a view, float32 as all that it is made of, on the device of that.

    Args:
        drawn: (H, W, 3) in [0, 1], the model's picture.
        known: (H, W, 3) in [0, 1], the memory seen from the same camera; any value in holes.
        coverage: (H, W) in [0, 1], how much of each pixel the memory knows.
        footprint: (H, W) pixels that one disc of the memory covers; None for 1 everywhere.

    Returns:
        (H, W, 3) in [0, 1].
    """
    config = config or CompositeConfig()
    trust = certainty(coverage, config)
    if not (trust > 0).any():
        return drawn
    known = _over_cracks(known, coverage, config)
    matched = matched_colours(drawn, known, trust, config.matching)
    opacity = _without_cracks(coverage, config).clamp(0.0, 1.0)[..., None]
    filled = matched + opacity * (known - matched)
    return _blend(filled, matched, _masks(trust, footprint, config)).clamp(0.0, 1.0)


def matched_colours(
    drawn: Tensor, known: Tensor, trust: Tensor, config: MatchingConfig | None = None
) -> Tensor:
    """`drawn` with the tones of `known`, also in the holes next to it; in [0, 1]."""
    shift = matched_field(known - drawn, trust, filters.luma(drawn), config)
    return (drawn + shift).clamp(0.0, 1.0)


def _masks(trust: Tensor, footprint: Tensor | None, config: CompositeConfig) -> list[Tensor]:
    """The memory's share of each octave, fine to coarse, each at its own size."""
    masks: list[Tensor] = []
    for level in range(config.levels + 1):
        mask = trust
        if footprint is not None:
            # Octave `level` holds detail of about 2**level pixels.
            lack = (footprint / 2**level - config.sharp_from) / (
                config.sharp_to - config.sharp_from
            )
            mask = trust * (1.0 - lack.clamp(0.0, 1.0))
        for _ in range(level):
            mask = filters.halved(mask)
        masks.append(mask)
    return masks


def _blend(first: Tensor, second: Tensor, masks: list[Tensor]) -> Tensor:
    """Joins two pictures octave by octave, `first` where the masks are 1."""
    a, b = _laplacian(first, len(masks)), _laplacian(second, len(masks))
    octaves = [
        m[..., None] * x + (1.0 - m[..., None]) * y for m, x, y in zip(masks, a, b, strict=True)
    ]
    picture = octaves[-1]
    for octave in reversed(octaves[:-1]):
        picture = filters.doubled(picture, *octave.shape[:2]) + octave
    return picture


def _laplacian(picture: Tensor, levels: int) -> list[Tensor]:
    octaves = []
    for _ in range(levels - 1):
        smaller = filters.halved(picture)
        octaves.append(picture - filters.doubled(smaller, *picture.shape[:2]))
        picture = smaller
    return [*octaves, picture]
