"""Coloured points as plain arrays, the way that files want them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.geometry.surfels import Surfels


@dataclass(frozen=True, eq=False)
class PointCloud:
    """N points in the world (x right, y down, z forward of the photo's camera), scene units.

    Attributes:
        positions: (N, 3) float32.
        colours: (N, 3) uint8 sRGB.
        normals: (N, 3) float32, unit length.
    """

    positions: NDArray[np.float32]
    colours: NDArray[np.uint8]
    normals: NDArray[np.float32]

    def __post_init__(self) -> None:
        for name, kind in (("positions", "f4"), ("colours", "u1"), ("normals", "f4")):
            array = getattr(self, name)
            if array.ndim != 2 or array.shape != (len(self.positions), 3) or array.dtype != kind:
                raise ValueError(f"{name} must be {kind} (N, 3), not {array.dtype} {array.shape}")

    def __len__(self) -> int:
        return len(self.positions)

    @staticmethod
    def none() -> PointCloud:
        """No points."""
        empty = np.zeros((0, 3), np.float32)
        return PointCloud(empty, np.zeros((0, 3), np.uint8), empty)

    @staticmethod
    def from_surfels(surfels: Surfels) -> PointCloud:
        """The centres of a memory's surfels."""
        colours = (surfels.colours.clamp(0.0, 1.0) * 255.0).round()
        return PointCloud(
            positions=surfels.positions.cpu().numpy().astype(np.float32),
            colours=colours.cpu().numpy().astype(np.uint8),
            normals=surfels.normals.cpu().numpy().astype(np.float32),
        )
