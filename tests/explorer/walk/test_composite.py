"""The final picture keeps the memory's detail, has no seams, and does not drift."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from engine.geometry.rendering import warp_views
from explorer.walk import composite as module
from explorer.walk import matching

Array = NDArray[np.float32]
H, W = 144, 256


def on_arrays(function: Callable[..., torch.Tensor]) -> Callable[..., Array]:
    def asked(*pictures: Array, **more: Array) -> Array:
        tensors = [torch.tensor(x, dtype=torch.float32) for x in pictures]
        named = {name: torch.tensor(x) for name, x in more.items()}
        return function(*tensors, **named).numpy()

    return asked


composite, certainty = on_arrays(module.composite), on_arrays(module.certainty)
matched_colours = on_arrays(module.matched_colours)
matched_field = on_arrays(matching.matched_field)


@pytest.fixture
def picture(room, start) -> Array:
    return room.look(start, H, W)[0]


@pytest.fixture
def hole() -> Array:
    coverage = np.ones((H, W), np.float32)
    coverage[40:100, 110:170] = 0.0
    coverage[:, 230:] = 0.0
    return coverage


def _outside(coverage: Array, distance: int) -> NDArray[np.bool_]:
    """Certain pixels at least that far from any hole."""
    covered = (coverage > 0.5).astype(np.uint8)
    return cv2.distanceTransform(covered, cv2.DIST_L2, 5) >= distance


def _seam_step(picture: Array, coverage: Array) -> float:
    """Mean colour step across the outline of the holes, beyond the mean step elsewhere."""
    inside = coverage > 0.5
    across = inside[:, 1:] != inside[:, :-1]
    step = np.abs(np.diff(picture, axis=1)).mean(-1)
    return float(step[across].mean() - step[~across].mean())


def test_everything_known_is_kept(picture: Array) -> None:
    drawn = np.clip(picture * 0.7, 0, 1)
    out = composite(drawn, picture, np.ones((H, W), np.float32))
    assert np.abs(out - picture).max() < 1e-5


def test_nothing_known_leaves_the_models_picture(picture: Array) -> None:
    out = composite(picture, np.zeros_like(picture), np.zeros((H, W), np.float32))
    assert (out == picture).all()


def test_what_lies_in_holes_of_the_known_picture_does_not_matter(
    picture: Array, hole: Array
) -> None:
    black, white = (np.where(hole[..., None] > 0, picture, value) for value in (0.0, 1.0))
    drawn = picture * np.float32(0.9)
    difference = composite(drawn, black, hole) - composite(drawn, white, hole)
    assert np.abs(difference).max() < 1e-4


@pytest.mark.parametrize("seed", range(3))
def test_exposure_and_tint_are_matched_into_the_holes(
    picture: Array, hole: Array, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    gain = rng.uniform(0.75, 1.1, 3).astype(np.float32)
    slope = np.linspace(1.0, rng.uniform(0.85, 1.1), W, dtype=np.float32)[None, :, None]
    drawn = np.clip(picture * gain * slope, 0, 1)
    out = composite(drawn, picture * hole[..., None], hole)
    empty = hole == 0
    before, after = (np.abs(x - picture)[empty].mean() for x in (drawn, out))
    assert after < 0.35 * before
    assert after < 0.03
    far = _outside(hole, 12)
    assert np.abs(out - picture)[far].max() < 0.02
    naive = np.where(hole[..., None] > 0, picture, drawn)
    assert _seam_step(out, hole) < 0.25 * _seam_step(naive, hole)


def test_a_moved_outline_does_not_smear_its_colour_into_the_hole(
    picture: Array, hole: Array
) -> None:
    """Where the two disagree about content, not tone, the hole keeps the model's colours."""
    known = picture.copy()
    known[60:90, 100:110] = (0.0, 0.0, 1.0)  # something blue at the rim that the model lacks
    out = composite(picture, known * hole[..., None], hole)
    inner = np.s_[65:85, 116:164]
    assert np.abs(out[inner] - picture[inner]).mean() < 0.02


def test_repeated_use_neither_darkens_nor_sharpens(room, start) -> None:
    """Views drawn one from the other by a model that darkens and over-sharpens a little."""
    rgb, _ = room.look(start, H, W)
    hole = np.ones((H, W), np.float32)
    hole[30:110, 90:190] = 0.0
    known = rgb.copy()
    energies = []
    for _ in range(25):
        soft = cv2.GaussianBlur(known, (0, 0), 1.5)
        drawn = np.clip((known + 0.15 * (known - soft)) * 0.97, 0, 1).astype(np.float32)
        known = composite(drawn, known, hole)
        energies.append(float(np.abs(np.diff(known, axis=1))[hole[:, 1:] > 0].mean()))
    covered = hole > 0
    assert abs(known[covered].mean() - rgb[covered].mean()) < 0.003
    assert abs(known[~covered].mean() - rgb[~covered].mean()) < 0.03
    assert energies[-1] == pytest.approx(energies[0], rel=0.03)


def test_certainty_ends_before_holes_but_reaches_the_border(hole: Array) -> None:
    trust = certainty(hole)
    deep = cv2.distanceTransform((hole == 0).astype(np.uint8), cv2.DIST_L2, 5) > 2
    assert (trust[deep] == 0).all()
    assert (trust[hole == 0] == 0).mean() > 0.99
    assert (trust[_outside(hole, 5)] > 0.99).all()
    assert trust[0, 0] == 1.0
    assert trust[70, 109] < 0.5
    assert (certainty(np.full((H, W), 0.25, np.float32)) == 0).all()


def test_cracks_and_pinholes_do_not_cost_the_picture(picture: Array) -> None:
    """Noisy depth leaves a net of thin gaps; the memory's picture shows across them."""
    rng = np.random.default_rng(0)
    coverage = (rng.random((H, W)) > 0.15).astype(np.float32)
    coverage[::12], coverage[:, ::16], coverage[40:70, 60:100] = 0.0, 0.0, 0.0
    drawn = np.full_like(picture, 0.5)
    out = composite(drawn, picture * coverage[..., None], coverage)
    far = np.ones((H, W), bool)
    far[30:80, 50:110] = False
    assert certainty(coverage)[far].mean() > 0.9
    assert np.abs(out - picture)[far].mean() < 0.025
    assert np.abs(out - drawn)[48:62, 70:90].mean() < np.abs(picture - drawn)[48:62, 70:90].mean()


def test_fine_detail_comes_from_the_model_where_discs_are_large(picture: Array) -> None:
    """Close up, the memory knows tones but no detail."""
    known = cv2.GaussianBlur(picture, (0, 0), 4)
    ones = np.ones((H, W), np.float32)
    out = composite(picture * 0.9, known, ones, footprint=8 * ones)
    assert np.abs(out - picture).mean() < 0.6 * np.abs(known - picture).mean()
    kept = composite(picture * 0.9, known, ones, footprint=ones)
    assert np.abs(kept - known).max() < 1e-4


def test_on_a_real_warp(room, start) -> None:
    """The photo seen from the side, with holes behind the box, against the truth."""
    rgb, depth = room.look(start, H, W)
    T = np.eye(4)
    T[:3, 3] = (0.35, 0.0, 0.3)
    camera = start.moved(T)
    truth, _ = room.look(camera, H, W)
    seen = warp_views(torch.tensor(rgb[None]), torch.tensor(depth[None]), [start], camera, H, W)
    coverage = seen.coverage.numpy()
    drawn = cv2.GaussianBlur(truth, (0, 0), 1.0) * np.float32(0.85)
    out = composite(drawn, seen.rgb.numpy(), coverage, seen.footprint.numpy())
    assert (coverage < 0.5).mean() > 0.03
    error = np.abs(out - truth).mean(-1)
    assert error[coverage < 0.5].mean() < 0.5 * np.abs(drawn - truth)[coverage < 0.5].mean()
    assert error.mean() < 0.03


def test_matched_field_is_constant_where_nothing_speaks_against_it() -> None:
    weight = np.zeros((H, W), np.float32)
    weight[:, :60] = 1.0
    difference = np.full((H, W, 1), 0.1, np.float32)
    field = matched_field(difference, weight, np.full((H, W), 0.5, np.float32))
    assert np.abs(field - 0.1).max() < 1e-3
    assert (matched_field(difference, 0 * weight, weight) == 0).all()


def test_matched_field_follows_the_guide_into_the_hole() -> None:
    guide = np.tile((np.arange(H) // 24 % 2).astype(np.float32)[:, None], (1, W))
    difference = np.where(guide > 0, 0.1, -0.05).astype(np.float32)[..., None]
    weight = np.ones((H, W), np.float32)
    weight[:, 100:150] = 0.0
    field = matched_field(difference, weight, guide)
    assert np.abs(field - difference).max() < 0.03
    assert np.abs(field - difference).mean() < 0.01


def test_matched_colours_stay_in_range(picture: Array) -> None:
    out = matched_colours(picture, np.ones_like(picture), np.ones((H, W), np.float32))
    assert out.min() >= 0
    assert out.max() <= 1
