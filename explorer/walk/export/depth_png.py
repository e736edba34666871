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
        """z-depth → steps; nan → 0, inf → 65535; what is nearer than one step becomes one."""
        steps = np.where(np.isfinite(depth), np.round(depth / self.step), 0.0)
        out = np.clip(steps, 1, _FARTHEST_STEP).astype(np.uint16)
        out[~(depth > 0)] = UNKNOWN  # nan compares false
        out[np.isposinf(depth)] = SKY
        return out

    def decode(self, steps: NDArray[np.uint16]) -> NDArray[np.float32]:
        """Inverse of `encode`, to half a step."""
        depth = steps.astype(np.float32) * np.float32(self.step)
        depth[steps == UNKNOWN] = np.nan
        depth[steps == SKY] = np.inf
        return depth


def unit_for(depths: Iterable[NDArray[np.float32] | None], units: str = "scene units") -> DepthUnit:
    """The finest round unit (1, 2 or 5 times a power of ten) that holds every finite depth."""
    farthest = 0.0
    for depth in depths:
        if depth is not None:
            farthest = max(farthest, float(np.max(depth, initial=0.0, where=np.isfinite(depth))))
    least = (farthest or 1.0) / _FARTHEST_STEP
    power = 10.0 ** math.floor(math.log10(least))
    step = next(m * power for m in (1.0, 2.0, 5.0, 10.0, 20.0) if m * power >= least)
    return DepthUnit(float(f"{step:.3g}"), units)


def write_depth_png(depth: NDArray[np.float32], unit: DepthUnit, target: Path) -> None:
    """Write z-depth (H, W) in scene units."""
    with atomic_path(target) as path:
        _encode_png(depth, unit, path)


def write_side_car(unit: DepthUnit, sigma: float, target: Path) -> None:
    """Say in JSON how to read the depth pictures; `sigma` is the photo's median depth."""
    document = {
        "depth": "z-depth (along the optical axis) = pixel value * scale",
        "scale": unit.step,
        "units": unit.units,
        "unknown": UNKNOWN,
        "sky": SKY,
        "median_depth_of_photo": sigma,
    }
    with atomic_path(target) as path:
        path.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


def _encode_png(depth: NDArray[np.float32], unit: DepthUnit, path: Path) -> None:
    done, data = cv2.imencode(".png", unit.encode(depth))
    if not done:
        raise OSError(f"OpenCV could not encode a depth picture of shape {depth.shape}")
    path.write_bytes(data.tobytes())
