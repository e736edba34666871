"""Closed forms of the distance, and a reference that goes through places one by one."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image

from engine.model.errors import CheckpointError
from explorer.evaluation.yardstick.alike import Yardstick, distance_maps
from explorer.evaluation.yardstick.lite2 import (
    EfficientNetLite2,
    read_yardstick,
    save_yardstick,
    yardstick_file,
)

SAMPLES = Path(__file__).parents[4] / "assets" / "samples"


@pytest.fixture(scope="module")
def yardstick() -> Yardstick:
    return Yardstick.embedded("cpu")


def sample(name: str, width: int = 128, height: int = 80) -> NDArray[np.float32]:
    with Image.open(SAMPLES / name) as image:
        small = image.convert("RGB").resize((width, height), Image.Resampling.BOX)
    return np.asarray(small, np.float32) / 255.0


def blurred(picture: NDArray[np.float32], sigma: float) -> NDArray[np.float32]:
    return cv2.GaussianBlur(picture, (0, 0), sigma).astype(np.float32)


def distance(yardstick: Yardstick, a: NDArray[np.float32], b: NDArray[np.float32]) -> float:
    return float(distance_maps(yardstick.look([a]), yardstick.look([b])).mean())


@pytest.mark.parametrize("name", ["room.png", "street.png"])
def test_what_is_the_same_is_at_0_and_nearer_from_neither_side(
    yardstick: Yardstick, name: str
) -> None:
    picture, other = sample(name), blurred(sample(name), 2.0)
    assert (distance_maps(yardstick.look([picture]), yardstick.look([picture])) == 0).all()
    ways = distance(yardstick, picture, other), distance(yardstick, other, picture)
    assert ways[0] == ways[1] > 0


@pytest.mark.parametrize("name", ["room.png", "street.png"])
def test_more_blur_is_farther(yardstick: Yardstick, name: str) -> None:
    picture = sample(name)
    found = [distance(yardstick, picture, blurred(picture, s)) for s in (0.5, 1.0, 2.0, 4.0, 8.0)]
    assert found == sorted(found)
    assert found[-1] > 10 * found[0]


@pytest.mark.parametrize("name", ["room.png", "street.png"])
def test_fog_ranks_below_detail_that_is_a_little_off(yardstick: Yardstick, name: str) -> None:
    """Where PSNR says the opposite, which is why this yardstick is there."""
    picture = sample(name, 256, 144)
    fog, off = blurred(picture, 2.0), np.roll(picture, 2, axis=1)
    squared = [float(((each - picture) ** 2).mean()) for each in (fog, off)]
    assert squared[0] < squared[1]
    assert distance(yardstick, picture, fog) > 1.3 * distance(yardstick, picture, off)


def test_against_a_slow_reference(yardstick: Yardstick) -> None:
    """Sides that no stride divides; a mask averages features by its area under each."""
    one, other = sample("room.png", 75, 50), sample("street.png", 75, 50)
    mask = np.zeros((50, 75), bool)
    mask[7:30, 20:61] = True
    seen = []
    with torch.no_grad():
        for picture in (one, other):
            x = torch.from_numpy(picture).permute(2, 0, 1)[None] * 2 - 1
            seen.append([level[0].double() for level in yardstick.network.levels(x)])
    whole, inside = [], []
    for stride, a, b in zip((2, 4, 8, 16, 32), *seen, strict=True):
        apart = np.zeros(a.shape[1:])
        area, masked = np.zeros(a.shape[1:]), np.zeros(a.shape[1:])
        for i in range(a.shape[1]):
            for j in range(a.shape[2]):
                u, v = a[:, i, j], b[:, i, j]
                apart[i, j] = 2 - 2 * float(u @ v / (u.norm() * v.norm()))
                under = mask[i * stride : (i + 1) * stride, j * stride : (j + 1) * stride]
                area[i, j], masked[i, j] = under.size, under.sum()
        whole.append((apart * area).sum() / area.sum())
        inside.append((apart * masked).sum() / masked.sum())
    maps = distance_maps(yardstick.look([one]), yardstick.look([other]))
    assert maps.shape == (1, 50, 75)
    assert maps.mean() == pytest.approx(np.mean(whole), rel=1e-4)
    assert maps[0][mask].mean() == pytest.approx(np.mean(inside), rel=1e-4)


def test_holes_are_judged_where_they_are(yardstick: Yardstick) -> None:
    truth = sample("room.png", 256, 144)
    spoilt = truth.copy()
    spoilt[:, :96] = blurred(truth, 6.0)[:, :96]
    apart = distance_maps(yardstick.look([spoilt]), yardstick.look([truth]))[0]
    assert apart[:, :96].mean() > 5 * apart[:, 160:].mean()


def test_pictures_in_batches_are_looked_at_one_by_one(yardstick: Yardstick) -> None:
    pictures = [blurred(sample("room.png", 64, 48), 0.3 + 0.3 * k) for k in range(11)]
    together = yardstick.look(pictures)
    alone = yardstick.look([pictures[9]])
    np.testing.assert_allclose(together.pooled[9], alone.pooled[0], rtol=1e-4, atol=1e-4)
    assert together.levels[0].shape[0] == 11


def test_sizes_are_checked(yardstick: Yardstick) -> None:
    small, large = sample("room.png", 64, 48), sample("room.png", 96, 48)
    with pytest.raises(ValueError, match="one size"):
        yardstick.look([small, large])
    with pytest.raises(ValueError, match="no partners"):
        distance_maps(yardstick.look([small]), yardstick.look([large]))
    with pytest.raises(ValueError, match="no partners"):
        distance_maps(yardstick.look([small]), yardstick.look([small, small]))


def test_eight_bits_measure_what_full_weights_measure(tmp_path: Path) -> None:
    """Of a network of random weights, which has no mercy on rounding."""
    torch.manual_seed(0)
    network = EfficientNetLite2().eval().requires_grad_(False)
    save_yardstick(network, tmp_path / "a.safetensors")
    stored = Yardstick(read_yardstick(tmp_path / "a.safetensors"))
    picture, other = sample("room.png"), sample("street.png")
    full = distance(Yardstick(network), picture, other)
    assert distance(stored, picture, other) == pytest.approx(full, rel=0.02)


def test_other_files_are_no_yardsticks(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="no yardstick"):
        read_yardstick(yardstick_file().with_name("photowalk.safetensors"))
    with pytest.raises(CheckpointError, match="there is no weights file"):
        read_yardstick(tmp_path / "none.safetensors")
