"""The two sizes of a walk: what they come to, and what is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from explorer.walk import sizes as module
from explorer.walk.photo import open_photo
from explorer.walk.photo_decoding import decode_photo
from explorer.walk.sizes import SizeError, Sizes


@pytest.mark.parametrize(
    ("crop", "picture", "wanted"),
    [
        ((4000.0, 2250.0), None, (1280, 720)),
        ((3000.0, 3000.0), None, (960, 960)),
        ((641.0, 361.0), None, (640, 360)),
        ((64.0, 40.0), None, (64, 40)),
        ((2250.0, 4000.0), (1024, 576), (576, 1024)),
        ((4000.0, 2250.0), (6000, 3000), (4000, 2250)),
    ],
)
def test_a_picture_has_the_crops_shape_and_never_more_than_its_pixels(crop, picture, wanted):
    assert Sizes(picture=picture).picture_of(crop) == wanted


def test_a_gpu_carries_more_unless_a_size_was_asked_for():
    crop = (4000.0, 2250.0)
    assert Sizes().on("cuda:0").picture_of(crop) == (1920, 1080)
    assert Sizes().on("cpu").picture_of(crop) == (1280, 720)
    assert Sizes(picture=(640, 360)).on("cuda").picture_of(crop) == (640, 360)
    assert Sizes().without_picture().on("cuda").picture_of(crop) is None


def test_sizes_that_do_not_fit_each_other_say_so():
    with pytest.raises(SizeError, match=r"--size 128x72 is less than --model-size 256x144"):
        Sizes((256, 144), (128, 72))
    with pytest.raises(SizeError, match="very different shapes"):
        Sizes((256, 144), (2560, 256))
    Sizes((256, 144), (720, 1280))  # both get the photo's shape, so upright or not is one


def test_the_model_draws_no_more_than_it_can_and_no_picture_is_smaller():
    with pytest.raises(SizeError, match=r"--model-size 4000x3000 is more .* at most 1280x720"):
        Sizes((4000, 3000))
    large = Sizes((512, 288), most=(256, 144))
    assert large.picture_of((4000.0, 2250.0)) == (512, 288)


def test_what_memory_does_not_hold_is_refused_with_what_fits(monkeypatch):
    monkeypatch.setattr(module, "free_memory", lambda _device: 640 * 360 * module.PIXEL_BYTES)
    with pytest.raises(SizeError, match=r"1280x720 .*memory.*--size 640x360 fits"):
        Sizes().picture_of((4000.0, 2250.0))
    assert Sizes(picture=(640, 360)).picture_of((4000.0, 2250.0)) == (640, 360)


def test_no_side_is_longer_than_opencv_and_videos_take(monkeypatch):
    monkeypatch.setattr(module, "free_memory", lambda _device: 1 << 50)
    with pytest.raises(SizeError, match=r"16384 pixels; --size 16384x4096 fits"):
        Sizes(picture=(20000, 8000)).picture_of((20000.0, 5000.0))


def test_a_photo_comes_at_both_sizes_from_one_crop(tmp_path: Path):
    """A ramp in both directions says where each pixel of either size lies in the photo."""
    height, width = 900, 1500
    x = np.linspace(0, 255, width)[None].repeat(height, 0)
    y = np.linspace(0, 255, height)[:, None].repeat(width, 1)
    path = tmp_path / "ramp.png"
    Image.fromarray(np.stack([x, y, x], -1).round().astype(np.uint8)).save(path)
    photo = open_photo(path, 60.0)
    assert photo.picture is not None
    assert photo.picture_size == photo.picture.shape[1::-1]
    w, h = photo.picture_size
    assert w % 2 == h % 2 == 0
    assert 0.99 * 1280 * 720 < w * h <= 1280 * 720
    for channel, axis in ((0, 1), (1, 0)):
        ramps = []
        for rgb in (photo.rgb, photo.picture):
            ramp = rgb[..., channel].astype(np.float64).mean(1 - axis)
            at = (np.arange(len(ramp)) + 0.5) / len(ramp)
            ramps.append(np.polyfit(at[4:-4], ramp[4:-4], 1))
        assert ramps[0] == pytest.approx(ramps[1], abs=0.5)


def test_a_size_that_the_photo_does_not_have_is_told():
    asked = Sizes(picture=(1280, 720))
    told = asked.smaller_than_asked((640, 360))
    assert told is not None
    assert "640x360" in told
    assert "1280x720" in told
    assert asked.smaller_than_asked((1278, 718)) is None
    assert Sizes().smaller_than_asked((90, 60)) is None


def test_a_small_photo_is_its_own_picture(tmp_path: Path):
    rgb = np.random.default_rng(0).integers(0, 256, (72, 128, 3), np.uint8)
    Image.fromarray(rgb).save(tmp_path / "small.png")
    photo = open_photo(tmp_path / "small.png")
    assert (photo.width, photo.height) == (256, 144)
    assert np.array_equal(photo.picture, rgb)


@pytest.mark.parametrize(
    ("asked", "decoded"), [(None, 4800), ((1600, 900), 4800), ((4800, 2700), 9600)]
)
def test_a_jpeg_keeps_twice_the_pixels_that_the_picture_needs(tmp_path: Path, asked, decoded):
    """Lanczos does the scaling, not the decoder; what is far more than enough is not decoded."""
    path = tmp_path / "large.jpg"
    Image.new("RGB", (9600, 5400), (90, 120, 30)).save(path, quality=60)
    sizes = Sizes(picture=asked)
    found = decode_photo(path, sizes.needed_side)
    assert found.image.width == decoded
    picture = sizes.picture_of((9600.0, 5400.0))
    assert picture is not None
    assert decoded >= 2 * picture[0]
