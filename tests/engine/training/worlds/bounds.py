"""Where the shapes of a builder lie."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from engine.training.worlds.shapes import Builder

Floats = NDArray[np.float32]


def bounds(builder: Builder) -> tuple[Floats, Floats]:
    """Lowest and highest corners (P, 3) of boxes around shapes, a little large where turned."""
    shapes = builder.build()
    half, centre = np.linalg.norm(shapes.M.numpy(), axis=2), shapes.centre.numpy()
    return centre - half, centre + half
