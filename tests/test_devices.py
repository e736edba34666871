"""Walks and training keep to the device they were given: nothing is left behind on the CPU."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from engine.geometry import filters
from engine.geometry.cameras import Camera, Intrinsics
from engine.geometry.paths import named_path
from engine.queries import Engine, finish
from engine.training.buffer import SourceShares
from engine.training.distributed import Place
from engine.training.entries import EntryConfig
from engine.training.mixture import MixtureConfig
from engine.training.sequences import PosedSequence
from engine.training.trainer import Trainer, TrainerConfig
from explorer.walk.photo import Photo
from explorer.walk.records import NO_MEMORY, DrawnView
from explorer.walk.walk import Walk
from memory.known import Known
from memory.memory import Memory
from memory.pictures.picture import Picture
from memory.retrieval import STRATEGIES
from memory.views import View
from tests.pretended_device import Trip, noted_trips, pretended_device
from tests.tiny_model import tiny_model

H, W = 48, 64


@pytest.fixture
def far() -> Iterator[torch.device]:
    with pretended_device() as device:
        yield device


def walked(device: str) -> tuple[list[DrawnView], Memory]:
    """Three views to the side, the last of them drawn again after it was forgotten."""
    rgb = np.random.default_rng(0).integers(0, 255, (H // 8, W // 8, 3), np.uint8)
    photo = Photo(rgb.repeat(8, 0).repeat(8, 1), W, H, Intrinsics.from_fov(60, W / H), "squares")
    engine = Engine.of(tiny_model(), device, torch.float32)
    memory = Memory(device=device)
    walk = Walk(photo, engine, memory)
    views = [finish(walk.start())]
    cameras = named_path("strafe", 3, photo.camera, walk.scene_scale, 1.0)
    views += [finish(walk.step(camera)) for camera in cameras]
    walk.rewind(2)
    views.append(finish(walk.step(cameras[-1])))
    return views, memory


class Wall:
    """Pictures of a wall 2 m ahead by a camera that steps sideways."""

    def draw(self, generator: torch.Generator) -> PosedSequence:
        steps = np.repeat(np.eye(4)[None], 4, 0)
        steps[:, 0, 3] = 0.1 * np.arange(4)
        lens = Intrinsics.from_fov(60, W / H)
        rgb = torch.rand(4, 3, H, W, generator=generator)
        cameras = tuple(Camera(T, lens) for T in steps)
        return PosedSequence(rgb, torch.full((4, 1, H, W), 2.0), cameras, "a wall")


def test_a_mixture_of_devices_is_refused(far: torch.device) -> None:
    """Else the other tests here would say nothing."""
    there, here = torch.ones(3, device=far), torch.ones(3)
    for mixed in (
        lambda: there + here,
        lambda: torch.cat([there, here]),
        lambda: here[there > 0],
        lambda: torch.where(there > 0, here, 0.0),
        lambda: there.index_select(0, torch.tensor([0])),
        lambda: torch.randn(3, device=far, generator=torch.Generator()),
    ):
        with pytest.raises(RuntimeError, match=r"device"):
            mixed()
    with pytest.raises(TypeError, match="numpy"):
        there.numpy()
    assert (there + here.to(far)).cpu().tolist() == [2.0, 2.0, 2.0]


def test_a_walk_on_another_device_is_the_same_walk(
    far: torch.device, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(filters, "in_ram", lambda _: False)
    near, near_memory = walked("cpu")
    away, memory = walked(far.type)
    assert memory.points().positions.device == far
    assert memory.surfel_count == near_memory.surfel_count > 0
    for there, here in zip(away, near, strict=True):
        np.testing.assert_array_equal(there.view.rgb, here.view.rgb)
        np.testing.assert_array_equal(there.view.depth, here.view.depth)
        assert there.retrieved == here.retrieved


def test_what_is_fast_in_ram_draws_what_other_devices_draw(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fast = walked("cpu")[0]
    monkeypatch.setattr(filters, "in_ram", lambda _: False)
    for plain, view in zip(walked("cpu")[0], fast, strict=True):
        off = np.abs(plain.view.rgb.astype(int) - view.view.rgb)
        assert off.max() <= 1
        assert (off > 0).mean() < 1e-3
        assert plain.view.depth is not None
        assert view.view.depth is not None
        np.testing.assert_allclose(plain.view.depth, view.view.depth, rtol=2e-3)


def stood(device: str, memory_on: str) -> Walk:
    """Has drawn one view."""
    rgb = np.random.default_rng(0).integers(0, 255, (H // 8, W // 8, 3), np.uint8)
    photo = Photo(rgb.repeat(8, 0).repeat(8, 1), W, H, Intrinsics.from_fov(60, W / H), "squares")
    engine = Engine.of(tiny_model(), device, torch.float32)
    walk = Walk(photo, engine, Memory(device=memory_on))
    finish(walk.start())
    finish(walk.step(named_path("strafe", 1, photo.camera, walk.scene_scale, 1.0)[0]))
    return walk


@pytest.mark.parametrize("strategy", [*STRATEGIES, NO_MEMORY])
def test_in_a_step_only_what_is_final_leaves_the_device(
    far: torch.device, monkeypatch: pytest.MonkeyPatch, strategy: str
) -> None:
    walk = stood(far.type, far.type)
    walk.settings = replace(walk.settings, strategy=strategy)
    before_remembering: list[Trip] = []
    remembering: list[Trip] = []
    camera = named_path("strafe", 2, walk.photo.camera, walk.scene_scale, 1.0)[1]
    with noted_trips() as trips:
        remember = walk.memory.add

        def add(view: View, known: Known | None = None, picture: Picture | None = None) -> None:
            before_remembering.extend(trips)
            trips.clear()
            remember(view, known, picture)
            remembering.extend(trips)

        monkeypatch.setattr(walk.memory, "add", add)
        finish(walk.step(camera))
    pictures = [t for t in before_remembering if np.prod(t.shape) >= H * W // 64]
    down = [index for index, trip in enumerate(pictures) if trip.way == "down"]
    final = [(H, W, 3), (H, W, 3), (H, W), (H, W), (H, W)]  # two pictures, depth, coverage, sources
    if strategy == NO_MEMORY:
        final.pop()
    assert sorted(pictures[i].shape for i in down) == sorted(final)
    assert down == list(range(len(pictures) - len(down), len(pictures))), "and none comes back"
    assert any(trip.way == "up" for trip in pictures), "views that the model is shown"
    # Memory takes the view as it will be stored, rounded, so that a resumed walk is the same one.
    stored = [t for t in remembering if np.prod(t.shape) >= H * W // 64]
    assert {t.way for t in stored} == {"up"}
    assert sorted(t.shape for t in stored) == sorted([(H, W, 3), (H, W), (H, W)])


def test_an_engine_may_work_with_a_memory_in_ram(far: torch.device) -> None:
    apart, near = stood(far.type, "cpu"), stood("cpu", "cpu")
    for view_id, view in near.memory.views.items():
        off = np.abs(apart.memory.views[view_id].rgb.astype(int) - view.rgb)
        assert off.max() <= 1


def test_every_kind_of_lesson_is_trained_on_another_device(
    far: torch.device, tmp_path: Path
) -> None:
    small = EntryConfig(size=(32, 48))
    config = TrainerConfig(
        photo_batch=2,
        walk_batch=2,
        joint_batch=2,
        buffer=2,
        uses=8.0,
        context_shares=(0.5, 0.5),
        entries=small,
        joint=small,
        steps=12,
        save_every=12,
        mixture=MixtureConfig(photo=0.25, joint=0.35, warp=0.2),
    )
    sources = SourceShares((Wall(),), (1.0,))
    trainer = Trainer(tiny_model(), sources, config, Place(0, 1, far))
    before = [p.detach().cpu() for p in trainer.network.parameters()]
    (report,) = trainer.run(tmp_path / "run")
    asked = {name.split("/")[0] for name in report.losses}
    assert {"photo", "walk", "warp"} < asked
    after = list(trainer.network.parameters())
    assert all(p.device == far for p in after)
    moved = sum(not torch.equal(a, b.detach().cpu()) for a, b in zip(before, after, strict=True))
    assert moved > 0.8 * len(after)
    assert trainer.averaged_model().transformer is not trainer.network
