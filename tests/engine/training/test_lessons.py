"""Entries, lessons, losses and a few steps of training, on tiny analytic scenes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from engine.geometry.cameras import Camera, Intrinsics
from engine.geometry.pictures import depth_to_picture
from engine.model.codec import Codec, CodecConfig
from engine.model.kinds import Kind
from engine.model.model import Model, new_model
from engine.model.pictures import PictureMaker
from engine.model.storage import read_model
from engine.model.text import Tokenizer
from engine.model.transformer import TransformerConfig
from engine.training.buffer import ReplayBuffer, SourceShares
from engine.training.entries import (
    EntryConfig,
    PhotoEntry,
    WalkEntry,
    photo_entry,
    single_view,
    walk_entry,
)
from engine.training.making import EntryMaker, MakingConfig
from engine.training.mixture import LessonPlan, MixtureConfig, lesson_loss, robust
from engine.training.optimisers import build_optimisers, orthogonalised
from engine.training.sequences import PosedSequence
from engine.training.syllabus import Draws, Syllabus, SyllabusConfig
from engine.training.trainer import Trainer, TrainerConfig, channel_weights

CPU = torch.device("cpu")
SIZE = EntryConfig(size=(32, 48), least_crop=1.0, targets=1, depth_error=0.0)


def scene(views: int = 4) -> PosedSequence:
    """A textured wall 2 m ahead, seen by a camera that steps sideways."""
    lens = Intrinsics.from_fov(60, 48 / 32)
    cameras, pictures = [], []
    v, u = torch.meshgrid(torch.arange(32) + 0.5, torch.arange(48) + 0.5, indexing="ij")
    for index in range(views):
        T = np.eye(4)
        T[0, 3] = 0.1 * index
        cameras.append(Camera(T, lens))
        x = (u / 48 - 0.5) / lens.fx * 2 + 0.1 * index
        y = (v / 32 - 0.5) / lens.fy * 2
        pictures.append(torch.stack([0.5 + 0.4 * torch.sin(4 * x), 0.5 + 0.4 * y / 2, 0.5 + 0 * x]))
    depth = torch.full((views, 1, 32, 48), 2.0)
    return PosedSequence(torch.stack(pictures).float(), depth, tuple(cameras), "a wall")


class OneScene:
    def draw(self, generator: torch.Generator) -> PosedSequence:
        return scene()


@pytest.fixture
def codec() -> Codec:
    generator = torch.Generator().manual_seed(0)
    codec = Codec(CodecConfig(latent_channels=8, widths=(4, 4, 4), blocks=(0, 0, 0)))
    codec.start_from_components(torch.randn(300, 3, 8, 8, generator=generator) * 0.4)
    return codec


def small_model(codec: Codec) -> Model:
    shape = TransformerConfig(width=32, layers=2, heads=2, latent_channels=8, words=32)
    return new_model(codec, Tokenizer(["a", "wall"]), shape)


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_a_turned_single_view_keeps_its_depth_along_the_axis() -> None:
    """A level wall stays a wall: depth along the axis is the same for every roll."""
    part = single_view(scene(), 1, EntryConfig(size=(32, 48), least_crop=0.6), generator(2))
    assert part.rgb.shape == (1, 3, 32, 48)
    torch.testing.assert_close(part.depth, torch.full((1, 1, 32, 48), 2.0))
    assert part.cameras[0].intrinsics.fx > Intrinsics.from_fov(60, 48 / 32).fx


def test_a_photo_entry_is_in_units_of_its_own_median(codec: Codec) -> None:
    entry = photo_entry(scene(), codec, SIZE, generator(), CPU)
    flat = depth_to_picture(torch.full((1, 3, 32, 48), 1.0), 1.0)
    torch.testing.assert_close(entry.depth[None], codec.encode(flat))
    assert entry.rays[:3].abs().max() < 1e-6


def test_a_walk_entry_is_in_the_anchors_frame_and_hints_show_the_target(codec: Codec) -> None:
    entry = walk_entry(scene(), 2, codec, SIZE, generator(), CPU)
    assert entry.rgb.shape == (3, 8, 4, 6)
    assert entry.rays[0, :3].abs().max() < 1e-6
    assert entry.rays[2, :3].abs().max() > 1e-3
    hint_rgb, coverage = entry.hints[0, :8], entry.hints[0, -1]
    seen = coverage > 0.99
    assert float(seen.float().mean()) > 0.5
    error = (hint_rgb - entry.rgb[2]).abs().mean(0)
    beside = (entry.rgb[0] - entry.rgb[2]).abs().mean(0)
    assert error[seen].mean() < 0.6 * beside[seen].mean()


def test_mirrored_scenes_are_still_consistent(codec: Codec) -> None:
    """Half of the draws are mirrored; a wrong sign in camera or lens would spoil those hints."""
    for seed in range(6):
        entry = walk_entry(scene(), 2, codec, SIZE, generator(seed), CPU)
        seen = entry.hints[0, -1] > 0.99
        error = (entry.hints[0, :8] - entry.rgb[2]).abs().mean(0)[seen].mean()
        beside = (entry.rgb[0] - entry.rgb[2]).abs().mean(0)[seen].mean()
        assert error < 0.7 * beside, seed


@pytest.mark.parametrize("simulate", [False, True])
def test_lessons_ask_what_they_say(codec: Codec, simulate: bool) -> None:
    plan = LessonPlan(
        MixtureConfig(drop_hint=0.0), Tokenizer(["a", "wall"]), generator(), generator()
    )
    entries = [walk_entry(scene(), 2, codec, SIZE, generator(s), CPU) for s in range(2)]
    lesson = plan.walk(entries, simulate)
    asked = [g.pictures[0] for g in lesson.groups if g.asked]
    kinds = [Kind.WARP, Kind.RGB, Kind.DEPTH] if simulate else [Kind.RGB, Kind.DEPTH]
    assert [p.kind for p in asked] == kinds
    assert len(lesson.answers) == len(asked)
    for picture, answer in zip(asked, lesson.answers, strict=True):
        noise = picture.content - (1 - picture.level.view(-1, 1, 1, 1)) * answer
        assert noise.std() > 0.05
        assert (picture.hint is None) == simulate
    for index, group in enumerate(lesson.groups):
        assert all(seen < index for seen in group.sees)
        assert not any(lesson.groups[seen].asked for seen in group.sees)


def test_the_loss_is_zero_for_the_truth_only(codec: Codec) -> None:
    plan = LessonPlan(MixtureConfig(), Tokenizer(["a"]), generator(), generator())
    lesson = plan.photo([photo_entry(scene(), codec, SIZE, generator(), CPU)])
    weights = channel_weights(codec)
    assert weights.mean() == pytest.approx(1.0)
    truth = [[], [lesson.answers[0]]]
    assert float(lesson_loss(truth, lesson, weights).total) == 0
    wrong = [[], [lesson.answers[0] + 0.1]]
    loss = lesson_loss(wrong, lesson, weights)
    assert float(loss.total) > 0
    assert set(loss.by_kind) == {Kind.DEPTH}


def test_robust_errors_of_depth_grow_as_distances_where_they_are_large(codec: Codec) -> None:
    small, large = torch.full((1, 3, 2, 2), 1e-8), torch.full((1, 3, 2, 2), 1e4)
    assert torch.allclose(robust(4 * small), 4 * robust(small), rtol=1e-2)
    assert torch.allclose(robust(4 * large), 2 * robust(large), rtol=1e-2)
    plan = LessonPlan(MixtureConfig(), Tokenizer(["a"]), generator(), generator())
    lesson = plan.photo([photo_entry(scene(), codec, SIZE, generator(), CPU)])
    clean, weights = lesson.answers[0], channel_weights(codec)

    def loss(offset: float) -> float:
        return float(lesson_loss([[], [clean + offset]], lesson, weights, True).total)

    assert loss(0.0) == 0
    assert loss(200.0) == pytest.approx(2 * loss(100.0), rel=1e-2)


def test_orthogonalised_matrices_have_singular_values_near_one() -> None:
    matrices = torch.randn(3, 12, 20, generator=generator())
    values = torch.linalg.svdvals(orthogonalised(matrices, steps=8))
    assert 0.6 < values.min() <= values.max() < 1.3


def test_every_parameter_has_one_optimiser(codec: Codec) -> None:
    network = small_model(codec).transformer
    for muon in (True, False):
        groups = [g for o in build_optimisers(network, 1e-3, muon) for g in o.param_groups]
        held = [id(parameter) for group in groups for parameter in group["params"]]
        assert sorted(held) == sorted(id(p) for p in network.parameters())


def test_a_buffer_replaces_what_it_has_used() -> None:
    numbers = iter(range(10_000))
    buffer = ReplayBuffer(lambda: next(numbers), capacity=10, uses=4.0, generator=generator())
    drawn = [buffer.draw() for _ in range(400)]
    assert len(buffer.entries) == 10
    assert 80 < buffer.made < 130
    assert max(drawn) > 60


def test_single_views_have_a_size_and_a_share_of_noise_of_their_own(codec: Codec) -> None:
    small = EntryConfig(size=(16, 32))
    making = MakingConfig(entries=SIZE, joint=SIZE, photos=(small,))
    maker = EntryMaker(SourceShares((OneScene(),), (1.0,)), codec, making, generator(), CPU)
    made = [maker.make("photo") for _ in range(8)]
    entries = [entry for entry in made if isinstance(entry, PhotoEntry)]
    assert [entry.rgb.shape[-2:] for entry in entries] == [(2, 4)] * 8
    walk = maker.make("walk 1")
    assert isinstance(walk, WalkEntry)
    assert walk.rgb.shape[-2:] == (4, 6)
    for share in (0.0, 1.0):
        config = MixtureConfig(photo_pure_noise=share, walk_pure_noise=1.0 - share)
        plan = LessonPlan(config, Tokenizer(["a"]), generator(), generator())
        level = plan.photo(entries).groups[1].pictures[0].level
        assert bool((level == 1).all()) == (share == 1.0)
        asked = [g.pictures[0] for g in plan.walk([walk]).groups if g.asked]
        assert all(bool((p.level == 1).all()) == (share == 0.0) for p in asked)


def test_single_views_wait_in_a_buffer_of_their_own(codec: Codec) -> None:
    mixture = MixtureConfig(photo=1.0, warp=0.0)
    kept = {"buffer": 2, "uses": 50.0, "photo_buffer": 9, "photo_uses": 1.0}
    config = SyllabusConfig(photo_batch=6, entries=SIZE, mixture=mixture, **kept)
    draws = Draws(generator(), generator(), 0)
    scenes = SourceShares((OneScene(),), (1.0,))
    syllabus = Syllabus(config, scenes, PictureMaker(codec), Tokenizer(["a"]), draws, CPU)
    for _ in range(4):
        assert syllabus.next().samples == 6
    assert len(syllabus.buffers["photo"].entries) == 9
    assert syllabus.buffers["photo"].made == 24


def test_single_views_of_several_sizes_take_turns(codec: Codec) -> None:
    sizes = (EntryConfig(size=(16, 32)), EntryConfig(size=(32, 32)), EntryConfig(size=(64, 48)))
    mixture = MixtureConfig(photo=1.0, warp=0.0)
    config = SyllabusConfig(photo_batch=12, entries=SIZE, mixture=mixture, photos=sizes, buffer=10)
    draws = Draws(generator(), generator(), 0)
    scenes = SourceShares((OneScene(),), (1.0,))
    syllabus = Syllabus(config, scenes, PictureMaker(codec), Tokenizer(["a"]), draws, CPU)
    asked = [syllabus.next() for _ in range(24)]
    grids = [one.lesson.groups[1].pictures[0].grid for one in asked]
    batches = dict(zip(grids, (one.samples for one in asked), strict=True))
    assert batches == {(1, 2): 12, (2, 2): 6, (4, 3): 2}
    assert min(grids.count(grid) for grid in batches) > 2
    assert {one.name for one in asked} == {"photo"}
    assert all(len(kept.entries) <= 4 for kept in syllabus.buffers.values())


class ScenesOfManyLengths:
    """Three scenes of two views, then one of six, and so on."""

    def __init__(self) -> None:
        self.draws = 0

    def draw(self, generator: torch.Generator) -> PosedSequence:
        self.draws += 1
        return scene(2 if self.draws % 4 else 6)


def test_short_sequences_serve_short_walks_only(codec: Codec) -> None:
    scenes = ScenesOfManyLengths()
    making = MakingConfig(entries=SIZE, joint=SIZE)
    maker = EntryMaker(SourceShares((scenes,), (1.0,)), codec, making, generator(), CPU)
    for contexts in (1, 4):
        walk = maker.make(f"walk {contexts}")
        assert isinstance(walk, WalkEntry)
        assert len(walk.rgb) == contexts + SIZE.targets
    maker.make("joint")
    before = scenes.draws
    maker.make("photo")
    assert scenes.draws == before + 1
    short = EntryMaker(SourceShares((OneScene(),), (1.0,)), codec, making, generator(), CPU)
    with pytest.raises(ValueError, match="has the 5 views"):
        short.make("walk 4")


class OneLongScene:
    """A scene of six views, then none but short ones."""

    def __init__(self) -> None:
        self.draws = 0

    def draw(self, generator: torch.Generator) -> PosedSequence:
        self.draws += 1
        return scene(6 if self.draws == 1 else 2)


def test_a_run_does_not_end_because_long_sequences_are_rare(codec: Codec) -> None:
    making = MakingConfig(entries=SIZE, joint=SIZE)
    sources = SourceShares((OneLongScene(),), (1.0,))
    maker = EntryMaker(sources, codec, making, generator(), CPU)
    for _ in range(2):
        walk = maker.make("walk 4")
        assert isinstance(walk, WalkEntry)
        assert walk.contexts == 4


def trainer(codec: Codec, steps: int = 10, seed: int = 0) -> Trainer:
    config = TrainerConfig(
        minutes=60.0,
        steps=steps,
        photo_batch=4,
        walk_batch=2,
        context_shares=(0.5, 0.5),
        buffer=4,
        save_every=10,
        warm_up=5,
        learning_rate=5e-3,
        seed=seed,
        entries=SIZE,
    )
    return Trainer(small_model(codec), SourceShares((OneScene(),), (1.0,)), config)


def test_training_learns_one_scene_and_resumes(codec: Codec, tmp_path: Path) -> None:
    first = trainer(codec, steps=150)
    reports = list(first.run(tmp_path))
    assert reports[-1].losses["photo/depth"] < 0.7 * reports[0].losses["photo/depth"]
    saved = read_model(tmp_path / "model.safetensors")
    assert saved.transformer.config == first.network.config

    second = trainer(codec)
    second.resume(tmp_path)
    assert second.step == first.step
    assert second.schedule.gone() < 0.5, "the first run had ended: another begins"
    longer = trainer(codec, steps=300)
    longer.resume(tmp_path)
    assert longer.schedule.gone() == pytest.approx(0.5)
    for name, value in first.network.state_dict().items():
        torch.testing.assert_close(second.network.state_dict()[name], value)
    for name, value in first.average.values.items():
        torch.testing.assert_close(second.average.values[name], value)
