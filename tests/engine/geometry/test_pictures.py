import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from engine.geometry.pictures import (
    SKY_RATIO,
    depth_to_picture,
    median_depth,
    picture_to_depth,
    picture_to_points,
    points_to_picture,
)

scales = st.floats(1e-3, 1e3)


def test_sigma_is_the_median_of_what_is_known():
    depth = torch.tensor([[1.0, 2.0, 9.0], [math.inf, math.nan, 0.0]])
    assert median_depth(depth) == 2.0
    assert median_depth(torch.full((2, 2), math.inf)) == 1.0


@given(ratio=st.floats(0.002, 0.99 * SKY_RATIO), scale=scales)
def test_depth_comes_back(ratio, scale):
    depth = torch.tensor([ratio * scale], dtype=torch.float64)
    again = picture_to_depth(depth_to_picture(depth, scale), scale)
    assert again.item() == pytest.approx(depth.item(), rel=1e-9)


def test_depth_pictures_are_bounded_and_fall_with_depth():
    depth = torch.tensor([0.0, 0.1, 1.0, 5.0, 1e9, math.inf])
    picture = depth_to_picture(depth, 1.0)
    assert picture[0] == 1.0
    assert picture[2] == 0.0
    assert picture[-1] == -1.0
    assert (picture.diff() <= 0).all()


def test_sky_stays_sky_and_unknown_stays_unknown():
    picture = depth_to_picture(torch.tensor([math.inf, math.nan]), 2.0)
    again = picture_to_depth(picture, 2.0)
    assert again[0] == math.inf
    assert torch.isnan(again[1])


@given(x=st.floats(-1e3, 1e3), scale=scales)
def test_points_come_back(x, scale):
    point = torch.tensor([x * scale], dtype=torch.float64)
    again = picture_to_points(points_to_picture(point, scale), scale)
    assert again.item() == pytest.approx(point.item(), rel=1e-6, abs=1e-9)


def test_points_at_infinity_are_the_bounds():
    picture = points_to_picture(torch.tensor([-math.inf, 0.0, math.inf]), 1.0)
    assert picture.tolist() == [-1.0, 0.0, 1.0]
