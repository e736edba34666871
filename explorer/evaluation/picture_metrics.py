"""How close a drawn picture is to the true one, in the whole frame and in the holes alone.

PSNR and SSIM as the field measures them (SSIM: Wang et al. 2004, Gaussian window of σ = 1.5, on
RGB). Blur raises PSNR where nobody can know the answer, so holes are also judged by their
gradient energy over the truth's: 1 is as much detail as the truth has, 0 is flat. How alike
pictures look to a network is measured in `explorer.evaluation.yardstick`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray
from skimage.metrics import structural_similarity

Picture = NDArray[np.float32]
Mask = NDArray[np.bool_]

#: Equal pictures would have an infinite PSNR; 60 dB is below the rounding of 8-bit colours.
HIGHEST_PSNR = 60.0

#: Holes smaller than this share of the picture are too few pixels to judge.
SMALLEST_HOLE_SHARE = 0.01


@dataclass(frozen=True)
class PartScore:
    """A picture judged in some of its pixels alone: its holes, or what the photo shows.

    Attributes:
        share: their part of the picture, 0–1.
        psnr, ssim: over these pixels only.
        gradient: summed squared colour gradient among them; `true_gradient`: the truth's.
        distance: how different they look (`yardstick.alike`); nan where nobody looked.
    """

    share: float
    psnr: float
    ssim: float
    gradient: float
    true_gradient: float
    distance: float = math.nan


@dataclass(frozen=True)
class PictureScore:
    """A picture against the true one; `holes` and `known` (what the photo shows) are None where
    nobody asked, or they are unknown or negligible; `distance` (how different it looks) is nan
    where nobody looked, and `reduced_psnr` (of both at the model's size) where nobody asked."""

    psnr: float
    ssim: float
    holes: PartScore | None
    distance: float = math.nan
    known: PartScore | None = None
    reduced_psnr: float = math.nan


def unit_colours(rgb: NDArray[np.uint8]) -> Picture:
    """8-bit colours as float32 in [0, 1]."""
    return rgb.astype(np.float32) / np.float32(255.0)


def psnr(picture: Picture, truth: Picture, mask: Mask | None = None) -> float:
    """Peak signal-to-noise ratio in dB of (H, W, 3) colours in [0, 1], over `mask` if given."""
    squared = (picture.astype(np.float64) - truth) ** 2
    error = float(squared.mean() if mask is None else squared[mask].mean())
    return min(HIGHEST_PSNR, -10.0 * float(np.log10(max(error, 1e-12))))


def ssim_map(picture: Picture, truth: Picture) -> NDArray[np.float64]:
    """Structural similarity around each pixel, (H, W), mean of the three colour channels."""
    _, similarity = structural_similarity(  # type: ignore[no-untyped-call]
        truth,
        picture,
        data_range=1.0,
        channel_axis=2,
        gaussian_weights=True,
        sigma=1.5,
        use_sample_covariance=False,
        full=True,
    )
    mean: NDArray[np.float64] = np.asarray(similarity, dtype=np.float64).mean(axis=2)
    return mean


def gradient_energy(picture: Picture, mask: Mask) -> float:
    """Sum of squared colour differences between neighbours that both lie in `mask`.

    Differences across the mask's border are left out: a seam there is not detail.
    """
    right = mask[:, 1:] & mask[:, :-1]
    down = mask[1:] & mask[:-1]
    along_x = np.diff(picture.astype(np.float64), axis=1)[right]
    along_y = np.diff(picture.astype(np.float64), axis=0)[down]
    return float((along_x**2).sum() + (along_y**2).sum())


def score_picture(
    picture: Picture,
    truth: Picture,
    holes: Mask | None,
    distances: NDArray[np.float64] | None = None,
    known: Mask | None = None,
) -> PictureScore:
    """All measures of one picture (H, W, 3) in [0, 1]; `holes` and `known` (H, W) or None,
    `distances` (H, W) of how it looks from how the truth looks.

    Raises:
        ValueError: if the pictures differ in shape.
    """
    if picture.shape != truth.shape:
        raise ValueError(f"a picture of {picture.shape} cannot be judged by one of {truth.shape}")
    similarity = ssim_map(picture, truth)
    distance = math.nan if distances is None else float(distances.mean())
    whole = PictureScore(psnr(picture, truth), float(similarity.mean()), None, distance)

    def part(mask: Mask | None) -> PartScore | None:
        if mask is None or not worth_judging(mask):
            return None
        return PartScore(
            share=float(mask.mean()),
            psnr=psnr(picture, truth, mask),
            ssim=float(similarity[mask].mean()),
            gradient=gradient_energy(picture, mask),
            true_gradient=gradient_energy(truth, mask),
            distance=math.nan if distances is None else float(distances[mask].mean()),
        )

    return replace(whole, holes=part(holes), known=part(known))


def worth_judging(part: Mask) -> bool:
    """Whether there are enough pixels in it."""
    return bool(part.mean() >= SMALLEST_HOLE_SHARE)


def resized(picture: Picture, height: int, width: int) -> Picture:
    """The picture at another size; areas are averaged when it shrinks."""
    if picture.shape[:2] == (height, width):
        return picture
    smaller = height <= picture.shape[0] and width <= picture.shape[1]
    how = cv2.INTER_AREA if smaller else cv2.INTER_CUBIC
    return cv2.resize(picture, (width, height), interpolation=how).astype(np.float32)
