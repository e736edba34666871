"""Any photo file as plain 8-bit sRGB: upright, opaque, no larger than asked."""

from __future__ import annotations

import io
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
from PIL import Image, ImageCms, ImageOps, UnidentifiedImageError

#: Formats that are tried; more decoders would only mean more ways to be attacked.
FORMATS = ("JPEG", "MPO", "PNG", "WEBP", "HEIF", "AVIF")

#: Larger pictures are refused before a pixel is decoded (the largest phone sensors have 200 MP).
MAX_PIXELS = 220_000_000

#: Below this many pixels a side there is nothing to walk into.
MIN_SIDE = 16

_BACKGROUND = (255, 255, 255)


class PhotoError(ValueError):
    """A photo that cannot be used; the message is one sentence for the user."""


@dataclass(frozen=True, eq=False)
class DecodedPhoto:
    """A picture as it stands in its file, before cropping.

    Attributes:
        image: upright, mode RGB, perhaps decoded at a fraction of its size to save time.
        width, height: pixels of the upright picture at full size.
        exif: the tags, as stored; empty where there are none or they are broken.
        notes: what had to be changed, in plain words.
    """

    image: Image.Image
    width: int
    height: int
    exif: Image.Exif
    notes: tuple[str, ...]


def decode_photo(path: Path, needed_side: int) -> DecodedPhoto:
    """Decodes a file; JPEGs are read at 1/2, 1/4 or 1/8 where that leaves `needed_side` pixels.

    Raises:
        PhotoError: for a file that is missing, empty, broken, too large, or no picture.
    """
    _check_file(path)
    _register_heif()
    # Pillow warns about harmless oddities (broken tags, large sizes); sizes are checked here.
    with path.open("rb") as file, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        image = _open(path, file)
        _check_size(path, image.size)
        exif = _read_exif(image)
        swaps_sides = exif.get(0x0112, 1) >= 5
        width, height = image.size[::-1] if swaps_sides else image.size
        image = _load(path, image, needed_side)
        notes: list[str] = []
        image = _upright_rgb(image, notes)
    return DecodedPhoto(image, width, height, exif, tuple(notes))


def _check_file(path: Path) -> None:
    if not path.exists():
        raise PhotoError(f"there is no file {path}; give the path of a photo")
    if not path.is_file():
        raise PhotoError(f"{path} is not a file; give the path of a photo")
    try:
        with path.open("rb") as file:
            first = file.read(1)
    except OSError as error:
        raise PhotoError(f"{path} cannot be read ({error.strerror})") from error
    if not first:
        raise PhotoError(f"{path} is an empty file; give a photo")


def _register_heif() -> None:
    import pillow_heif  # here, because it changes Pillow's list of decoders

    pillow_heif.register_heif_opener()


def _open(path: Path, file: BinaryIO) -> Image.Image:
    Image.init()
    known = [name for name in FORMATS if name in Image.OPEN]
    try:
        return Image.open(file, formats=known)
    except Image.DecompressionBombError as error:
        raise _too_large(path) from error
    except UnidentifiedImageError as error:
        raise PhotoError(
            f"{path} is not a picture that can be read; give a JPEG, PNG, WebP, HEIC or AVIF file"
        ) from error
    except Exception as error:  # decoders raise anything on a damaged header
        raise _broken(path, error) from error


def _too_large(path: Path) -> PhotoError:
    return PhotoError(
        f"{path} claims more than {MAX_PIXELS // 1_000_000} million pixels; "
        "give a smaller version of it"
    )


def _broken(path: Path, error: Exception) -> PhotoError:
    reason = str(error).splitlines()[0].strip() if str(error).strip() else type(error).__name__
    return PhotoError(f"{path} is damaged or incomplete ({reason}); give a whole photo")


def _check_size(path: Path, size: tuple[int, int]) -> None:
    if size[0] * size[1] > MAX_PIXELS:
        raise _too_large(path)
    if min(size) < MIN_SIDE:
        raise PhotoError(
            f"{path} has only {size[0]}x{size[1]} pixels; give a photo of at least "
            f"{MIN_SIDE} pixels a side"
        )


def _read_exif(image: Image.Image) -> Image.Exif:
    try:
        exif = image.getexif()
        # Broken tags are found only when they are read.
        for directory in (0x8769,):
            exif.get_ifd(directory)
        int(exif.get(0x0112, 1))
    except Exception:  # damaged tags must not cost the user the photo
        return Image.Exif()
    return exif


def _load(path: Path, image: Image.Image, needed_side: int) -> Image.Image:
    try:
        if image.format in ("JPEG", "MPO"):
            image.draft(image.mode, (needed_side, needed_side))
        image.load()
    except MemoryError as error:
        raise PhotoError(f"{path} is too large for this machine's memory") from error
    except Exception as error:  # decoders raise anything on damaged data
        raise _broken(path, error) from error
    return image


def _upright_rgb(image: Image.Image, notes: list[str]) -> Image.Image:
    profile = image.info.get("icc_profile")
    try:
        image = ImageOps.exif_transpose(image)
    except Exception:
        notes.append("its orientation tag is damaged and was not applied")
    if image.has_transparency_data:
        image = _on_background(image, notes)
    if image.mode.startswith(("I", "F")):
        image = _from_high_depth(image, notes)
    return _to_srgb(image, profile, notes)


def _on_background(image: Image.Image, notes: list[str]) -> Image.Image:
    rgba = image.convert("RGBA")
    if (np.asarray(rgba.getchannel("A")) < 255).any():
        notes.append("its transparent parts were put on white")
    flat = Image.new("RGB", rgba.size, _BACKGROUND)
    flat.paste(rgba, mask=rgba.getchannel("A"))
    return flat


def _from_high_depth(image: Image.Image, notes: list[str]) -> Image.Image:
    values = np.asarray(image).astype(np.float32)
    notes.append("its 16 bits a channel were reduced to 8")
    return Image.fromarray(np.clip(np.round(values / 257.0), 0, 255).astype(np.uint8))


def _to_srgb(image: Image.Image, profile: bytes | None, notes: list[str]) -> Image.Image:
    """Wide-gamut and CMYK photos would look dull or wrong if their profile were ignored."""
    if profile and image.mode in ("RGB", "CMYK", "L"):
        try:
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            target = ImageCms.createProfile("sRGB")
            converted = ImageCms.profileToProfile(image, source, target, outputMode="RGB")
            if converted is not None:
                return converted
        except (ImageCms.PyCMSError, OSError, ValueError):
            notes.append("its colour profile is damaged and was not applied")
    return image if image.mode == "RGB" else image.convert("RGB")
