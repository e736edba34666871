"""Chamfer distance in closed form and against scipy."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.spatial import cKDTree

from engine.geometry.cloud_metrics import chamfer_distance


def cloud(count: int, seed: int) -> torch.Tensor:
    return torch.rand(count, 3, generator=torch.Generator().manual_seed(seed))


def test_a_cloud_is_no_distance_from_itself_in_any_order():
    a = cloud(3000, 0)
    assert chamfer_distance(a, a.flip(0)) == pytest.approx(0, abs=1e-3)


def test_two_points():
    a, b = torch.tensor([[0.0, 0, 0]]), torch.tensor([[0.0, 3, 4], [0.0, 0, 1]])
    assert chamfer_distance(a, b) == pytest.approx(0.5 * (1 + (5 + 1) / 2))
    assert chamfer_distance(b, a) == chamfer_distance(a, b)


def test_against_a_tree():
    a, b = cloud(2500, 1).numpy(), cloud(3100, 2).numpy()
    expected = 0.5 * (cKDTree(b).query(a)[0].mean() + cKDTree(a).query(b)[0].mean())
    assert chamfer_distance(torch.tensor(a), torch.tensor(b)) == pytest.approx(expected, rel=1e-3)
    assert np.isfinite(expected)


@pytest.mark.parametrize("bad", [torch.zeros(0, 3), torch.zeros(4, 2), torch.zeros(3)])
def test_what_is_no_cloud_is_refused(bad):
    with pytest.raises(ValueError, match="a cloud must be"):
        chamfer_distance(bad, torch.zeros(2, 3))
