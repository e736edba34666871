"""Which numbers of a lens are sought when a camera is recovered."""

from __future__ import annotations

from enum import Enum

import numpy as np

from engine.geometry.cameras import Array, Intrinsics

#: Horizontal fields of view (degrees) among which an unknown lens is first sought.
FIELDS_OF_VIEW = (18.0, 25.0, 32.0, 40.0, 48.0, 56.0, 64.0, 72.0, 80.0, 90.0, 100.0, 115.0, 130.0)


class LensModel(Enum):
    """What may change of the lens that a fit starts with.

    KNOWN: nothing. ZOOM: fx and fy together, which keeps pixels square and the lens centred if
    they were. FOCALS: fx and fy. FREE: those and the principal point.
    """

    KNOWN = 0
    ZOOM = 1
    FOCALS = 2
    FREE = 4

    def directions(self, lens: Array) -> Array:
        """(4, n): how (fx, fy, cx, cy) answer to this model's n numbers.

        Those of focal lengths are logarithms, those of the principal point shares of a focal
        length, so that all are of one order.
        """
        fx, fy = lens[0], lens[1]
        if self is LensModel.ZOOM:
            return np.array([[fx], [fy], [0.0], [0.0]])
        return np.diag([fx, fy, fx, fy])[:, : self.value]


def lens_array(intrinsics: Intrinsics, width: float = 1.0, height: float = 1.0) -> Array:
    """(fx, fy, cx, cy); of a picture of this size, in pixels."""
    k = intrinsics
    return np.array([k.fx * width, k.fy * height, k.cx * width, k.cy * height])


def intrinsics_of(lens: Array, width: float = 1.0, height: float = 1.0) -> Intrinsics:
    """Inverse of `lens_array`."""
    fx, fy, cx, cy = (float(x) for x in lens)
    return Intrinsics(fx / width, fy / height, cx / width, cy / height)


def moved_lens(lens: Array, change: Array) -> Array:
    """(…, 4) lenses after a change (…, 4); focal lengths move along their logarithms, so that
    none becomes negative."""
    out: Array = lens + change
    out[..., :2] = lens[..., :2] * np.exp(np.clip(change[..., :2] / lens[..., :2], -0.5, 0.5))
    return out
