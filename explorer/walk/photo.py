"""The photo that a walk starts from: any picture file, at the sizes of model and picture."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from engine.geometry.cameras import Camera, Intrinsics
from explorer.walk.photo_decoding import PhotoError, decode_photo
from explorer.walk.photo_lens import lens_of
from explorer.walk.sizes import MODEL_SIZE, Size, SizeError, Sizes

__all__ = ["Photo", "PhotoError", "SizeError", "Sizes", "open_photo", "working_size"]

#: Working sizes are multiples of this (the model's patch: 8x codec, 2x2 latents).
SIZE_MULTIPLE = 16

#: Wider (or taller) than this is cropped: the model has no token rows left to draw with.
MAX_ASPECT = 6.0

#: How much a working size may differ from the asked number of pixels, as a factor.
_PIXEL_RANGE = (0.7, 1.3)

#: Trades pixels off against the crop: 10 % more or fewer pixels is as bad as a crop of 1.5 %.
_PIXEL_PENALTY = 0.15


@dataclass(frozen=True, eq=False)
class Photo:
    """A photo at working size, and at the size that people get.

    Attributes:
        rgb: (H, W, 3) uint8, read-only; sides are multiples of 16.
        original_width, original_height: pixels of the upright picture in its file.
        intrinsics: the lens, for the cropped picture.
        source_name: the file's name, for titles and records.
        lens_source: in words, where the focal length comes from.
        notes: what was changed on the way in, in plain words.
        lens_assumed: nobody said anything of the lens, and nobody has looked for it yet.
        picture: (Hp, Wp, 3) uint8, read-only: the same crop at the picture's size. None for
            photos of earlier versions' walks and for frames of clips, which have one size.
    """

    rgb: NDArray[np.uint8]
    original_width: int
    original_height: int
    intrinsics: Intrinsics
    source_name: str
    lens_source: str = ""
    notes: tuple[str, ...] = ()
    lens_assumed: bool = False
    picture: NDArray[np.uint8] | None = None

    def __post_init__(self) -> None:
        for name in ("rgb", "picture"):
            if getattr(self, name) is not None:
                object.__setattr__(self, name, _read_only(getattr(self, name)))
        if self.rgb.shape[0] % SIZE_MULTIPLE or self.rgb.shape[1] % SIZE_MULTIPLE:
            raise ValueError(
                f"a photo's sides are multiples of {SIZE_MULTIPLE}, not {self.rgb.shape}"
            )

    @property
    def width(self) -> int:
        """Pixels at working size."""
        return int(self.rgb.shape[1])

    @property
    def height(self) -> int:
        """Pixels at working size."""
        return int(self.rgb.shape[0])

    @property
    def picture_size(self) -> Size:
        """(width, height) of what people get: the picture's, or the working size without one."""
        shown = self.rgb if self.picture is None else self.picture
        return int(shown.shape[1]), int(shown.shape[0])

    @property
    def camera(self) -> Camera:
        """The photo's own camera: it is where the world's origin lies."""
        return Camera(np.eye(4), self.intrinsics)


def _read_only(given: NDArray[np.uint8]) -> NDArray[np.uint8]:
    rgb = np.array(given)
    if rgb.dtype != np.uint8 or rgb.ndim != 3 or rgb.shape[2] != 3:
        raise ValueError(f"a photo is (H, W, 3) uint8, not {rgb.shape} {rgb.dtype}")
    rgb.setflags(write=False)
    return rgb


def open_photo(
    path: Path | str, fov_degrees: float | None = None, sizes: Sizes | None = None
) -> Photo:
    """Reads a photo and brings it to both sizes: upright, sRGB, centre-cropped by a sliver.

    Args:
        path: a JPEG, PNG, WebP, HEIC or AVIF file.
        fov_degrees: horizontal field of view; None to use the EXIF tags, else the default.
        sizes: of the model and of the picture; the photo's own aspect ratio is kept. None for
            the usual ones.

    Raises:
        PhotoError: for a file that is missing, empty, broken, too large, or no picture, and for
            a field of view outside 1°–170°.
        SizeError: for pictures larger than this machine's memory holds.
    """
    path, sizes = Path(path), sizes or Sizes()
    decoded = decode_photo(path, needed_side=sizes.needed_side)
    try:
        lens = lens_of(decoded.exif, decoded.width, decoded.height, fov_degrees)
    except ValueError as error:
        raise PhotoError(str(error)) from error
    width, height = working_size(decoded.width, decoded.height, sizes.model)
    crop = crop_width, crop_height = centre_crop(decoded.width, decoded.height, width / height)
    notes = list(decoded.notes)
    if crop_width * crop_height < 0.9 * decoded.width * decoded.height:
        notes.append(f"it was cropped to {round(crop_width)}x{round(crop_height)} at its centre")
    if crop_width < width:
        notes.append(f"it was enlarged from {decoded.width}x{decoded.height}")
    picture_size = sizes.picture_of(crop)
    return Photo(
        rgb=resized(decoded.image, decoded.width, crop, (width, height)),
        original_width=decoded.width,
        original_height=decoded.height,
        intrinsics=Intrinsics(
            fx=lens.focal_pixels / crop_width, fy=lens.focal_pixels / crop_height
        ),
        source_name=path.name,
        lens_source=lens.source,
        notes=tuple(notes),
        lens_assumed=lens.assumed,
        picture=None
        if picture_size is None
        else resized(decoded.image, decoded.width, crop, picture_size),
    )


def working_size(width: int, height: int, size: Size = MODEL_SIZE) -> Size:
    """(width, height) in multiples of 16: near `size`'s pixel count, near the picture's aspect.

    Minimises the cropped share plus a small penalty on the number of pixels.
    """
    aspect = min(max(width / height, 1 / MAX_ASPECT), MAX_ASPECT)
    wanted = size[0] * size[1]

    def cost(candidate: tuple[int, int]) -> tuple[float, int]:
        ratio = candidate[0] / candidate[1] / aspect
        crop = 1.0 - min(ratio, 1.0 / ratio)
        pixels = abs(math.log(candidate[0] * candidate[1] / wanted))
        return crop + _PIXEL_PENALTY * pixels, candidate[0]

    return min(_candidates(wanted), key=cost)


def _candidates(wanted: int) -> list[tuple[int, int]]:
    step = SIZE_MULTIPLE
    low, high = (factor * wanted for factor in _PIXEL_RANGE)
    longest = int(math.sqrt(wanted * MAX_ASPECT) * 1.3)
    sides = range(step, longest + step, step)
    found = [(w, h) for w in sides for h in sides if low <= w * h <= high]
    return found or [(step, step)]


def centre_crop(width: int, height: int, aspect: float) -> tuple[float, float]:
    """The largest centred part of that aspect, in (fractional) pixels of the original."""
    if width / height > aspect:
        return height * aspect, float(height)
    return float(width), width / aspect


def resized(
    image: Image.Image, full_width: int, crop: tuple[float, float], size: tuple[int, int]
) -> NDArray[np.uint8]:
    scale = image.width / full_width  # below 1 where a JPEG was decoded at a fraction of its size
    half_width = min(crop[0] * scale, image.width) / 2
    half_height = min(crop[1] * scale, image.height) / 2
    x, y = image.width / 2, image.height / 2
    box = (x - half_width, y - half_height, x + half_width, y + half_height)
    box = (max(box[0], 0.0), max(box[1], 0.0), min(box[2], image.width), min(box[3], image.height))
    resized = image.resize(size, Image.Resampling.LANCZOS, box=box, reducing_gap=3.0)
    return np.asarray(resized)
