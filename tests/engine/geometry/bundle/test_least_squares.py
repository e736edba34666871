from dataclasses import dataclass

import numpy as np
import pytest

from engine.geometry.bundle.least_squares import DescentConfig, Normal, minimise


@dataclass(frozen=True)
class Valley:
    """Rosenbrock's: residuals (10 (y − x²), 1 − x)."""

    def linearised(self, state: np.ndarray) -> Normal[None]:
        x, y = state
        r = np.array([10 * (y - x * x), 1 - x])
        J = np.array([[-20 * x, 10.0], [-1.0, 0.0]])
        return Normal(float(r @ r), J.T @ J, J.T @ r, None)

    def moved(self, state: np.ndarray, normal: Normal[None], step: np.ndarray) -> np.ndarray:
        return state + step


@pytest.mark.parametrize("start", [(-1.2, 1.0), (3.0, -4.0), (0.0, 0.0)])
def test_the_bottom_of_a_bent_valley_is_found(start):
    config = DescentConfig(iterations=200, least_gain=1e-14)
    found, cost = minimise(Valley(), np.array(start), config)
    assert found == pytest.approx([1.0, 1.0], abs=1e-5)
    assert cost < 1e-9


def test_the_cost_never_rises():
    start = np.array([-1.2, 1.0])
    costs = [minimise(Valley(), start, DescentConfig(iterations=n))[1] for n in range(0, 12, 2)]
    assert costs == sorted(costs, reverse=True)
    assert costs[0] == Valley().linearised(start).cost
    assert costs[-1] < 0.5 * costs[0]
