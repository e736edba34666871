"""Keypoint matches between two pictures: SIFT, ratio test, mutual check, epipolar filter.

Pixel centres lie at +0.5 everywhere. Everything is deterministic.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.geometry.cameras import Array


@dataclass(frozen=True)
class MatchingConfig:
    """Attributes:
    most_features: the strongest ones of a picture; plenty at the model's sizes.
    enlargement: pictures are small: features are sought at this many times their size.
    contrast: SIFT's threshold; lower finds features on fainter texture.
    ratio: the best must be this much nearer than the second best (Lowe 2004 uses 0.8).
    epipolar_error: pixels (of the picture itself) to the epipolar line, at most.
    least_matches: fewer that agree are no matches at all.
    least_share: of the candidates must agree, or there are no matches at all: of pictures that
        share nothing about a quarter agrees with the best of many epipolar geometries.
    """

    most_features: int = 1000
    enlargement: int = 2
    contrast: float = 0.015
    ratio: float = 0.85
    epipolar_error: float = 1.0
    least_matches: int = 15
    least_share: float = 0.28


@dataclass(frozen=True, eq=False)
class Features:
    """SIFT: places (N, 2) in pixels and descriptors (N, 128)."""

    places: Array
    descriptors: NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Matches:
    """The same points in two pictures: pixels (N, 2) in each."""

    pixels_a: Array
    pixels_b: Array

    def __len__(self) -> int:
        return len(self.pixels_a)

    def __iter__(self) -> Iterator[Array]:
        return iter((self.pixels_a, self.pixels_b))

    def swapped(self) -> Matches:
        return Matches(self.pixels_b, self.pixels_a)


@dataclass(frozen=True, eq=False)
class Nearest:
    """For each of N descriptors the nearest other one, and how much nearer than the second
    nearest (ratio of distances)."""

    index: NDArray[np.intp]
    ratio: NDArray[np.float32]


def find_features(rgb: NDArray[np.uint8], config: MatchingConfig = MatchingConfig()) -> Features:
    """SIFT features of a picture (H, W, 3) uint8.

    Raises:
        ValueError: the picture has another shape or type.
    """
    if rgb.ndim != 3 or rgb.shape[2] != 3 or rgb.dtype != np.uint8:
        raise ValueError(f"a picture must be (H, W, 3) uint8, not {rgb.shape} {rgb.dtype}")
    grey = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY)
    size = (grey.shape[1] * config.enlargement, grey.shape[0] * config.enlargement)
    large = cv2.resize(grey, size, interpolation=cv2.INTER_CUBIC)
    # Without the precise upscale OpenCV's places are off by a quarter of a pixel.
    sift = cv2.SIFT.create(
        nfeatures=config.most_features,
        contrastThreshold=config.contrast,
        enable_precise_upscale=True,
    )
    keypoints, descriptors = sift.detectAndCompute(large, None)
    if descriptors is None:
        return Features(np.empty((0, 2)), np.empty((0, 128), np.float32))
    # SIFT counts integer pixel centres.
    places = np.array([k.pt for k in keypoints], dtype=np.float64).reshape(-1, 2)
    return Features((places + 0.5) / config.enlargement, descriptors.astype(np.float32))


def nearest_descriptors(wanted: NDArray[np.float32], among: NDArray[np.float32]) -> Nearest:
    """For each row (N, 128) the nearest of at least two others (M, 128)."""
    squared = (
        (wanted**2).sum(axis=1)[:, None] - 2.0 * wanted @ among.T + (among**2).sum(axis=1)[None]
    )
    best = squared.argmin(axis=1)
    rows = np.arange(len(wanted))
    nearest = np.sqrt(np.maximum(squared[rows, best], 0.0))
    squared[rows, best] = np.inf
    second = np.sqrt(np.maximum(squared.min(axis=1), 1e-6))
    return Nearest(best, nearest / second)


def mutual_matches(a: Features, b: Features, config: MatchingConfig = MatchingConfig()) -> Matches:
    """Matches that pass the ratio test and are each other's nearest, wrong ones among them: for
    pictures whose cameras are known, which tell better than any estimate which are wrong. None
    where there are too few."""
    none = Matches(np.empty((0, 2)), np.empty((0, 2)))
    if min(len(a.places), len(b.places)) < max(2, config.least_matches):
        return none
    there = nearest_descriptors(a.descriptors, b.descriptors)
    back = nearest_descriptors(b.descriptors, a.descriptors)
    mutual = back.index[there.index] == np.arange(len(a.places))
    good = mutual & (there.ratio < config.ratio)
    seen_a, seen_b = a.places[good], b.places[there.index[good]]
    return Matches(seen_a, seen_b) if len(seen_a) >= config.least_matches else none


def match_features(a: Features, b: Features, config: MatchingConfig = MatchingConfig()) -> Matches:
    """Mutual matches that agree on one epipolar geometry (MAGSAC++, Barath et al. 2020). None
    where too few agree."""
    none = Matches(np.empty((0, 2)), np.empty((0, 2)))
    seen_a, seen_b = mutual_matches(a, b, config)
    if not len(seen_a):
        return none
    F, kept = cv2.findFundamentalMat(
        seen_a, seen_b, cv2.USAC_MAGSAC, config.epipolar_error, 0.9999, 2000
    )
    least = max(config.least_matches, config.least_share * len(seen_a))
    if F is None or kept is None or kept.sum() < least:
        return none
    inlier = kept[:, 0].astype(bool)
    return Matches(seen_a[inlier], seen_b[inlier])


def match_pictures(
    rgb_a: NDArray[np.uint8], rgb_b: NDArray[np.uint8], config: MatchingConfig = MatchingConfig()
) -> Matches:
    """Matches between two pictures (H, W, 3) uint8, which may differ in size."""
    return match_features(find_features(rgb_a, config), find_features(rgb_b, config), config)
