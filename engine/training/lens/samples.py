"""Whole photos of lenses as cameras have them, cut out of views whose lens is known.

A centred part of a view is the photo of a longer lens, so worlds of a few lenses teach all longer
ones. Parts off the centre are no photos: their lens would not point at their middle.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from engine.training.augmentation import uniform
from engine.training.buffer import Offer, SourceShares
from engine.training.depth.samples import looking_otherwise
from engine.training.sequences import PosedSequence

#: Width over height of photos, and how often each is asked for.
ASPECTS = (4 / 3, 3 / 2, 16 / 9, 1.0, 3 / 4, 2 / 3, 9 / 16)
ASPECT_SHARES = (0.28, 0.22, 0.24, 0.05, 0.09, 0.07, 0.05)
#: Of log(f/d), normally distributed: the middle is 27 mm in 35 mm terms, as telephones have it, and
#: two thirds lie between 17 mm and 43 mm.
USUAL_FOCAL, FOCAL_SPREAD = 27.0 / math.hypot(36.0, 24.0), 0.45
#: Parts of less than this share of a view are too coarse to be photos.
SMALLEST_SHARE = 0.4
#: A lens that a view cannot show is looked for in other ones, so often.
_TRIES = 12


@dataclass(frozen=True)
class LensSamples:
    """Attributes:
    pictures: (B, 3, H, W) in [0, 1].
    log_focal: (B,) of log(f/d), the focal length in diagonals of the picture.
    log_aspect: (B,) of width over height, before sides were rounded.
    """

    pictures: Tensor
    log_focal: Tensor
    log_aspect: Tensor


class LensPool:
    """Sequences that are open at once, from which photos of wanted lenses are cut.

    Args:
        open_at_once: how many are held.
        uses: photos that are cut to one sequence that is read, which costs more than cutting.
    """

    def __init__(
        self,
        sources: SourceShares,
        generator: torch.Generator,
        open_at_once: int = 200,
        uses: float = 6.0,
    ) -> None:
        self._sources, self._generator = sources, generator
        self._most, self._uses = open_at_once, uses
        self._open: list[PosedSequence] = []

    def batch(self, count: int, pixels: int) -> LensSamples:
        """Photos of one shape, of about so many pixels."""
        chosen = int(torch.multinomial(torch.tensor(ASPECT_SHARES), 1, generator=self._generator))
        aspect = ASPECTS[chosen]
        found = [self._photo(aspect, pixels) for _ in range(count)]
        return LensSamples(
            torch.cat([picture for picture, _ in found]),
            torch.tensor([focal for _, focal in found]),
            torch.full((count,), math.log(aspect)),
        )

    def _photo(self, aspect: float, pixels: int) -> tuple[Tensor, float]:
        self._renew()
        wanted = math.log(USUAL_FOCAL) + FOCAL_SPREAD * float(
            torch.randn((), generator=self._generator)
        )
        for _ in range(_TRIES):
            rgb, focal = self._view()
            _, own = centred(rgb, focal, aspect, 1.0)
            share = math.exp(own - wanted)
            if SMALLEST_SHARE <= share <= 1.0:
                break
        else:  # no view has it; the nearest that the last one can show
            share = min(max(share, SMALLEST_SHARE), 1.0)
        part, log_focal = centred(rgb, focal, aspect, share)
        return seen_otherwise(part, aspect, pixels, self._generator), log_focal

    def _view(self) -> tuple[Tensor, float]:
        """A view (1, 3, H, W) that is open, and its focal length in pixels."""
        sequence = self._open[self._any(len(self._open))]
        view = self._any(len(sequence.rgb))
        lens = sequence.cameras[view].intrinsics
        return sequence.rgb[view : view + 1], lens.fx * sequence.rgb.shape[-1]

    def _renew(self) -> None:
        """One sequence more, now and then in place of another."""
        if len(self._open) == self._most:
            if uniform(self._generator, 0, self._uses) >= 1:
                return
            self._open.pop(self._any(self._most))
        self._open.append(self._sources.draw(self._generator, Offer()))

    def _any(self, count: int) -> int:
        return int(torch.randint(count, (), generator=self._generator))


def centred(rgb: Tensor, focal: float, aspect: float, share: float) -> tuple[Tensor, float]:
    """The centred part of a view that has an aspect and a share of the sides of the largest such
    part, and log(f/d) of it.

    Args:
        rgb: (1, 3, H, W).
        focal: in pixels of the view.
    """
    height, width = rgb.shape[-2:]
    rows = round(share * min(height, width / aspect))
    columns = round(share * min(width, height * aspect))
    top, left = (height - rows) // 2, (width - columns) // 2
    part = rgb[..., top : top + rows, left : left + columns]
    return part, math.log(focal / math.hypot(rows, columns))


def seen_otherwise(part: Tensor, aspect: float, pixels: int, generator: torch.Generator) -> Tensor:
    """A part as a photograph of about so many pixels, (1, 3, H, W) with sides in multiples of 16.

    Small parts are soft when they are enlarged; so that softness does not tell a long lens, most
    pictures are made coarse first, whatever they were cut from.
    """
    size = sides(aspect, pixels)
    if uniform(generator, 0, 1) < 0.75:
        share = uniform(generator, 0.45, 1.0)
        rows, columns = (
            min(own, max(16, round(side * share)))
            for own, side in zip(part.shape[-2:], size, strict=True)
        )
        part = F.interpolate(
            part, (rows, columns), mode="bilinear", antialias=True, align_corners=False
        )
    part = F.interpolate(part, size, mode="bilinear", antialias=True, align_corners=False)
    if uniform(generator, 0, 1) < 0.5:
        part = part.flip(-1)
    return looking_otherwise(part.clamp(0, 1), generator)


def sides(aspect: float, pixels: int) -> tuple[int, int]:
    """(H, W) of about so many pixels, in multiples of 16."""
    height = math.sqrt(pixels / aspect)
    return max(1, round(height / 16)) * 16, max(1, round(height * aspect / 16)) * 16
