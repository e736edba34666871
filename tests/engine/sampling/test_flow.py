"""Flow sampling: the schedule, exactness where the answer is known, stopping between steps."""

from __future__ import annotations

from itertools import pairwise

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from engine.model.kinds import Kind
from engine.sampling.flow import FlowConfig, Step, finish, levels, standard_noise
from engine.sampling.joint import JointSampling, Target, draw_pictures


@given(st.integers(1, 64), st.floats(0.5, 4.0))
def test_levels_fall_from_one_to_zero(steps: int, shift: float) -> None:
    schedule = levels(FlowConfig(steps, shift))
    assert len(schedule) == steps + 1
    assert schedule[0] == 1.0
    assert schedule[-1] == 0.0
    assert all(a > b for a, b in pairwise(schedule))


def drawn(predict, shape: tuple[int, ...], sampling: JointSampling, seed: int = 1):
    """One picture by `predict(noisy, level)`."""

    def together(pictures):
        (picture,) = pictures
        return [predict(picture.content, float(picture.level))]

    generator = torch.Generator().manual_seed(seed)
    target = Target(Kind.RGB, 0, shape)
    return draw_pictures(together, [target], sampling, generator, torch.device("cpu"))


@pytest.mark.parametrize("steps", [1, 2, 8])
def test_a_network_that_knows_the_answer_gives_it(steps: int) -> None:
    clean = torch.randn(1, 4, 2, 2, generator=torch.Generator().manual_seed(0))
    noise = torch.randn(1, 4, 2, 2, generator=torch.Generator().manual_seed(1))
    seen = []

    def predict(noisy: torch.Tensor, level: float) -> torch.Tensor:
        torch.testing.assert_close(noisy, (1 - level) * clean + level * noise)
        seen.append(level)
        return clean

    (answer,) = finish(drawn(predict, (1, 4, 2, 2), JointSampling(steps)))
    torch.testing.assert_close(answer, clean)
    assert len(seen) == steps


def test_a_gaussian_keeps_its_spread() -> None:
    """For data N(0, s²) the best prediction is known; enough steps must give N(0, s²) back."""
    spread = 0.5

    def predict(noisy: torch.Tensor, level: float) -> torch.Tensor:
        signal = (1 - level) * spread**2
        return noisy * signal / ((1 - level) * signal + level**2)

    (found,) = finish(drawn(predict, (1, 1, 300, 334), JointSampling(64, shift=1.0)))
    assert found.std() == pytest.approx(spread, rel=0.03)


def test_a_caller_may_stop_between_steps() -> None:
    passes = []
    drawing = drawn(
        lambda noisy, level: passes.append(level) or noisy, (1, 1, 2, 2), JointSampling(8)
    )
    assert next(drawing) == Step("RGB", 1, 8)
    assert next(drawing) == Step("RGB", 2, 8)
    drawing.close()
    assert len(passes) == 2


@pytest.mark.parametrize("steps", [0, 65])
def test_impossible_steps_are_refused(steps: int) -> None:
    with pytest.raises(ValueError, match="1 to 64"):
        FlowConfig(steps)


def test_noise_is_its_generators() -> None:
    like = torch.zeros(1)
    a, b = (standard_noise((3, 2), torch.Generator().manual_seed(5), like) for _ in range(2))
    torch.testing.assert_close(a, b)
