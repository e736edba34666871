"""Depth at a larger picture's size: planes in closed form, discs and bars before walls."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.geometry.upsampling import (
    STEP,
    Nearest,
    depth_steps,
    enlarged_inverse_depth,
    inverse_depth,
    nearest_kept,
    upsampled_inverse_depth,
    with_even_rims,
)

NEAR, FAR = np.float32(0.8), np.float32(0.2)


def plane(h: int, w: int, across: float, down: float, scale: float = 1.0) -> np.ndarray:
    """Inverse depth of a plane, affine in pixel centres; `scale` pixels are as wide as one."""
    v, u = (np.mgrid[:h, :w] + 0.5) / scale
    return (0.3 + across * u + down * v).astype(np.float32)


def disc(h: int, w: int, x: float, y: float, radius: float) -> np.ndarray:
    v, u = np.mgrid[:h, :w] + 0.5
    return (u - x) ** 2 + (v - y) ** 2 < radius**2


def two(mask: np.ndarray) -> np.ndarray:
    return np.where(mask, NEAR, FAR)


@given(st.floats(0, 3), st.floats(0, 3))
def test_a_plane_has_no_steps_however_steep(across, down) -> None:
    assert not depth_steps(plane(24, 40, across, down), STEP).any()
    assert not depth_steps(
        np.ascontiguousarray(plane(24, 40, across, down)[::-1, ::-1]), STEP
    ).any()


@pytest.mark.parametrize("at", range(1, 12))
def test_both_sides_of_a_step_are_marked(at) -> None:
    """But for the picture's border, whose slope is that of what is beside it."""
    columns = np.arange(12)
    marked = np.isin(columns, (at - 1, at)) & (columns > 0) & (columns < 11)
    for values in (two(columns < at), two(columns >= at)):
        across = depth_steps(np.tile(values, (7, 1)), STEP)
        assert np.array_equal(across, np.tile(marked, (7, 1)))
        down = depth_steps(np.tile(values[:, None], (1, 7)), STEP)
        assert np.array_equal(down, np.tile(marked[:, None], (1, 7)))


def test_a_step_is_one_by_its_share_of_the_nearer_side() -> None:
    for far, steps in ((0.96, False), (0.94, True)):
        inverse = np.full((5, 8), 2.0, np.float32)
        inverse[:, 4:] *= far
        assert depth_steps(inverse, STEP).any() == steps


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (9, 1), (2, 2)])
def test_pictures_too_small_for_a_step_have_none(shape) -> None:
    assert depth_steps(np.ones(shape, np.float32), STEP).shape == shape
    assert not depth_steps(np.ones(shape, np.float32), STEP).any()


@given(st.integers(0, 2**32 - 1), st.floats(0.002, 0.6))
def test_the_nearest_pixel_is_the_nearest_of_all(seed, share) -> None:
    rng = np.random.default_rng(seed)
    kept = rng.random((13, 19)) < share
    kept[rng.integers(13), rng.integers(19)] = True
    places = np.stack(np.mgrid[:13, :19], axis=-1).astype(np.float32)
    found = Nearest(kept).filled(places)
    inside = np.argwhere(kept)
    apart = np.linalg.norm(places[:, :, None] - inside, axis=-1).min(axis=-1)
    chosen = np.linalg.norm(found - places, axis=-1)
    assert kept[tuple(found.astype(int).reshape(-1, 2).T)].all()
    # The distances of a 5x5 chamfer are right to 2 %.
    assert (chosen <= 1.03 * apart + 1e-5).all()
    assert np.array_equal(found[kept], places[kept])
    assert np.array_equal(nearest_kept(places[..., 0], kept), found[..., 0])


def test_inverse_depth_of_sky_and_of_the_unknown() -> None:
    depth = np.array([[2.0, np.nan, np.inf, np.inf], [4.0, 4.0, np.inf, -1.0]], np.float32)
    found = inverse_depth(depth)
    assert np.array_equal(found[1], np.float32([0.25, 0.25, 0, 0]))
    assert found[0, 1] in np.float32([0.5, 0.25, 0.0])
    assert np.array_equal(found[0, [0, 2, 3]], np.float32([0.5, 0, 0]))
    with pytest.raises(ValueError, match="nothing is known"):
        inverse_depth(np.full((3, 3), np.nan, np.float32))


@pytest.mark.parametrize("times", [2, 4, 5])
def test_nothing_lies_between_two_enlarged_surfaces(times) -> None:
    mask = disc(36, 64, 30, 17, 9)
    found = enlarged_inverse_depth(two(mask), (36 * times, 64 * times))
    apart = np.minimum(np.abs(found - NEAR), np.abs(found - FAR))
    assert apart.max() < 1e-6
    truth = disc(36 * times, 64 * times, 30 * times, 17 * times, 9 * times)
    # The edge is where it was, to three quarters of a small pixel along the whole rim.
    assert ((found > (NEAR + FAR) / 2) != truth).sum() < 0.75 * times * 2 * np.pi * 9 * times


def test_between_slanted_surfaces_there_is_nothing_either() -> None:
    back = plane(36, 64, 0.002, 0.001)
    front = plane(36, 64, -0.003, 0.002) + np.float32(0.9)
    mask = disc(36, 64, 30, 17, 9)
    found = enlarged_inverse_depth(np.where(mask, front, back), (144, 256))
    back, front = plane(144, 256, 0.002, 0.001, 4), plane(144, 256, -0.003, 0.002, 4) + 0.9
    assert np.minimum(np.abs(found - back), np.abs(found - front)).max() < 1.6 * 0.005


@pytest.mark.parametrize("slopes", [(0.02, 0.0), (-0.003, 0.05), (0.3, 0.2)])
def test_a_plane_stays_a_plane(slopes) -> None:
    small = plane(36, 64, *slopes)
    noise = np.random.default_rng(0).integers(0, 256, (144, 256, 3), np.uint8)
    small -= min(small.min(), 0)
    offset = small[0, 0] - plane(1, 1, *slopes)[0, 0]
    wanted = (plane(144, 256, *slopes, 4) + offset)[8:-8, 8:-8]
    for found in (enlarged_inverse_depth(small, (144, 256)), upsampled_inverse_depth(small, noise)):
        np.testing.assert_allclose(found[8:-8, 8:-8], wanted, rtol=1e-4, atol=1e-4)


def pictured(mask: np.ndarray, seed: int) -> np.ndarray:
    """A textured thing before a textured wall, as a lens shows them."""
    rng = np.random.default_rng(seed)
    colours = np.where(mask[..., None], (190.0, 110.0, 70.0), (90.0, 120.0, 140.0))
    texture = cv2.GaussianBlur(rng.normal(0, 40, (*mask.shape, 3)), (0, 0), 1.5)
    return np.clip(cv2.GaussianBlur(colours, (0, 0), 0.6) + texture, 0, 255).astype(np.uint8)


@pytest.mark.parametrize("off", [(0.0, 0.0), (0.7, -0.7), (-1.0, 0.0), (0.3, 0.9)])
def test_edges_come_back_to_where_the_picture_has_them(off) -> None:
    """The small depth's edge is wrong by up to one of its pixels, which is four of the picture."""
    truth = disc(144, 256, 118, 70, 38)
    small = two(disc(36, 64, 118 / 4 + off[0], 70 / 4 + off[1], 38 / 4))
    found = upsampled_inverse_depth(small, pictured(truth, 1))
    plain = cv2.resize(small, (256, 144), interpolation=cv2.INTER_LINEAR)
    assert np.minimum(np.abs(found / NEAR - 1), np.abs(found / FAR - 1)).max() < 2 * STEP
    wrong = np.abs(found - two(truth)) > 0.1 * (NEAR - FAR)
    wrong_before = np.abs(plain - two(truth)) > 0.1 * (NEAR - FAR)
    assert wrong_before.sum() > 900
    assert wrong.sum() < 0.01 * wrong_before.sum()


def test_slanted_surfaces_keep_their_slopes_beside_an_edge() -> None:
    small = disc(36, 64, 118 / 4 + 0.7, 70 / 4 - 0.7, 38 / 4)
    slopes = (0.002, 0.001), (-0.003, 0.002)
    back, front = plane(36, 64, *slopes[0]), plane(36, 64, *slopes[1]) + np.float32(0.9)
    picture = pictured(disc(144, 256, 118, 70, 38), 1)
    found = upsampled_inverse_depth(np.where(small, front, back), picture)
    back, front = plane(144, 256, *slopes[0], 4), plane(144, 256, *slopes[1], 4) + 0.9
    assert np.minimum(np.abs(found - back), np.abs(found - front)).max() < 2 * 0.005


def test_a_depth_that_is_right_already_stays_right() -> None:
    truth = disc(144, 256, 118, 70, 38)
    assert np.array_equal(upsampled_inverse_depth(two(truth), pictured(truth, 1)), two(truth))


@pytest.mark.parametrize("size", [(36, 64), (50, 90), (97, 171), (144, 256)])
def test_the_result_has_the_pictures_size_whatever_it_was_before(size) -> None:
    truth = disc(144, 256, 118, 70, 38)
    scale = (size[1] / 256, size[0] / 144)
    small = two(cv2.resize(truth.view(np.uint8), size[::-1], interpolation=cv2.INTER_NEAREST) > 0)
    assert np.isclose(scale[0], scale[1], rtol=0.03)
    found = upsampled_inverse_depth(small, pictured(truth, 2))
    assert found.shape == truth.shape
    assert ((found > 0.5) != truth).mean() < 0.002


def test_a_rim_of_uneven_rows_becomes_even() -> None:
    mask = np.zeros((40, 60), bool)
    mask[8:32, 15:45] = True
    uneven = two(mask)
    rows = np.random.default_rng(3).uniform(0.995, 1.005, 40).astype(np.float32)
    uneven[:, 15:17] = np.where(mask[:, 15:17], uneven[:, 15:17] * rows[:, None], FAR)
    assert np.ptp(uneven[8:32, 15]) > 0.005
    even = with_even_rims(uneven)
    assert np.array_equal(even[11:29], two(mask)[11:29])  # corners are nearer to the wall
    assert (np.abs(even - two(mask)) <= np.abs(uneven - two(mask))).all()


@pytest.mark.parametrize("wide", [1, 2, 3, 4, 8])
def test_a_thin_bar_stays(wide) -> None:
    mask = np.zeros((40, 60), bool)
    mask[:, 28 : 28 + wide] = True
    assert np.array_equal(with_even_rims(two(mask)), two(mask))


def test_what_has_no_rims_is_left_as_it_is() -> None:
    slope = plane(20, 30, 0.02, 0.01)
    assert with_even_rims(slope) is slope
