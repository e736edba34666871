"""The lens of a photo: what its tags tell, and what is stated where they do not."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from PIL import Image

from explorer.walk.photo import PhotoError, open_photo


def _with_tags(path: Path, tags: dict[int, object], size: tuple[int, int] = (400, 300)) -> Path:
    exif = Image.Exif()
    exif.get_ifd(0x8769).update(tags)
    Image.new("RGB", size, (90, 120, 60)).save(path, quality=90, exif=exif.tobytes())
    return path


def test_focal_length_in_35mm_terms(tmp_path: Path) -> None:
    path = _with_tags(tmp_path / "photo.jpg", {0xA405: 26}, size=(640, 480))
    photo = open_photo(path)
    focal = 26 * 800 / math.hypot(36, 24)  # pixels of the full picture, whose diagonal is 800
    # The crop changes what the numbers are divided by, not the lens.
    crop_width = min(640, 480 * photo.width / photo.height)
    assert photo.intrinsics.fx * crop_width == pytest.approx(focal, rel=1e-6)
    square = photo.intrinsics.fx * photo.width / (photo.intrinsics.fy * photo.height)
    assert square == pytest.approx(1.0, rel=1e-6)
    assert "26 mm" in photo.lens_source


def test_focal_length_with_sensor_resolution(tmp_path: Path) -> None:
    tags = {0x920A: 50.0, 0xA20E: 4000 / 36.0 * 25.4, 0xA210: 2, 0xA002: 4000}
    photo = open_photo(_with_tags(tmp_path / "photo.jpg", tags, size=(480, 320)))
    assert photo.intrinsics.horizontal_fov == pytest.approx(39.6, abs=0.1)


def test_a_turned_photo_keeps_its_lens(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    exif.get_ifd(0x8769)[0xA405] = 26
    path = tmp_path / "photo.jpg"
    Image.new("RGB", (480, 320), (90, 120, 60)).save(path, exif=exif.tobytes())
    photo = open_photo(path)
    assert photo.height > photo.width
    assert photo.intrinsics.fx * photo.width == pytest.approx(
        photo.intrinsics.fy * photo.height, rel=1e-2
    )
    assert photo.intrinsics.fy * 480 == pytest.approx(26 * math.hypot(480, 320) / 43.2666, rel=1e-3)


@pytest.mark.parametrize("tags", [{}, {0xA405: 0}, {0xA405: 9000}, {0x920A: 4.2}])
def test_without_useful_tags_the_default_is_stated(tmp_path: Path, tags: dict[int, object]) -> None:
    photo = open_photo(_with_tags(tmp_path / "photo.jpg", tags, size=(320, 180)))
    assert photo.intrinsics.horizontal_fov == pytest.approx(60.0, abs=0.1)
    assert "assumed" in photo.lens_source


def test_the_users_field_of_view_wins(tmp_path: Path) -> None:
    path = _with_tags(tmp_path / "photo.jpg", {0xA405: 26}, size=(320, 180))
    assert open_photo(path, fov_degrees=75).intrinsics.horizontal_fov == pytest.approx(75, abs=0.1)
    with pytest.raises(PhotoError, match="outside"):
        open_photo(path, fov_degrees=200)
