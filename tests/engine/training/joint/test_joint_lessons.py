"""Joint lessons: roles, masks, points in the anchor's frame, and a loss on asked patches only."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from engine.geometry.cameras import Camera, Intrinsics
from engine.geometry.pictures import points_to_picture
from engine.geometry.projection import unproject
from engine.model.codec import Codec, CodecConfig
from engine.model.kinds import Kind
from engine.model.model import new_model
from engine.model.text import Tokenizer
from engine.model.tokens import check_rays_hidden
from engine.model.transformer import TransformerConfig
from engine.training.entries import EntryConfig
from engine.training.joint.entries import JointEntry, anchor_points, joint_entry
from engine.training.joint.lessons import JointPlan
from engine.training.joint.patterns import PATTERNS, Mask, draw_pattern
from engine.training.mixture import Lesson, MixtureConfig, lesson_loss
from engine.training.optimisers import build_optimisers, set_learning_rate
from engine.training.sequences import PosedSequence

CPU = torch.device("cpu")
CONFIG = EntryConfig(size=(32, 48), least_crop=1.0, depth_error=0.0)
LENS = Intrinsics.from_fov(60, 48 / 32)


def scene(views: int = 5) -> PosedSequence:
    """A striped wall 2 m ahead, its upper rows sky, seen by a camera that steps sideways."""
    cameras, pictures = [], []
    v, u = torch.meshgrid(torch.arange(32) + 0.5, torch.arange(48) + 0.5, indexing="ij")
    for index in range(views):
        T = np.eye(4)
        T[0, 3] = 0.2 * index
        cameras.append(Camera(T, LENS))
        x = (u / 48 - 0.5) / LENS.fx * 2 + 0.2 * index
        pictures.append(torch.stack([0.5 + 0.4 * torch.sin(5 * x), v / 32, 0.5 + 0 * x]))
    depth = torch.full((views, 1, 32, 48), 2.0)
    depth[..., :8, :] = torch.inf
    return PosedSequence(torch.stack(pictures).float(), depth, tuple(cameras), "a wall")


@pytest.fixture(scope="module")
def codec() -> Codec:
    generator = torch.Generator().manual_seed(0)
    codec = Codec(CodecConfig(latent_channels=8, widths=(4, 4, 4), blocks=(0, 0, 0)))
    codec.start_from_components(torch.randn(300, 3, 8, 8, generator=generator) * 0.4)
    return codec


@pytest.fixture(scope="module")
def entries(codec: Codec) -> list[JointEntry]:
    generator = torch.Generator().manual_seed(1)
    return [joint_entry(scene(), 3, codec, CONFIG, generator, CPU) for _ in range(2)]


def plan(seed: int = 0) -> JointPlan:
    generator = torch.Generator().manual_seed(seed)
    structure = torch.Generator().manual_seed(seed)
    return JointPlan(MixtureConfig(), Tokenizer(["a", "wall"]), generator, structure)


def transformer(layers: int = 2):
    shape = TransformerConfig(width=32, layers=layers, heads=2, latent_channels=8, words=32)
    codec = Codec(CodecConfig(latent_channels=8, widths=(4, 4, 4), blocks=(0, 0, 0)))
    return new_model(codec, Tokenizer(["a", "wall"]), shape).transformer


def test_points_of_the_anchor_are_its_depth_unprojected():
    depth = 1 + torch.rand(32, 48, generator=torch.Generator().manual_seed(0))
    anchor = Camera(np.eye(4), LENS)
    found = anchor_points(depth, anchor, anchor, 1.0).permute(1, 2, 0)
    torch.testing.assert_close(found, unproject(depth, anchor), atol=1e-5, rtol=1e-5)


def test_points_of_another_view_are_in_the_anchors_frame_and_units():
    anchor, other = scene().cameras[0], scene().cameras[2]
    points = anchor_points(torch.full((32, 48), 2.0), other, anchor, 2.0)
    assert torch.allclose(points[2], torch.ones(32, 48))  # the wall is 1 σ ahead
    centre = points[0].mean()
    assert abs(float(centre) - 0.4 / 2.0) < 1e-5  # two steps of 0.2 m to the right, σ = 2 m


def test_the_sky_lies_beyond_what_a_picture_resolves():
    camera = scene().cameras[0]
    picture = points_to_picture(
        anchor_points(torch.full((32, 48), torch.inf), camera, camera, 1.0), 1.0
    )
    assert picture.isfinite().all()
    assert float(picture[2].min()) > 0.999


def test_warps_of_the_anchor_onto_itself_are_the_anchor(entries):
    for entry in entries:
        assert entry.seen[0].float().mean() > 0.9
        error = (entry.warped[Kind.RGB][0] - entry.latents[Kind.RGB][0]).square().mean()
        assert error < 0.3 * entry.latents[Kind.RGB][0].var()


def test_less_is_seen_from_further_away(entries):
    shares = torch.stack([e.seen.float().mean(1) for e in entries]).mean(0)
    assert shares[0] >= shares[1] >= shares[2]


@pytest.mark.parametrize("make", [make for make, _ in PATTERNS])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_every_pattern_makes_a_lesson_whose_answers_are_hidden(make, seed, entries):
    pattern = make(3, torch.Generator().manual_seed(seed))
    lesson = plan(seed).lesson(pattern, entries)
    check_rays_hidden(lesson.groups)
    named = [(p.kind, p.slot) for p in lesson.groups[-1].pictures]
    assert len(set(named)) == len(named) == len(lesson.answers)
    assert not set(named) & {(p.kind, p.slot) for g in lesson.groups[:-1] for p in g.pictures}
    for picture, answer in zip(lesson.groups[-1].pictures, lesson.answers, strict=True):
        assert picture.content.shape == answer.shape
        if picture.level.ndim == 1:
            assert (picture.level > 0).all()
    loss = lesson_loss(transformer()(lesson.groups), lesson, torch.ones(8))
    assert loss.total.isfinite()
    assert set(loss.by_kind) == {kind for kind, _ in named}


def test_every_pattern_is_drawn(entries):
    generator = torch.Generator().manual_seed(0)
    found = {draw_pattern(3, generator).name for _ in range(400)}
    assert found == {make(3, generator).name for make, _ in PATTERNS}


def test_two_views_have_none_between():
    with pytest.raises(ValueError, match="at least 3 views"):
        draw_pattern(2, torch.Generator())


def partial_lesson(mask: Mask, entries: list[JointEntry]) -> Lesson:
    generator = torch.Generator().manual_seed(3)
    while True:
        pattern = draw_pattern(3, generator)
        if pattern.partial and pattern.mask is mask:
            return plan().lesson(pattern, entries)


@pytest.mark.parametrize("mask", list(Mask))
def test_seen_patches_are_at_level_zero_and_show_what_is_seen(mask, entries):
    lesson = partial_lesson(mask, entries)
    partial = [p for p in lesson.groups[-1].pictures if p.level.ndim == 2]
    assert partial
    for picture in partial:
        rows, columns = picture.grid
        seen = (picture.level == 0).view(-1, 1, rows, columns)
        wide = seen.repeat_interleave(2, 2).repeat_interleave(2, 3)
        source = [
            e.warped[picture.kind][picture.slot]
            if mask is Mask.WARPED
            else e.latents[picture.kind][picture.slot]
            for e in entries
        ]
        shown = torch.stack(source)
        assert torch.equal(picture.content[wide.expand_as(shown)], shown[wide.expand_as(shown)])


def test_the_loss_ignores_what_was_observed(entries):
    lesson = partial_lesson(Mask.RANDOM, entries)
    group = lesson.groups[-1]
    wrong = []
    for picture, answer in zip(group.pictures, lesson.answers, strict=True):
        rows, columns = picture.grid
        seen = (picture.level == 0).view(-1, 1, rows, columns)
        wide = seen.repeat_interleave(2, 2).repeat_interleave(2, 3)
        wrong.append(torch.where(wide, answer + 5.0, answer))
    answers = [[] for _ in lesson.groups[:-1]] + [wrong]
    assert float(lesson_loss(answers, lesson, torch.ones(8)).total) == 0.0


def test_an_entry_needs_enough_views(codec):
    with pytest.raises(ValueError, match="needs as many, not 2"):
        joint_entry(scene(2), 3, codec, CONFIG, torch.Generator(), CPU)


def test_a_few_steps_learn_cameras_and_points(entries):
    """The loss of one lesson, drawn again and again, falls."""
    torch.manual_seed(0)
    network = transformer()
    pattern = PATTERNS[0][0](3, torch.Generator().manual_seed(5))
    optimisers = build_optimisers(network, 1e-2)
    set_learning_rate(optimisers, 1e-2)
    losses = []
    for step in range(40):
        lesson = plan(step % 4).lesson(pattern, entries)
        loss = lesson_loss(network(lesson.groups), lesson, torch.ones(8))
        for optimiser in optimisers:
            optimiser.zero_grad()
        loss.total.backward()
        for optimiser in optimisers:
            optimiser.step()
        losses.append(float(loss.total.detach()))
    assert sum(losses[-8:]) < 0.6 * sum(losses[:8])
