import numpy as np
import pytest

from explorer.evaluation.picture_metrics import (
    HIGHEST_PSNR,
    gradient_energy,
    psnr,
    resized,
    score_picture,
    ssim_map,
)


def noise(seed: int, shape: tuple[int, ...] = (48, 64, 3)) -> np.ndarray:
    return np.random.default_rng(seed).random(shape, dtype=np.float32)


def test_psnr_of_a_known_error() -> None:
    truth = np.full((20, 30, 3), 0.5, np.float32)
    assert psnr(truth + 0.1, truth) == pytest.approx(20.0, abs=1e-4)
    assert psnr(truth, truth) == HIGHEST_PSNR


def test_psnr_in_a_mask_sees_only_the_mask() -> None:
    truth = np.zeros((20, 30, 3), np.float32)
    picture = truth.copy()
    picture[:, :10] = 1.0
    mask = np.zeros((20, 30), bool)
    mask[:, 15:] = True
    assert psnr(picture, truth, mask) == HIGHEST_PSNR
    assert psnr(picture, truth, ~mask) == pytest.approx(-10 * np.log10(10 / 15), abs=1e-4)


def test_ssim_is_one_for_equal_pictures_and_falls_with_noise() -> None:
    truth = noise(0)
    assert ssim_map(truth, truth).mean() == pytest.approx(1.0)
    slightly = ssim_map(truth + 0.02 * noise(1), truth).mean()
    assert ssim_map(noise(2), truth).mean() < 0.3 < slightly < 1.0


def test_gradient_energy_ignores_the_seam_around_the_mask() -> None:
    picture = np.zeros((10, 10, 3), np.float32)
    mask = np.zeros((10, 10), bool)
    mask[2:8, 2:8] = True
    picture[mask] = 1.0  # flat inside, a step at the border
    assert gradient_energy(picture, mask) == 0.0
    picture[4, 4] = 0.5  # four neighbours, three channels, 0.25 each
    assert gradient_energy(picture, mask) == pytest.approx(4 * 3 * 0.25)


def test_blur_loses_gradient_energy_in_holes() -> None:
    truth = noise(3)
    blurred = resized(resized(truth, 12, 16), 48, 64)
    hole = np.zeros((48, 64), bool)
    hole[:, 32:] = True
    score = score_picture(blurred.astype(np.float32), truth, hole)
    assert score.holes is not None
    assert score.holes.share == 0.5
    assert score.holes.gradient < 0.3 * score.holes.true_gradient


def test_tiny_or_unknown_holes_are_not_judged() -> None:
    truth = noise(4)
    speck = np.zeros((48, 64), bool)
    speck[0, 0] = True
    assert score_picture(truth, truth, speck).holes is None
    assert score_picture(truth, truth, None).holes is None


def test_pictures_of_different_sizes_are_refused() -> None:
    with pytest.raises(ValueError, match="cannot be judged"):
        score_picture(noise(0), noise(0, (32, 64, 3)), None)
