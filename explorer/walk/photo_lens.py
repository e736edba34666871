"""The lens that took a photo, from its EXIF tags or from a stated field of view."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from PIL import Image

#: Degrees across the longer side, where neither the tags nor the user say: between a phone's main
#: camera (about 67°) and a normal lens (about 40°).
DEFAULT_FOV_DEGREES = 60.0

#: Diagonal of a 24x36 mm frame: the "35 mm equivalent" of CIPA DCG-001 compares diagonals.
_FULL_FRAME_DIAGONAL_MM = math.hypot(36.0, 24.0)

_EXIF_DIRECTORY = 0x8769
_FOCAL_LENGTH = 0x920A
_FOCAL_LENGTH_35MM = 0xA405
_PIXEL_X_DIMENSION = 0xA002
_FOCAL_PLANE_X_RESOLUTION = 0xA20E
_FOCAL_PLANE_UNIT = 0xA210
_UNIT_MM = {2: 25.4, 3: 10.0, 4: 1.0, 5: 0.001}

_PLAUSIBLE_FOV = (3.0, 150.0)


@dataclass(frozen=True)
class Lens:
    """Attributes:
    focal_pixels: in pixels of the full-size picture.
    source: in words, where it comes from.
    assumed: neither the user nor the tags said it.
    """

    focal_pixels: float
    source: str
    assumed: bool = False


def lens_of(exif: Image.Exif, width: int, height: int, fov_degrees: float | None) -> Lens:
    """The user's horizontal field of view, else the EXIF tags, else `DEFAULT_FOV_DEGREES`.

    Args:
        exif: the tags of the file.
        width, height: pixels of the upright, uncropped picture.
        fov_degrees: horizontal, as the user sees the picture; None to ask the tags.

    Raises:
        ValueError: for a field of view outside 1°–170°.
    """
    if fov_degrees is not None:
        if not 1.0 <= fov_degrees <= 170.0:
            raise ValueError(f"a field of view of {fov_degrees:g}° is outside 1°–170°")
        return Lens(_focal(width, fov_degrees), f"{fov_degrees:g}° across, as asked")
    from_tags = _from_equivalent(exif, width, height) or _from_sensor(exif, width, height)
    if from_tags is not None:
        return from_tags
    focal = _focal(max(width, height), DEFAULT_FOV_DEGREES)
    return Lens(focal, f"{DEFAULT_FOV_DEGREES:g}° across the longer side, assumed", assumed=True)


def _focal(pixels: int, degrees: float) -> float:
    return 0.5 * pixels / math.tan(math.radians(degrees) / 2)


def _number(value: Any) -> float | None:
    """EXIF rationals may be 0/0, strings or tuples; None unless finite and positive."""
    try:
        number = float(value)
    except (TypeError, ValueError, ZeroDivisionError):
        return None
    return number if math.isfinite(number) and number > 0 else None


def _plausible(focal_pixels: float, longer_side: int) -> bool:
    fov = math.degrees(2 * math.atan(0.5 * longer_side / focal_pixels))
    return _PLAUSIBLE_FOV[0] <= fov <= _PLAUSIBLE_FOV[1]


def _from_equivalent(exif: Image.Exif, width: int, height: int) -> Lens | None:
    millimetres = _number(exif.get_ifd(_EXIF_DIRECTORY).get(_FOCAL_LENGTH_35MM))
    if millimetres is None:
        return None
    focal = millimetres * math.hypot(width, height) / _FULL_FRAME_DIAGONAL_MM
    if not _plausible(focal, max(width, height)):
        return None
    return Lens(focal, f"EXIF, {millimetres:g} mm in 35 mm terms")


def _from_sensor(exif: Image.Exif, width: int, height: int) -> Lens | None:
    tags = exif.get_ifd(_EXIF_DIRECTORY)
    millimetres = _number(tags.get(_FOCAL_LENGTH))
    resolution = _number(tags.get(_FOCAL_PLANE_X_RESOLUTION))
    unit = _UNIT_MM.get(int(_number(tags.get(_FOCAL_PLANE_UNIT)) or 2))
    if millimetres is None or resolution is None or unit is None:
        return None
    longer_side = max(width, height)
    # Resolution counts the sensor's pixels; the picture may have been made smaller since.
    stored = _number(tags.get(_PIXEL_X_DIMENSION)) or float(longer_side)
    focal = millimetres * resolution / unit * longer_side / stored
    if not _plausible(focal, longer_side):
        return None
    return Lens(focal, f"EXIF, {millimetres:g} mm lens and sensor resolution")
