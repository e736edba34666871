"""A sheet through what is known, against closed forms."""

from __future__ import annotations

import numpy as np
import pytest

from explorer.walk.membrane import membrane

SIZES = [(1, 1), (1, 7), (64, 64), (45, 80), (37, 101)]


def ring(height: int, width: int, margin: int = 3) -> np.ndarray:
    """1 in a ring one pixel wide."""
    weight = np.zeros((height, width), np.float32)
    weight[margin:-margin, margin:-margin] = 1.0
    weight[margin + 1 : -margin - 1, margin + 1 : -margin - 1] = 0.0
    return weight


@pytest.mark.parametrize("size", SIZES)
def test_constant_in_constant_out(size) -> None:
    rng = np.random.default_rng(0)
    weight = (rng.random(size) * (rng.random(size) < 0.1)).astype(np.float32)
    weight[rng.integers(size[0]), rng.integers(size[1])] = 1.0
    values = np.array([3.0, -7.0, 0.5], np.float32)
    found = membrane(values * weight[..., None], weight)
    np.testing.assert_allclose(found, np.broadcast_to(values, found.shape), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("size", SIZES)
def test_where_nothing_is_known_it_is_0(size) -> None:
    nothing = np.zeros(size, np.float32)
    assert not membrane(nothing[..., None], nothing).any()


def test_what_is_known_stays() -> None:
    values = np.random.default_rng(1).normal(size=(40, 60, 2)).astype(np.float32)
    weight = (np.random.default_rng(2).random((40, 60)) < 0.3).astype(np.float32)
    found = membrane(values * weight[..., None], weight)
    np.testing.assert_allclose(found[weight > 0], values[weight > 0], atol=1e-6)


def test_between_the_sides_of_a_ring_it_goes_on_evenly() -> None:
    weight = ring(70, 90)
    across = np.broadcast_to(np.linspace(-1, 1, 90, dtype=np.float32), (70, 90))[..., None]
    found = membrane(across * weight[..., None], weight)
    inside = found[6:-6, 6:-6, 0]
    assert np.abs(inside).max() <= 1.0
    assert np.abs(inside - across[6:-6, 6:-6, 0]).mean() < 0.15
    rows = inside.mean(axis=0)
    assert (np.diff(rows) > -0.01).all()
    np.testing.assert_allclose(rows, -rows[::-1], atol=0.1)


def test_nothing_goes_beyond_what_is_known() -> None:
    rng = np.random.default_rng(3)
    weight = (rng.random((50, 70)) < 0.02).astype(np.float32)
    values = rng.uniform(-4, 9, (50, 70, 1)).astype(np.float32)
    found = membrane(values * weight[..., None], weight)
    known = values[weight > 0]
    assert found.min() >= known.min() - 1e-4
    assert found.max() <= known.max() + 1e-4
