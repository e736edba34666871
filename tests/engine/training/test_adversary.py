"""The judge of holes, what it learns, and what it has a network pay; on tiny latents."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from engine.geometry.cameras import Camera, Intrinsics
from engine.model.codec import Codec, CodecConfig
from engine.model.kinds import Kind
from engine.model.model import new_model
from engine.model.text import Tokenizer
from engine.model.tokens import Group, Picture
from engine.model.transformer import TransformerConfig
from engine.training.adversary import JUDGE, Adversary, AdversaryConfig, Judge, judged_views
from engine.training.buffer import SourceShares
from engine.training.distributed import Place
from engine.training.entries import EntryConfig
from engine.training.mixture import Lesson, LessonPlan, MixtureConfig, lesson_loss
from engine.training.sequences import PosedSequence
from engine.training.syllabus import LessonKind
from engine.training.trainer import Trainer, TrainerConfig

CPU = torch.device("cpu")
CHANNELS, H, W = 4, 6, 8
GAINS = torch.tensor([4.0, 1.0, 0.5, 0.25])
TINY = AdversaryConfig(strength=0.5, width=16, blocks=1, alone=0, learning_rate=5e-3)


def noise(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def asked(kind: Kind, level: Tensor, hinted: bool) -> Picture:
    """Half of it, on the left, is known."""
    batch = len(level)
    hint = torch.zeros(batch, 2 * CHANNELS + 1, H, W)
    hint[:, -1, :, : W // 2] = 1
    content = noise(batch, CHANNELS, H, W, seed=1)
    return Picture(kind, 1, content, level, None, hint if hinted else None)


def lesson(pictures: list[Picture], seed: int = 2) -> Lesson:
    groups = tuple(Group((picture,), asked=True) for picture in pictures)
    answers = tuple(noise(*p.content.shape, seed=seed + i) for i, p in enumerate(pictures))
    return Lesson(groups, answers)


def drawn_for(given: Lesson) -> list[list[Tensor]]:
    return [[torch.zeros_like(a).requires_grad_()] for a in given.answers]


def test_only_hinted_views_that_begin_as_noise_are_judged() -> None:
    level = torch.tensor([1.0, 0.4, 1.0])
    given = lesson([asked(Kind.RGB, level, True), asked(Kind.DEPTH, level, True)])
    predictions = drawn_for(given)
    loss = lesson_loss(predictions, given, GAINS).total
    judged = judged_views(given, predictions, loss, known=0.25)
    assert judged is not None
    torch.testing.assert_close(judged.true, given.answers[0][[0, 2]])
    assert judged.drawn.shape == judged.errors.shape == (2, CHANNELS, H, W)
    assert float(judged.weight.sum()) == pytest.approx(1.0)
    assert judged.weight[0, 0, 0, 0] == pytest.approx(0.25 * float(judged.weight[0, 0, 0, -1]))
    # The gradient of a mean of squares, each channel by its weight.
    slope = -2 * given.answers[0] * GAINS.view(1, -1, 1, 1) / given.answers[0].numel()
    torch.testing.assert_close(judged.errors, slope[[0, 2]])
    for kind, levels, hinted in (
        (Kind.RGB, torch.tensor([0.5]), True),
        (Kind.RGB, torch.ones(1), False),
        (Kind.WARP, torch.ones(1), True),
    ):
        none = lesson([asked(kind, levels, hinted)])
        predictions = drawn_for(none)
        loss = lesson_loss(predictions, none, GAINS).total
        assert judged_views(none, predictions, loss, 0.1) is None


def test_the_price_is_as_steep_as_was_asked() -> None:
    given = lesson([asked(Kind.RGB, torch.ones(3), True)])
    adversary = Adversary(GAINS, TINY, CPU)
    predictions = drawn_for(given)
    loss = lesson_loss(predictions, given, GAINS).total
    judged = judged_views(given, predictions, loss, TINY.known)
    price = adversary.price(given, predictions, loss)
    assert price is not None
    assert judged is not None
    (slope,) = torch.autograd.grad(price[0], predictions[0])
    holes = judged.weight / judged.weight.max()
    ratio = (holes * slope).norm() / (holes * judged.errors).norm()
    assert float(ratio) == pytest.approx(TINY.strength, rel=1e-3)
    assert set(price[1]) == {"judge", "right"}


def test_nothing_is_paid_while_the_judge_learns_alone() -> None:
    given = lesson([asked(Kind.RGB, torch.ones(2), True)])
    adversary = Adversary(GAINS, AdversaryConfig(strength=1.0, width=16, blocks=1, alone=1), CPU)
    slopes = []
    for _ in range(2):
        predictions = drawn_for(given)
        loss = lesson_loss(predictions, given, GAINS).total
        price = adversary.price(given, predictions, loss)
        assert price is not None
        slopes.append(torch.autograd.grad(price[0], predictions[0])[0].norm())
    assert slopes[0] == 0 < slopes[1]


def test_detail_returns_to_holes_where_errors_alone_leave_fog() -> None:
    """What is free to be drawn, for truths that nobody can guess: their mean is 0, which is what
    squared errors settle on; the judge asks for their spread."""
    spread = {}
    for strength in (0.0, 2.0):
        adversary = Adversary(GAINS, AdversaryConfig(strength, 16, 1, 5e-3, 20, 0.1), CPU)
        free = (0.1 * noise(3, CHANNELS, H, W, seed=9)).requires_grad_()
        optimiser = torch.optim.Adam([free], lr=0.02)
        told: dict[str, float] = {}
        for step in range(150):
            given = lesson([asked(Kind.RGB, torch.ones(3), True)], seed=100 + step)
            predictions = [[free]]
            total = lesson_loss(predictions, given, GAINS).total
            if strength and (price := adversary.price(given, predictions, total)):
                total, told = total + price[0], price[1]
            optimiser.zero_grad()
            total.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
        spread[strength] = float(free.detach()[..., W // 2 :].std())
    assert told["judge"] < 2.5
    assert spread[0.0] < 0.25
    assert spread[2.0] > 2 * spread[0.0]


def test_the_judge_looks_at_what_moves_the_picture_most() -> None:
    judge = Judge(GAINS, TINY)
    latent, hint = noise(1, CHANNELS, H, W).requires_grad_(), torch.zeros(1, 2 * CHANNELS + 1, H, W)
    with torch.no_grad():
        judge.latent.weight.copy_(
            judge.latent.weight.mean(1, keepdim=True).expand(-1, CHANNELS, -1, -1)
        )
    (slope,) = torch.autograd.grad(judge(latent, hint).sum(), latent)
    lengths = slope.flatten(2).norm(dim=2)[0]
    torch.testing.assert_close(lengths / lengths[1], (GAINS / GAINS[1]).sqrt())


class OneScene:
    """A wall, seen by a camera that steps far sideways, so that half of the view is new."""

    def draw(self, generator: torch.Generator) -> PosedSequence:
        cameras = []
        for index in range(4):
            T = np.eye(4)
            T[0, 3] = 0.5 * index
            cameras.append(Camera(T, Intrinsics.from_fov(60, 48 / 32)))
        rgb = torch.rand(4, 3, 32, 48, generator=generator)
        return PosedSequence(rgb, torch.full((4, 1, 32, 48), 2.0), tuple(cameras), "a wall")


def trainer(strength: float, place: Place | None = None) -> Trainer:
    codec = Codec(CodecConfig(latent_channels=8, widths=(4, 4, 4), blocks=(0, 0, 0)))
    codec.start_from_components(noise(300, 3, 8, 8) * 0.4)
    shape = TransformerConfig(width=32, layers=2, heads=2, latent_channels=8, words=32)
    config = TrainerConfig(
        minutes=60.0,
        steps=6,
        walk_batch=2,
        context_shares=(1.0,),
        buffer=2,
        save_every=3,
        entries=EntryConfig(size=(32, 48), least_crop=1.0),
        mixture=MixtureConfig(photo=0, warp=0, drop_hint=0, walk_pure_noise=1, views_only=1),
        adversary=AdversaryConfig(strength=strength, width=16, blocks=1, alone=1),
    )
    model = new_model(codec, Tokenizer(["a", "wall"]), shape)
    return Trainer(model, SourceShares((OneScene(),), (1.0,)), config, place)


def test_a_run_with_an_adversary_reports_it_and_goes_on_with_the_same_judge(
    tmp_path: Path,
) -> None:
    first = trainer(0.5)
    reports = list(first.run(tmp_path))
    assert {"walk/rgb", "walk/judge", "walk/right"} == set(reports[-1].losses)
    assert first.adversary is not None
    assert (tmp_path / JUDGE).is_file()
    second = trainer(0.5)
    second.resume(tmp_path)
    assert second.adversary is not None
    for name, value in first.adversary.judge.state_dict().items():
        torch.testing.assert_close(second.adversary.judge.state_dict()[name], value)
    kept, found = (t.adversary.optimiser.state_dict()["state"] for t in (first, second))
    assert kept
    torch.testing.assert_close(found, kept)
    assert second.adversary.steps >= second.config.adversary.alone
    without = trainer(0.0)
    assert without.adversary is None
    list(without.run(tmp_path / "without"))
    assert not (tmp_path / "without" / JUDGE).exists()


@pytest.mark.parametrize("strength", [-0.1, float("nan"), float("inf")])
def test_a_strength_that_is_none_is_refused(strength: float) -> None:
    with pytest.raises(ValueError, match="0 or more"):
        AdversaryConfig(strength)


def test_an_adversary_learns_in_one_process() -> None:
    with pytest.raises(ValueError, match="one process"):
        trainer(0.5, Place(0, 2, CPU))


def test_walks_may_ask_for_views_alone() -> None:
    first = trainer(0.0)
    first.syllabus.plan = LessonPlan(
        MixtureConfig(drop_hint=0, views_only=1.0), Tokenizer(["a"]), *(2 * [torch.Generator()])
    )
    lesson = first.syllabus.next().lesson
    kinds = [p.kind for g in lesson.groups if g.asked for p in g.pictures]
    assert kinds == [Kind.RGB, Kind.RGB]
    assert len(lesson.answers) == 2
    assert LessonKind.WALK in first.syllabus.shares
