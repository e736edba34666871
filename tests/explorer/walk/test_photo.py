"""Every kind of photo file comes in upright, opaque, 8 bits, and with the right lens."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import numpy as np
import pillow_heif
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image, ImageCms

from explorer.walk.photo import PhotoError, open_photo, working_size

RED, GREEN, BLUE, WHITE = (200, 30, 30), (30, 200, 30), (30, 30, 200), (250, 250, 250)


def quarters(width: int = 320, height: int = 180) -> Image.Image:
    """Red top left, green top right, blue bottom left, white bottom right."""
    rgb = np.zeros((height, width, 3), np.uint8)
    rgb[: height // 2, : width // 2] = RED
    rgb[: height // 2, width // 2 :] = GREEN
    rgb[height // 2 :, : width // 2] = BLUE
    rgb[height // 2 :, width // 2 :] = WHITE
    return Image.fromarray(rgb)


def corners(rgb: NDArray[np.uint8]) -> list[NDArray[np.uint8]]:
    h, w = rgb.shape[0] // 4, rgb.shape[1] // 4
    return [rgb[h, w], rgb[h, -w], rgb[-h, w], rgb[-h, -w]]


def assert_quarters(rgb: NDArray[np.uint8], tolerance: int = 6) -> None:
    for found, wanted in zip(corners(rgb), (RED, GREEN, BLUE, WHITE), strict=True):
        assert np.abs(found.astype(int) - wanted).max() <= tolerance, (found, wanted)


@pytest.mark.parametrize("suffix", ["jpg", "png", "webp", "avif"])
def test_formats(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"photo.{suffix}"
    quarters().save(path, quality=95)
    photo = open_photo(path)
    assert photo.rgb.shape == (144, 256, 3)
    assert photo.rgb.dtype == np.uint8
    assert (photo.original_width, photo.original_height) == (320, 180)
    assert photo.source_name == path.name
    assert_quarters(photo.rgb)
    assert not photo.rgb.flags.writeable


def test_heic(tmp_path: Path) -> None:
    path = tmp_path / "photo.heic"
    pillow_heif.from_pillow(quarters()).save(path, quality=95)
    assert_quarters(open_photo(path).rgb, tolerance=12)


def test_a_wrong_ending_does_not_matter(tmp_path: Path) -> None:
    path = tmp_path / "photo.png"
    quarters().save(path, format="JPEG", quality=95)
    assert_quarters(open_photo(path).rgb)


_TO_STORED = {
    1: None,
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("suffix", ["jpg", "png", "heic"])
def test_orientation(tmp_path: Path, orientation: int, suffix: str) -> None:
    transpose = _TO_STORED[orientation]
    stored = quarters() if transpose is None else quarters().transpose(transpose)
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = tmp_path / f"photo.{suffix}"
    if suffix == "heic":
        pillow_heif.register_heif_opener()
    stored.save(path, quality=95, exif=exif.tobytes())
    photo = open_photo(path)
    assert (photo.original_width, photo.original_height) == (320, 180)
    assert_quarters(photo.rgb, tolerance=12)


def test_greyscale(tmp_path: Path) -> None:
    path = tmp_path / "grey.png"
    Image.new("L", (320, 180), 77).save(path)
    assert (open_photo(path).rgb == 77).all()


def test_sixteen_bit_grey(tmp_path: Path) -> None:
    path = tmp_path / "grey16.png"
    ramp = np.linspace(0, 65535, 320).round().astype(np.uint16)
    Image.fromarray(np.tile(ramp, (180, 1))).save(path)
    rgb = open_photo(path).rgb
    assert rgb[:, 0].max() <= 2
    assert rgb[:, -1].min() >= 253
    assert abs(int(rgb[72, 128, 0]) - 128) <= 2


def _png_chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _png(width: int, height: int, bits: int, colour_type: int, rows: bytes) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, bits, colour_type, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + _png_chunk(b"IHDR", header)
        + _png_chunk(b"IDAT", zlib.compress(rows))
        + _png_chunk(b"IEND", b"")
    )


def test_sixteen_bit_colour(tmp_path: Path) -> None:
    pixels = np.array(quarters()).astype(">u2") * 257
    rows = b"".join(b"\x00" + row.tobytes() for row in pixels)
    path = tmp_path / "rgb16.png"
    path.write_bytes(_png(320, 180, 16, 2, rows))
    assert_quarters(open_photo(path).rgb)


def test_cmyk(tmp_path: Path) -> None:
    path = tmp_path / "cmyk.jpg"
    quarters().convert("CMYK").save(path, quality=95)
    assert_quarters(open_photo(path).rgb, tolerance=12)


def test_palette_with_transparency(tmp_path: Path) -> None:
    path = tmp_path / "palette.png"
    image = Image.new("P", (320, 180), 0)
    image.putpalette([0, 0, 0, 10, 20, 200])
    image.paste(1, (0, 0, 160, 180))
    image.save(path, transparency=0)
    photo = open_photo(path)
    assert (photo.rgb[72, 32] == (10, 20, 200)).all()
    assert (photo.rgb[72, -32] == 255).all()
    assert any("transparent" in note for note in photo.notes)


def test_alpha_is_put_on_white(tmp_path: Path) -> None:
    path = tmp_path / "alpha.png"
    image = quarters().convert("RGBA")
    image.putalpha(Image.new("L", image.size, 0))
    image.paste((200, 30, 30, 255), (0, 0, 160, 180))
    image.save(path)
    rgb = open_photo(path).rgb
    assert (rgb[72, 32] == RED).all()
    assert (rgb[72, -32] == 255).all()


def test_wide_gamut_is_converted(tmp_path: Path) -> None:
    """A profile whose primaries are swapped makes red pixels mean another colour."""
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    plain, tagged = tmp_path / "plain.jpg", tmp_path / "lab.jpg"
    quarters().save(plain, quality=95)
    swapped = srgb.replace(b"rXYZ", b"tmpZ").replace(b"bXYZ", b"rXYZ").replace(b"tmpZ", b"bXYZ")
    quarters().save(tagged, quality=95, icc_profile=swapped)
    assert_quarters(open_photo(plain).rgb)
    red_seen = open_photo(tagged).rgb[36, 64]
    assert red_seen[2] > 100 > red_seen[0]


def test_damaged_profile_is_noted(tmp_path: Path) -> None:
    path = tmp_path / "photo.jpg"
    quarters().save(path, quality=95, icc_profile=b"no profile at all" * 20)
    photo = open_photo(path)
    assert_quarters(photo.rgb)
    assert any("profile" in note for note in photo.notes)


@pytest.mark.parametrize("suffix", ["jpg", "png", "webp", "heic"])
def test_truncated(tmp_path: Path, suffix: str) -> None:
    pillow_heif.register_heif_opener()
    whole, path = tmp_path / f"whole.{suffix}", tmp_path / f"cut.{suffix}"
    noise = np.random.default_rng(0).integers(0, 255, (180, 320, 3), np.uint8)
    Image.fromarray(noise).save(whole, quality=90)
    data = whole.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    with pytest.raises(PhotoError, match=r"damaged|not a picture"):
        open_photo(path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "empty file"),
        (b"just some text, no picture", "not a picture"),
        (b"\xff\xd8\xff\xe0 not really a JPEG", "damaged|not a picture"),
        (b"GIF89a" + bytes(40), "not a picture"),
    ],
)
def test_not_a_picture(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "photo.jpg"
    path.write_bytes(content)
    with pytest.raises(PhotoError, match=message) as error:
        open_photo(path)
    assert "\n" not in str(error.value)


def test_missing_or_a_folder(tmp_path: Path) -> None:
    with pytest.raises(PhotoError, match="no file"):
        open_photo(tmp_path / "nothing.jpg")
    with pytest.raises(PhotoError, match="not a file"):
        open_photo(tmp_path)


def test_decompression_bomb(tmp_path: Path) -> None:
    path = tmp_path / "bomb.png"
    path.write_bytes(_png(60000, 60000, 8, 0, bytes(1000)))
    assert path.stat().st_size < 2000
    with pytest.raises(PhotoError, match="million pixels"):
        open_photo(path)


def test_too_small(tmp_path: Path) -> None:
    path = tmp_path / "tiny.png"
    Image.new("RGB", (300, 3)).save(path)
    with pytest.raises(PhotoError, match="300x3"):
        open_photo(path)


@given(st.integers(16, 20000), st.integers(16, 20000), st.sampled_from([(256, 144), (512, 288)]))
def test_working_sizes(width: int, height: int, size: tuple[int, int]) -> None:
    w, h = working_size(width, height, size)
    assert w % 16 == 0
    assert h % 16 == 0
    assert 0.69 <= w * h / (size[0] * size[1]) <= 1.31
    aspect = min(max(width / height, 1 / 6), 6)
    assert max(w / h / aspect, aspect / (w / h)) < 1.10
    if 0.45 < aspect < 2.2:
        assert max(w / h / aspect, aspect / (w / h)) < 1.06
    assert working_size(height, width, size) == (h, w)


@pytest.mark.parametrize(
    ("original", "wanted"),
    [((4032, 3024), (208, 160)), ((6000, 4000), (240, 160)), ((1920, 1080), (256, 144))],
)
def test_common_aspects(original: tuple[int, int], wanted: tuple[int, int]) -> None:
    assert working_size(*original) == wanted


def test_a_panorama_is_cropped_and_says_so(tmp_path: Path) -> None:
    path = tmp_path / "panorama.png"
    Image.new("RGB", (3000, 100), GREEN).save(path)
    photo = open_photo(path)
    assert photo.width / photo.height == pytest.approx(6.0)
    assert any("cropped" in note for note in photo.notes)
    assert any("enlarged" not in note for note in photo.notes)


def test_a_large_jpeg_is_read_small(tmp_path: Path) -> None:
    path = tmp_path / "large.jpg"
    quarters(6400, 3600).save(path, quality=80)
    photo = open_photo(path, fov_degrees=60)
    assert (photo.original_width, photo.original_height) == (6400, 3600)
    assert photo.intrinsics.horizontal_fov == pytest.approx(60)
    assert_quarters(photo.rgb)


def test_damaged_tags_do_not_cost_the_photo(tmp_path: Path) -> None:
    path = tmp_path / "photo.jpg"
    quarters().save(path, quality=95, exif=b"Exif\x00\x00II*\x00\x08\x00\x00\x00\xff\xff garbage")
    assert_quarters(open_photo(path).rgb)
