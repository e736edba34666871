"""From what a depth model puts out to z-depth, with sky and unknown told apart."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from engine.geometry.pictures import SKY_RATIO
from explorer.priors.kinds import DepthKind, PriorError

FloatPicture = NDArray[np.float32]

#: A metric head ends in a sigmoid: beyond this share of its range it only says "at least so far".
SATURATED = 0.98
#: Below this share of the photo with a depth there is nothing to walk in.
LEAST_KNOWN = 0.01


def to_depth(
    output: FloatPicture, kind: DepthKind, fx: float, farthest: float | None = None
) -> FloatPicture:
    """Z-depth, (H, W) float32: inf = sky, nan = unknown; metres where the kind is metric.

    Inverse depth without a unit is divided by its median first; what is then nearer to 0 than
    1/80 (`SKY_RATIO`) would be read back as sky by the walk's own model, and is sky. Its unknown
    shift is taken to be 0, which is what models give that were trained with sky at 0.

    Args:
        output: (H, W) of the model, any finite numbers.
        kind: what they mean.
        fx: the photo's focal length, divided by its width.
        farthest: metres that the model's head cannot exceed; None where there is no such end.

    Raises:
        PriorError: there is hardly a depth in it.
    """
    output = np.where(np.isfinite(output), output, np.nan).astype(np.float32)
    if kind is DepthKind.INVERSE:
        depth = _from_inverse(output)
    elif kind is DepthKind.CANONICAL:
        depth = _reciprocal(output) * np.float32(fx)
    else:
        depth = np.where(output > 0, output, np.nan)
        if farthest is not None and kind is DepthKind.METRIC:
            depth = np.where(output >= SATURATED * farthest, np.inf, depth)
    if np.isfinite(depth).mean() < LEAST_KNOWN:
        raise PriorError("the depth prior finds no depth in this photo; leave out --depth-prior")
    return depth.astype(np.float32)


def _from_inverse(inverse: FloatPicture) -> FloatPicture:
    seen = inverse[inverse > 0]  # nan compares false
    if not seen.size:
        return np.full_like(inverse, np.inf)
    ratio = inverse / np.median(seen)
    depth = _reciprocal(ratio)
    sky = ratio < np.float32(1.0 / SKY_RATIO)
    return np.where(sky, np.float32(np.inf), depth)


def _reciprocal(values: FloatPicture) -> FloatPicture:
    """1/x; inf for 0 and less, nan for nan."""
    out = np.where(np.isnan(values), np.float32(np.nan), np.float32(np.inf))
    np.divide(np.float32(1), values, out=out, where=values > 0)
    return out
