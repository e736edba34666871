"""Levenberg–Marquardt for problems that bring their own normal equations."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

import numpy as np

from engine.geometry.cameras import Array

S = TypeVar("S")
B = TypeVar("B")


@dataclass(frozen=True)
class Normal(Generic[B]):
    """A problem linearised at one state.

    Attributes:
        cost: the (robust) sum that is minimised, at the state.
        H: (P, P), Jᵀ W J.
        g: (P,), Jᵀ W r.
        rest: what the problem needs to turn a step back into a state.
    """

    cost: float
    H: Array
    g: Array
    rest: B


class Problem(Protocol[S, B]):
    """What `minimise` asks of a problem."""

    def linearised(self, state: S) -> Normal[B]:
        """Cost and normal equations at a state."""
        ...

    def moved(self, state: S, normal: Normal[B], step: Array) -> S:
        """The state after a step (P,)."""
        ...


@dataclass(frozen=True)
class DescentConfig:
    """Attributes:
    iterations: accepted steps, at most.
    least_gain: relative fall of the cost under which the descent ends.
    damping: at the start.
    """

    iterations: int = 40
    least_gain: float = 1e-7
    damping: float = 1e-4


#: Dampings that are tried for one step.
_TRIES = 6
#: Keeps directions that nothing decides where they are.
_FLOOR = 1e-12


def minimise(
    problem: Problem[S, B], state: S, config: DescentConfig = DescentConfig()
) -> tuple[S, float]:
    """The state at which the cost stops falling, and that cost (Marquardt 1963)."""
    damping, normal = config.damping, problem.linearised(state)
    for _ in range(config.iterations):
        least = config.least_gain * normal.cost
        for _ in range(_TRIES):
            step = _step(normal, damping)
            # The fall of the cost that the linearised problem promises, for a cost with slope 2 g.
            if -float(normal.g @ step) <= least:
                return state, normal.cost
            candidate = problem.moved(state, normal, step)
            there = problem.linearised(candidate)
            if there.cost < normal.cost:
                break
            damping *= 10.0
        else:
            break
        gained = normal.cost - there.cost
        state, normal, damping = candidate, there, max(damping / 10.0, 1e-9)
        if gained <= least:
            break
    return state, normal.cost


def _step(normal: Normal[B], damping: float) -> Array:
    slope = np.diag(normal.H)
    floor = _FLOOR * max(float(slope.max(initial=0.0)), 1.0)
    step = np.linalg.solve(normal.H + np.diag(damping * slope + floor), -normal.g)
    return np.asarray(step, dtype=np.float64)


def cauchy_weights(squared: Array) -> Array:
    """Weights of squared residuals in units of their spread: outliers pull less and less."""
    weights: Array = 1.0 / (1.0 + squared)
    return weights


def cauchy_cost(squared: Array) -> Array:
    """The loss that `cauchy_weights` descend, log(1 + r²)."""
    cost: Array = np.log1p(squared)
    return cost
