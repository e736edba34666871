"""The guided filter: smooth inside, sharp at the guide's edges."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from engine.geometry import guided_filter as module

Array = NDArray[np.float32]


def guided_filter(picture: Array, guide: Array, radius: int, tolerance: float) -> Array:
    tensors = (torch.from_numpy(np.ascontiguousarray(x)) for x in (picture, guide))
    return module.guided_filter(*tensors, radius, tolerance).numpy()


def test_steps_without_an_edge_in_the_guide_are_smoothed() -> None:
    picture = np.zeros((40, 60), np.float32)
    picture[:, 30:] = 1
    guide = np.full((40, 60, 3), 0.5, np.float32)
    smooth = guided_filter(picture, guide, 6, 0.01)
    assert np.abs(np.diff(smooth, axis=1)).max() < 0.15


def test_steps_at_an_edge_of_the_guide_stay() -> None:
    picture = np.zeros((40, 60), np.float32)
    picture[:, 30:] = 1
    guide = np.zeros((40, 60, 3), np.float32)
    guide[:, 30:, 1] = 0.9
    noisy = picture + np.random.default_rng(0).normal(0, 0.1, picture.shape).astype(np.float32)
    smooth = guided_filter(noisy, guide, 6, 1e-3)
    assert (smooth[:, 30] - smooth[:, 29]).min() > 0.8
    assert np.abs(smooth - picture).mean() < 0.3 * np.abs(noisy - picture).mean()


def test_a_linear_function_of_the_guide_is_kept() -> None:
    guide = np.random.default_rng(1).random((30, 30, 3)).astype(np.float32)
    picture = guide @ np.array([0.5, -0.2, 0.3], np.float32) + 0.1
    np.testing.assert_allclose(guided_filter(picture, guide, 5, 1e-8), picture, atol=1e-3)


def test_guides_must_fit() -> None:
    with pytest.raises(ValueError, match="does not fit"):
        guided_filter(np.zeros((4, 5), np.float32), np.zeros((5, 4, 3), np.float32), 2, 0.1)
