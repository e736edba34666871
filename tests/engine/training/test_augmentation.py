"""Crops, rolls and looks of pictures, against closed forms."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.geometry.cameras import Intrinsics
from engine.training.augmentation import (
    Crop,
    cut,
    disturbed_depth,
    photometric,
    random_crop,
    random_rolled_crop,
    rolled_cut,
    unevenly_lit,
)


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_a_crop_keeps_every_pixel_on_its_ray() -> None:
    whole = Intrinsics(0.9, 1.3, 0.45, 0.55)
    crop = random_crop(generator(), (90, 160), (32, 48), 0.5)
    part = crop.intrinsics(whole)
    u, v = 0.3, 0.8
    x = (crop.left + u * crop.width - whole.cx) / whole.fx
    y = (crop.top + v * crop.height - whole.cy) / whole.fy
    assert ((u - part.cx) / part.fx, (v - part.cy) / part.fy) == pytest.approx((x, y))
    assert (crop.width * 160) / (crop.height * 90) == pytest.approx(1.5, rel=0.05)


def test_cutting_the_whole_changes_nothing() -> None:
    picture = torch.rand(2, 3, 8, 12, generator=generator())
    torch.testing.assert_close(cut(picture, Crop(0, 0, 1, 1), (8, 12)), picture)


def test_disturbed_depth_keeps_sky_and_sign() -> None:
    depth = torch.full((2, 1, 36, 64), 3.0)
    depth[:, :, :10] = torch.inf
    disturbed = disturbed_depth(depth, generator(), 0.2)
    assert bool((disturbed.isinf() == depth.isinf()).all())
    known = disturbed[depth.isfinite()]
    assert 0.05 < (known / 3.0).log().std() < 0.5
    # Edges soften at times: sky is infinitely far, so its neighbours may only move away.
    assert (known > 0).all()


def test_photometric_is_one_look_for_all_views() -> None:
    rgb = torch.full((3, 3, 8, 8), 0.5)
    looked = photometric(rgb, generator(3))
    assert looked.mean((1, 2, 3)).std() < 0.01
    assert 0 <= looked.min() <= looked.max() <= 1


@given(angle=st.floats(-0.3, 0.3), seed=st.integers(0, 99), least=st.floats(0.4, 1.0))
@settings(max_examples=30, deadline=None)
def test_a_rolled_crop_stays_inside_and_sees_a_plane_as_its_lens_says(
    angle: float, seed: int, least: float
) -> None:
    """Inverse depth of a plane is affine over rays, whichever way the camera is turned."""
    height, width, slope = 72, 128, (0.3, 0.8)
    whole = Intrinsics(0.9, 0.9 * width / height, 0.47, 0.55)
    v, u = torch.meshgrid(
        (torch.arange(height) + 0.5) / height, (torch.arange(width) + 0.5) / width, indexing="ij"
    )
    inverse = 1 + slope[0] * (u - whole.cx) / whole.fx + slope[1] * (v - whole.cy) / whole.fy
    size = (32, 48)
    crop = random_rolled_crop(generator(seed), (height, width), size, least, abs(angle))
    part = rolled_cut(inverse[None, None].float(), crop, size)[0, 0]

    lens = crop.intrinsics(whole, (height, width))
    cos, sin = math.cos(crop.angle), math.sin(crop.angle)
    y, x = torch.meshgrid(
        ((torch.arange(size[0]) + 0.5) / size[0] - lens.cy) / lens.fy,
        ((torch.arange(size[1]) + 0.5) / size[1] - lens.cx) / lens.fx,
        indexing="ij",
    )
    expected = 1 + slope[0] * (cos * x - sin * y) + slope[1] * (sin * x + cos * y)
    inner = slice(2, -2)  # the border repeats the outermost half pixel
    torch.testing.assert_close(
        part[inner, inner], expected[inner, inner].float(), atol=2e-4, rtol=0
    )
    assert lens.fx * 48 == pytest.approx(lens.fy * 32)


def test_an_unrolled_crop_of_everything_changes_nothing() -> None:
    picture = torch.rand(2, 3, 8, 12, generator=generator())
    crop = random_rolled_crop(generator(), (8, 12), (8, 12), 1.0, 0.0)
    torch.testing.assert_close(rolled_cut(picture, crop, (8, 12), nearest=True), picture)
    assert crop.intrinsics(Intrinsics(0.9, 1.35, 0.4, 0.6), (8, 12)).cx == pytest.approx(0.4)


def test_fine_stripes_of_a_large_picture_become_grey() -> None:
    stripes = (torch.arange(640) // 2 % 2).float().expand(1, 3, 400, 640)
    crop = random_rolled_crop(generator(), (400, 640), (40, 64), 1.0, 0.0)
    part = rolled_cut(stripes, crop, (40, 64))
    torch.testing.assert_close(part, torch.full_like(part, 0.5), atol=0.11, rtol=0)


def test_uneven_light_is_smooth_and_falls_on_half_of_the_pictures() -> None:
    grey = torch.full((2, 3, 36, 64), 0.5)
    changes = [(unevenly_lit(grey, generator(seed)) / grey).log() for seed in range(60)]
    lit = [c for c in changes if c.any()]
    assert 20 <= len(lit) <= 40
    for change in lit:
        assert torch.equal(change[0], change[1]), "all views of a walk stand in one light"
        steps = max(change.diff(dim=-1).abs().max(), change.diff(dim=-2).abs().max())
        assert steps < 0.25 * (change.max() - change.min())
    # Brightness more than hue, and as often darker as brighter.
    of_all = torch.stack(lit)
    assert of_all.mean(2).std() > 2 * (of_all - of_all.mean(2, keepdim=True)).std()
    assert of_all.mean().abs() < 0.3 * of_all.std()
