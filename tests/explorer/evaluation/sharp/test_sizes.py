from typing import Any

import cv2
import numpy as np
import pytest

from explorer.evaluation.sharp.sizes import at_model_size, enlarged, rendered_sizes
from explorer.walk.sizes import SizeError


@pytest.mark.parametrize(
    ("size", "model", "found"),
    [
        (None, (256, 144), None),
        ((256, 144), (256, 144), None),
        ((1024, 576), (256, 144), (1024, 576)),
        ((96, 64), (48, 32), (96, 64)),
    ],
)
def test_sizes_of_worlds(size: Any, model: tuple[int, int], found: Any) -> None:
    assert rendered_sizes(size, model) == found


@pytest.mark.parametrize(
    ("size", "model", "words"),
    [
        ((128, 80), (256, 144), "--size 128x80 is less than --model-size 256x144"),
        ((1024, 1024), (256, 144), "differ in shape"),
        ((1020, 576), (256, 144), "multiples of 8"),
        (None, (250, 144), "multiples of 16"),
    ],
)
def test_sizes_that_cannot_be_rendered_are_refused(
    size: Any, model: tuple[int, int], words: str
) -> None:
    with pytest.raises(SizeError, match=words):
        rendered_sizes(size, model)


def test_a_scene_at_the_models_size(large: Any) -> None:
    truth = large.walk(frames=4, step=0.2)
    scene = at_model_size(truth, (160, 96))
    assert scene.picture is truth.photo.rgb
    assert scene.of_one_size().picture is None
    assert scene.photo.rgb.shape == (96, 160, 3)
    assert scene.ways == truth.ways
    for small, view in zip(scene.views, truth.views, strict=True):
        assert small.camera is view.camera
        mean = view.rgb.reshape(96, 2, 160, 2, 3).mean((1, 3))
        assert np.abs(small.rgb - mean).max() <= 0.5 + 1e-3
        # No depth that is not one of its pixels'.
        assert set(np.unique(small.depth)) <= set(np.unique(view.depth))
    for a, b in ((scene.photo, truth.photo),):
        lanczos = cv2.resize(b.rgb, (160, 96), interpolation=cv2.INTER_AREA)
        assert np.abs(a.rgb.astype(int) - lanczos).mean() < 6


def test_laps_share_their_views(large: Any) -> None:
    truth = large.walk(frames=3, step=0.2)
    (out, back), photo = truth.views, truth.photo
    laps = type(truth)("laps", "", photo, (out, back, photo, out), (*truth.ways, *truth.ways))
    small = at_model_size(laps, (160, 96))
    assert small.views[0] is small.views[3]
    assert small.views[2] is small.photo


def test_a_smooth_picture_enlarged_is_the_large_one() -> None:
    def ramp(height: int, width: int) -> np.ndarray:
        x, y = np.meshgrid((np.arange(width) + 0.5) / width, (np.arange(height) + 0.5) / height)
        waves = np.stack([np.sin(3 * x), np.cos(2 * y), x * y], -1)
        return (100 + 100 * waves).clip(0, 255).astype(np.uint8)

    large = ramp(64, 96)
    found = enlarged(ramp(32, 48), large).astype(int)
    assert found.shape == large.shape
    assert np.abs(found - large)[4:-4, 4:-4].max() <= 2
