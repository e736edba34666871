"""Joint sampling against distributions whose best prediction is known in closed form."""

from __future__ import annotations

import pytest
import torch

from engine.model.kinds import Kind
from engine.sampling.flow import finish
from engine.sampling.joint import JointSampling, Target, draw_pictures

CPU = torch.device("cpu")
SHAPE = (1, 2, 4, 6)  # 2×3 patches
SEEN = torch.tensor([True, False, False, True, False, True])


def noise(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def gaussian(mean: float, deviation: float):
    """The best prediction of N(mean, deviation²), level by level, patch by patch."""
    calls = []

    def predict(pictures):
        calls.append(pictures)
        answers = []
        for picture in pictures:
            level = (
                picture.level[:, None].expand(-1, 6) if picture.level.ndim == 1 else picture.level
            )
            wide = level.view(1, 1, 2, 3).repeat_interleave(2, 2).repeat_interleave(2, 3)
            total = (1 - wide) ** 2 * deviation**2 + wide**2
            gain = (1 - wide) * deviation**2 / total
            answers.append(mean + gain * (picture.content - (1 - wide) * mean))
        return answers

    return predict, calls


def draw(config: JointSampling, target: Target, predict, seed: int = 0):
    return finish(draw_pictures(predict, [target], config, noise(seed), CPU))[0]


def test_without_anything_seen_it_is_the_usual_flow():
    predict, calls = gaussian(0.3, 0.0)
    drawn = draw(JointSampling(steps=3), Target(Kind.RGB, 0, SHAPE), predict)
    torch.testing.assert_close(drawn, torch.full(SHAPE, 0.3))
    assert len(calls) == 3


def test_many_steps_draw_the_distribution():
    predict, _ = gaussian(0.5, 0.4)
    values = torch.cat(
        [
            draw(JointSampling(steps=32), Target(Kind.RGB, 0, SHAPE), predict, seed).flatten()
            for seed in range(60)
        ]
    )
    assert abs(float(values.mean()) - 0.5) < 0.03
    assert abs(float(values.std()) - 0.4) < 0.04


def test_langevin_steps_keep_the_distribution():
    predict, calls = gaussian(0.5, 0.4)
    config = JointSampling(steps=32, corrections=1)
    values = torch.cat(
        [draw(config, Target(Kind.RGB, 0, SHAPE), predict, seed).flatten() for seed in range(60)]
    )
    assert abs(float(values.mean()) - 0.5) < 0.03
    assert abs(float(values.std()) - 0.4) < 0.05
    assert len(calls) == 60 * (32 + 31)


def test_langevin_steps_repair_a_start_at_the_wrong_place():
    """Few steps whose predictions are pulled aside: corrections bring the mean nearer."""
    right, _ = gaussian(0.0, 1.0)

    def off_at_first(pictures):
        bias = 0.8 if float(pictures[0].level.max()) > 0.9 else 0.0
        return [answer + bias for answer in right(pictures)]

    def error(corrections: int) -> float:
        config = JointSampling(steps=4, corrections=corrections, correction_strength=0.3)
        drawn = [draw(config, Target(Kind.RGB, 0, SHAPE), off_at_first, s) for s in range(60)]
        return abs(float(torch.stack(drawn).mean()))

    assert error(8) < 0.6 * error(0)


def shown() -> torch.Tensor:
    return torch.linspace(-1, 1, 48).view(SHAPE)


def wide(seen: torch.Tensor) -> torch.Tensor:
    mask = seen.view(1, 1, 2, 3).repeat_interleave(2, 2).repeat_interleave(2, 3)
    return mask.expand(SHAPE)


def test_trusted_patches_come_out_as_they_were_shown():
    predict, calls = gaussian(0.3, 0.0)
    target = Target(Kind.RGB, 0, SHAPE, shown=shown(), seen=SEEN)
    drawn = draw(JointSampling(steps=3), target, predict)
    assert torch.equal(drawn[wide(SEEN)], shown()[wide(SEEN)])
    torch.testing.assert_close(drawn[~wide(SEEN)], torch.full_like(drawn[~wide(SEEN)], 0.3))
    for pictures in calls:
        assert (pictures[0].level[0][SEEN] == 0).all()
        assert (pictures[0].level[0][~SEEN] > 0).all()


def test_distrusted_patches_are_drawn_anew_below_the_threshold():
    predict, calls = gaussian(0.3, 0.0)
    target = Target(Kind.RGB, 0, SHAPE, shown=shown(), seen=SEEN, trusted_until=0.7)
    drawn = draw(JointSampling(steps=4), target, predict)
    torch.testing.assert_close(drawn, torch.full(SHAPE, 0.3))
    levels = [pictures[0].level for pictures in calls]
    assert levels[0].ndim == 2  # 1.0: still shown
    assert levels[-1].ndim == 1  # one level for all


def test_distrusted_patches_start_from_what_was_shown():
    """At the threshold they are noised to the level, not replaced by noise."""
    predict, calls = gaussian(0.0, 1.0)
    big = shown() * 0 + 10.0
    target = Target(Kind.RGB, 0, SHAPE, shown=big, seen=SEEN, trusted_until=0.9)
    draw(JointSampling(steps=4), target, predict)
    first = next(p[0] for p in calls if p[0].level.ndim == 1)
    level = float(first.level)
    expected = (1 - level) * 10.0
    assert abs(float(first.content[wide(SEEN)].mean()) - expected) < 1.0


def test_replacement_shows_one_level_and_ends_with_what_is_seen():
    predict, calls = gaussian(0.3, 0.5)
    target = Target(Kind.RGB, 0, SHAPE, shown=shown(), seen=SEEN)
    drawn = draw(JointSampling(steps=3, replace=True), target, predict)
    assert all(pictures[0].level.ndim == 1 for pictures in calls)
    assert torch.equal(drawn[wide(SEEN)], shown()[wide(SEEN)])


def test_steps_are_told_one_by_one():
    predict, _ = gaussian(0.0, 1.0)
    config = JointSampling(steps=3, corrections=2)
    targets = [Target(Kind.RGB, 0, SHAPE), Target(Kind.DEPTH, 0, SHAPE)]
    steps = list(draw_pictures(predict, targets, config, noise(), CPU))
    assert [step.index for step in steps] == list(range(1, 8))
    assert {step.total for step in steps} == {7}
    assert steps[0].picture == "RGB + DEPTH"


def test_the_same_noise_draws_the_same_picture():
    predict, _ = gaussian(0.1, 0.6)
    target = Target(Kind.RGB, 0, SHAPE, shown=shown(), seen=SEEN, trusted_until=0.5)
    config = JointSampling(steps=5, corrections=1)
    assert torch.equal(draw(config, target, predict, 4), draw(config, target, predict, 4))
    assert not torch.equal(draw(config, target, predict, 4), draw(config, target, predict, 5))


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: JointSampling(steps=0), "1 to 64 steps"),
        (lambda: JointSampling(corrections=-1), "corrections cannot be -1"),
        (lambda: Target(Kind.RGB, 0, SHAPE, shown=shown()), "which patches"),
        (
            lambda: Target(Kind.RGB, 0, SHAPE, shown=shown(), seen=SEEN, trusted_until=2.0),
            "noise level",
        ),
    ],
)
def test_contradictions_are_refused(make, says):
    with pytest.raises(ValueError, match=says):
        make()
