"""One picture out of two: the memory's detail where it is certain, the model's elsewhere.

The model's picture is first matched in colour and exposure to what the memory shows, so that a
walk does not grow darker or paler view by view (seed 003, §9, names darkened borders as a failure).
Both are then joined octave by octave (Burt and Adelson 1983): broad tones blend over a wide band
and fine detail over a narrow one, so that no seam shows and nothing is seen double.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from explorer.walk.matching import MatchingConfig, matched_field

Array = NDArray[np.float32]


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


def certainty(coverage: Array, config: CompositeConfig | None = None) -> Array:
    """How far the memory's picture is to be believed, (H, W) in [0, 1], its cracks being closed.

    Falls towards holes over a few pixels, because there the warp holds the soft outline of
    something that stands in front; never towards the border of the picture.
    """
    config = config or CompositeConfig()
    span = config.certain_to - config.certain_from
    t = np.clip((_without_cracks(coverage, config) - config.certain_from) / span, 0.0, 1.0)
    size = 2 * config.margin + 1
    eroded = cv2.erode(t, np.ones((size, size), np.uint8), borderType=cv2.BORDER_REPLICATE)
    blurred = cv2.GaussianBlur(eroded, (5, 5), 1.0, borderType=cv2.BORDER_REPLICATE)
    # A blur alone would let belief leak back into the holes.
    trust: Array = np.minimum(blurred, t).astype(np.float32)
    return trust


def _without_cracks(coverage: Array, config: CompositeConfig) -> Array:
    """Coverage (H, W) after a morphological closing."""
    if config.crack < 1:
        return coverage
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (config.crack + 1, config.crack + 1))
    closed = cv2.morphologyEx(
        coverage.astype(np.float32), cv2.MORPH_CLOSE, disc, borderType=cv2.BORDER_REFLECT
    )
    return np.maximum(np.asarray(closed, np.float32), coverage)


def _over_cracks(known: Array, coverage: Array, config: CompositeConfig) -> Array:
    """`known` (H, W, 3), its cracks painted with the mean of the known around them."""
    if config.crack < 1:
        return known
    weight = np.clip(coverage, 0.0, 1.0)[..., None].astype(np.float32)
    sigma = config.crack / 3
    around = cv2.GaussianBlur(np.concatenate([known * weight, weight], -1), (0, 0), sigma)
    mean = around[..., :3] / np.maximum(around[..., 3:], 1e-4)
    return np.asarray(mean + weight * (known - mean), np.float32)


def composite(
    drawn: Array,
    known: Array,
    coverage: Array,
    footprint: Array | None = None,
    config: CompositeConfig | None = None,
) -> Array:
    """The final picture of a view.

    Args:
        drawn: (H, W, 3) in [0, 1], the model's picture.
        known: (H, W, 3) in [0, 1], the memory seen from the same camera; any value in holes.
        coverage: (H, W) in [0, 1], how much of each pixel the memory knows.
        footprint: (H, W) pixels that one disc of the memory covers; None for 1 everywhere.

    Returns:
        (H, W, 3) float32 in [0, 1].
    """
    config = config or CompositeConfig()
    trust = certainty(coverage, config)
    if not (trust > 0).any():
        return drawn.astype(np.float32)
    known = _over_cracks(known, coverage, config)
    matched = matched_colours(drawn, known, trust, config.matching)
    opacity = np.clip(_without_cracks(coverage, config), 0.0, 1.0)[..., None]
    filled = matched + opacity * (known - matched)
    masks = _masks(trust, footprint, config)
    return np.clip(_blend(filled, matched, masks), 0.0, 1.0).astype(np.float32)


def matched_colours(
    drawn: Array, known: Array, trust: Array, config: MatchingConfig | None = None
) -> Array:
    """`drawn` with the tones of `known`, also in the holes next to it; in [0, 1]."""
    difference = (known - drawn).astype(np.float32)
    luma = drawn @ np.array([0.299, 0.587, 0.114], np.float32)
    shift = matched_field(difference, trust, luma, config)
    matched: Array = np.clip(drawn + shift, 0.0, 1.0).astype(np.float32)
    return matched


def _masks(trust: Array, footprint: Array | None, config: CompositeConfig) -> list[Array]:
    """The memory's share of each octave, fine to coarse, each at its own size."""
    masks: list[Array] = []
    for level in range(config.levels + 1):
        mask = trust
        if footprint is not None:
            # Octave `level` holds detail of about 2**level pixels.
            lack = (footprint / 2**level - config.sharp_from) / (
                config.sharp_to - config.sharp_from
            )
            mask = trust * (1.0 - np.clip(lack, 0.0, 1.0))
        for _ in range(level):
            mask = _halved(mask)
        masks.append(mask.astype(np.float32))
    return masks


def _blend(first: Array, second: Array, masks: list[Array]) -> Array:
    """Joins two pictures octave by octave, `first` where the masks are 1."""
    a, b = _laplacian(first, len(masks)), _laplacian(second, len(masks))
    octaves = [
        m[..., None] * x + (1.0 - m[..., None]) * y for m, x, y in zip(masks, a, b, strict=True)
    ]
    picture = octaves[-1]
    for octave in reversed(octaves[:-1]):
        picture = cv2.pyrUp(picture, dstsize=octave.shape[1::-1]) + octave
    return picture


def _laplacian(picture: Array, levels: int) -> list[Array]:
    octaves = []
    for _ in range(levels - 1):
        smaller = _halved(picture)
        octaves.append(picture - cv2.pyrUp(smaller, dstsize=picture.shape[1::-1]))
        picture = smaller
    return [*octaves, picture]


def _halved(picture: Array) -> Array:
    return np.asarray(cv2.pyrDown(picture), np.float32)
