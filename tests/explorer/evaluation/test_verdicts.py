import math
from dataclasses import replace

from explorer.evaluation.results import PictureSummary
from explorer.evaluation.verdicts import judge_against_baselines

NONE = math.nan
OURS = PictureSummary(
    "walk", "final", 1, 4, 20, NONE, NONE, 0.6, NONE, NONE, 4, 0.2, 13, NONE, NONE, 0.3, 0.9, 0.9
)
TELEA = replace(OURS, method="warp", picture="baseline", hole_psnr=12.0, ssim=0.55)
PHOTO = replace(OURS, method="photo", picture="baseline", hole_psnr=10.0, ssim=0.4)


def test_beating_every_baseline_is_needed() -> None:
    (verdict,) = judge_against_baselines([OURS, TELEA, PHOTO])
    assert verdict.holes
    assert verdict.gradient
    assert verdict.ssim
    (verdict,) = judge_against_baselines([OURS, TELEA, replace(PHOTO, hole_psnr=13.5)])
    assert not verdict.holes
    assert "does NOT beat" in verdict.sentence


def test_blur_and_noise_fall_out_of_range() -> None:
    for gradient in (0.5, 1.5, NONE):
        (verdict,) = judge_against_baselines([replace(OURS, hole_gradient=gradient), TELEA])
        assert not verdict.gradient
