"""Depth as 16-bit PNG, with what its numbers mean beside it in JSON."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from explorer.walk.files import atomic_path

UNKNOWN = 0
SKY = 65535
_FARTHEST_STEP = 65534
#: The steps are chosen for this share of all known depths and for as much again, times `_ROOM`: a
#: few wrong pixels may be any number of times farther, and would leave nothing of the others.
_SHARE, _ROOM = 0.999, 4.0
#: However many lie far away, the median depth gets as many steps at least: what is beyond all steps
#: then is told beside them.
_STEPS_OF_MEDIAN = 200
#: Depths are counted in so many classes an octave, over all that float32 can hold.
_CLASSES, _LEAST_OCTAVE, _OCTAVES = 32, -150, 280
#: Side-car of a folder of depth pictures.
SIDE_CAR = "scale.json"


@dataclass(frozen=True)
class DepthUnit:
    """What one step of a 16-bit depth picture is worth.

    Attributes:
        step: scene units.
        units: what a scene unit is, in words.
    """

    step: float
    units: str = "scene units"

    def encode(self, depth: NDArray[np.float32]) -> NDArray[np.uint16]:
        """z-depth → steps; nan → 0, inf → 65535; nearer than one step becomes one, and what is
        beyond the last step that one."""
        out = np.clip(self._steps(depth), 1, _FARTHEST_STEP).astype(np.uint16)
        out[~(depth > 0)] = UNKNOWN  # nan compares false
        out[np.isposinf(depth)] = SKY
        return out

    def clipped(self, depth: NDArray[np.float32]) -> int:
        """How many known depths lie beyond the last step."""
        return int((self._steps(depth) > _FARTHEST_STEP).sum())

    def decode(self, steps: NDArray[np.uint16]) -> NDArray[np.float32]:
        """Inverse of `encode`, to half a step."""
        largest = np.finfo(np.float32).max
        depth = np.minimum(steps * np.float64(self.step), largest).astype(np.float32)
        depth[steps == UNKNOWN] = np.nan
        depth[steps == SKY] = np.inf
        return depth

    def _steps(self, depth: NDArray[np.float32]) -> NDArray[np.float64]:
        """Of known depths, 0 for others; float32 holds no count of small steps in a far depth."""
        known = np.where(np.isfinite(depth), depth, 0.0).astype(np.float64)
        return np.round(known / self.step)


def unit_for(depths: Iterable[NDArray[np.float32] | None], units: str = "scene units") -> DepthUnit:
    """The finest round unit (1, 2 or 5 times a power of ten) that holds what is to be held.

    That is every finite depth, unless the farthest lie more than `_ROOM` times beyond all others,
    or so far beyond the median that it would get fewer than `_STEPS_OF_MEDIAN`.
    """
    farthest = 0.0
    counts = np.zeros(_OCTAVES * _CLASSES, np.int64)
    for depth in depths:
        if depth is not None:
            known = depth[np.isfinite(depth) & (depth > 0)]
            farthest = max(farthest, float(known.max(initial=0.0)))
            octaves = np.log2(known.astype(np.float64)) - _LEAST_OCTAVE
            counts += np.bincount((octaves * _CLASSES).astype(np.int64), minlength=len(counts))
    if not farthest:
        return DepthUnit(_round_up(1.0 / _FARTHEST_STEP), units)
    total = int(counts.sum())
    farthest = min(farthest, _ROOM * _lower_end(counts, math.ceil(_SHARE * total), 1))
    step = _round_up(farthest / _FARTHEST_STEP)
    coarsest = _lower_end(counts, total // 2 + 1) / _STEPS_OF_MEDIAN
    return DepthUnit(step if step <= coarsest else _round_down(coarsest), units)


def _lower_end(counts: NDArray[np.int64], rank: int, beyond: int = 0) -> float:
    """The depth at which the class of the `rank`-th nearest begins, or one so many beyond."""
    within = int(np.searchsorted(counts.cumsum(), rank))
    return float(2.0 ** ((within + beyond) / _CLASSES + _LEAST_OCTAVE))


def _round_up(least: float) -> float:
    """The least of 1, 2 and 5 times the powers of ten that is no less."""
    power = 10.0 ** math.floor(math.log10(least))
    return float(
        f"{next(m * power for m in (1.0, 2.0, 5.0, 10.0, 20.0) if m * power >= least):.3g}"
    )


def _round_down(most: float) -> float:
    """The largest of them that is no more."""
    power = 10.0 ** math.floor(math.log10(most))
    return float(f"{next(m * power for m in (5.0, 2.0, 1.0, 0.5) if m * power <= most):.3g}")


def write_depth_png(depth: NDArray[np.float32], unit: DepthUnit, target: Path) -> None:
    """Write z-depth (H, W) in scene units."""
    with atomic_path(target) as path:
        _encode_png(depth, unit, path)


def write_side_car(unit: DepthUnit, sigma: float, clipped: int, target: Path) -> None:
    """Say in JSON how to read the depth pictures.

    Args:
        sigma: the photo's median depth.
        clipped: pixels of all pictures that lie farther than the pictures can say.
    """
    document = {
        "depth": "z-depth (along the optical axis) = pixel value * scale",
        "scale": unit.step,
        "units": unit.units,
        "unknown": UNKNOWN,
        "sky": SKY,
        "farthest": _FARTHEST_STEP,
        "farthest_depth": _FARTHEST_STEP * unit.step,
        "pixels_beyond_farthest": clipped,
        "beyond_farthest": "pixels farther than farthest_depth hold the value farthest",
        "median_depth_of_photo": sigma,
    }
    with atomic_path(target) as path:
        path.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


def _encode_png(depth: NDArray[np.float32], unit: DepthUnit, path: Path) -> None:
    done, data = cv2.imencode(".png", unit.encode(depth))
    if not done:
        raise OSError(f"OpenCV could not encode a depth picture of shape {depth.shape}")
    path.write_bytes(data.tobytes())
