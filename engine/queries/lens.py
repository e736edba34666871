"""The lens of a picture, by what an image encoder sees in it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F

from engine.model.kinds import Kind
from engine.queries.engine import Engine
from engine.queries.pictures import planes
from engine.queries.query import FloatArray

#: Shares of the belief that lie below the shortest and the longest likely focal length.
LIKELY = (0.16, 0.84)


@dataclass(frozen=True)
class LensEstimate:
    """Focal lengths in diagonals of the picture, for square pixels and a centred lens.

    Attributes:
        focal: as likely too long as too short.
        shortest, longest: two thirds of the belief lie between them.
    """

    focal: float
    shortest: float
    longest: float


def lens_of_picture(engine: Engine, rgb: FloatArray) -> LensEstimate | None:
    """What the picture (H, W, 3) in [0, 1], which must be a whole photo, tells of its lens; None
    where the engine's model has no head for that. It is asked of the mirror image too."""
    head = engine.model.lens
    if head is None:
        return None
    encoder = engine.model.encoders[head.encoder]
    height, width = rgb.shape[:2]
    picture = Kind.RGB.to_picture(planes(rgb, engine.device), 1.0)
    small = F.interpolate(
        picture,
        head.looks_at((height, width)),
        mode="bilinear",
        antialias=True,
        align_corners=False,
    )
    with torch.no_grad():
        seen = head.pooled(encoder(torch.cat([small, small.flip(-1)])).levels)
        aspect = torch.full((2,), math.log(width / height), device=engine.device)
        belief = head(seen, aspect).softmax(1).mean(0, keepdim=True)
    levels = (0.5, *LIKELY)
    focal, shortest, longest = (
        math.exp(float(head.bins.quantile(belief, level))) for level in levels
    )
    return LensEstimate(focal, shortest, longest)
