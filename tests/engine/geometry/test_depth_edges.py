"""Speckle goes, soft edges become steps where they were steepest, and slopes stay slopes."""

import numpy as np
import pytest
import torch

from engine.geometry import depth_edges
from engine.geometry.depth_edges import EdgeConfig, without_specks


def clean_depth_picture(picture):
    return depth_edges.clean_depth_picture(torch.tensor(picture)).numpy()


def soft_edge(height=24, width=40, at=20.0, softness=1.5):
    x = np.arange(width) + 0.5
    profile = np.tanh((x - at) / softness).astype(np.float32) * 0.5
    return np.tile(profile, (height, 1))


def test_a_soft_edge_becomes_a_step_at_its_steepest_place():
    found = clean_depth_picture(soft_edge())
    between = np.abs(found) < 0.45
    assert np.abs(soft_edge() < 0.45).sum() > 0
    assert between.sum(axis=1).max() <= 1
    np.testing.assert_array_equal(found[:, :19] < 0, True)
    np.testing.assert_array_equal(found[:, 21:] > 0, True)


def test_a_ramp_stays_a_ramp():
    ramp = np.linspace(-1, 1, 144, dtype=np.float32)[:, None] * np.ones((1, 60), np.float32)
    found = clean_depth_picture(ramp)
    np.testing.assert_allclose(found[4:-4], ramp[4:-4], atol=1e-6)


def test_speckle_vanishes_and_the_edge_stays():
    chance = np.random.default_rng(3)
    picture = np.where(np.arange(60) < 30, -0.5, 0.5).astype(np.float32) * np.ones((40, 1))
    speckled = np.where(chance.random((40, 60)) < 0.15, 0.0, picture).astype(np.float32)
    found = clean_depth_picture(speckled)
    away = np.abs(np.arange(60) - 29.5) > 3
    np.testing.assert_allclose(found[3:-3, away], picture[3:-3, away], atol=1e-6)
    assert (np.abs(found - picture) < 1e-6).mean() > 0.97


def test_nothing_beyond_the_picture_is_made_up():
    picture = np.random.default_rng(0).normal(size=(30, 30)).astype(np.float32)
    found = depth_edges.with_steep_edges(torch.tensor(picture), EdgeConfig(step=1e-3)).numpy()
    nearest = np.abs(found.reshape(-1, 1) - picture.reshape(1, -1)).min(axis=1)
    assert nearest.max() < 1e-5


def test_even_windows_are_refused():
    with pytest.raises(ValueError, match="odd"):
        EdgeConfig(window=4)


def test_specks_of_sky_and_clouds_go_and_things_stay() -> None:
    """A pole on the ground, a branch from the rim and openings stay; a cloud and a splinter go."""
    picture = torch.full((100, 100), -0.9999999)  # as resampling leaves it
    picture[60:] = 0.2  # the ground
    picture[20:60, 50] = 0.3  # a pole, 40 pixels
    picture[5, 80:] = 0.1  # a branch, 20 pixels
    cloud = picture.clone()
    cloud[30:38, 10:18] = -0.4  # 64 of 10,000
    cloud[80:82, 40:43] = -1.0  # 6
    assert torch.equal(without_specks(cloud), torch.where(cloud == -0.4, -1.0, picture))
    opening = picture.clone()
    opening[70:, 20:30] = -1.0  # to the rim
    opening[65:95, 50:80] = -1.0  # 900
    assert torch.equal(without_specks(opening), opening)
    room = torch.rand(20, 30, generator=torch.Generator().manual_seed(0))
    assert torch.equal(without_specks(room), room)


def test_a_pane_lies_in_its_slanted_wall() -> None:
    """What a window shows is on its wall, whichever part of it was taken for sky."""
    rows, columns = torch.meshgrid(torch.arange(60.0), torch.arange(80.0), indexing="ij")
    wall = -0.6 + 0.01 * columns + 0.002 * rows
    window = wall.clone()
    window[20:36, 30:46] = -1.0  # 256 of 4,800
    window[20:36, 38] = wall[20:36, 38]  # a bar
    np.testing.assert_allclose(without_specks(window), wall, atol=0.02)
