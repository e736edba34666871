"""Entries from other processes are entries like any others, and the processes end."""

from __future__ import annotations

import multiprocessing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from engine.geometry.cameras import Camera, Intrinsics
from engine.model.codec import Codec, CodecConfig
from engine.model.model import new_model
from engine.model.text import Tokenizer
from engine.model.transformer import TransformerConfig
from engine.training.buffer import ReplayBuffer, SourceShares
from engine.training.entries import EntryConfig, PhotoEntry, WalkEntry
from engine.training.joint.entries import JointEntry
from engine.training.making import EntryMaker, MakingConfig, scarcest, walk_name, wanted
from engine.training.mixture import MixtureConfig
from engine.training.sequences import SequenceFolder
from engine.training.trainer import Trainer, TrainerConfig
from engine.training.workers import EntryWorkers
from engine.training.worlds.prerender import save_sequence
from engine.training.worlds.world import Sequence

CPU = torch.device("cpu")
LENS = Intrinsics.from_fov(60, 48 / 32)
SIZE = EntryConfig(size=(32, 48), least_crop=1.0, targets=1)
MAKING = MakingConfig(entries=SIZE, joint=SIZE, most_contexts=2)


@pytest.fixture
def sources(tmp_path: Path) -> SourceShares:
    rng = np.random.default_rng(0)
    rgb = rng.integers(0, 255, (4, 32, 48, 3)).astype(np.uint8)
    cameras = []
    for index in range(4):
        T = np.eye(4)
        T[0, 3] = 0.1 * index
        cameras.append(Camera(T, LENS))
    depth = np.full((4, 32, 48), 2.0, np.float32)
    save_sequence(tmp_path / "0.npz", Sequence(rgb, depth, tuple(cameras), "a wall", "room", 0))
    return SourceShares((SequenceFolder([tmp_path]),), (1.0,))


@pytest.fixture(scope="module")
def codec() -> Codec:
    codec = Codec(CodecConfig(latent_channels=8, widths=(4, 4, 4), blocks=(0, 0, 0)))
    generator = torch.Generator().manual_seed(0)
    codec.start_from_components(torch.randn(300, 3, 8, 8, generator=generator) * 0.4)
    return codec


def test_every_kind_is_made_in_this_process(sources: SourceShares, codec: Codec) -> None:
    maker = EntryMaker(sources, codec, MAKING, torch.Generator().manual_seed(0), CPU)
    names = [name for name in MAKING.names if wanted(name).depth]
    kinds = {name: type(maker.make(name)) for name in names}
    assert kinds["photo"] is PhotoEntry
    assert kinds["joint"] is JointEntry
    assert kinds[walk_name(1)] is WalkEntry
    walk = maker.make(walk_name(2))
    assert isinstance(walk, WalkEntry)
    assert walk.contexts == 2
    with pytest.raises(ValueError, match="no entries called 'film'"):
        maker.make("film")


def test_processes_make_what_is_asked_and_end(sources: SourceShares, codec: Codec) -> None:
    names = ("photo", "joint", walk_name(2))
    workers = EntryWorkers(1, sources, codec, MAKING, names, 0, CPU)
    try:
        photo, joint = workers.make("photo"), workers.make("joint")
        walk = workers.make(walk_name(2))
        assert isinstance(photo, PhotoEntry)
        assert isinstance(joint, JointEntry)
        assert isinstance(walk, WalkEntry)
        assert photo.rgb.shape == (8, 4, 6)
        assert walk.rgb.isfinite().all()
        assert joint.caption == "a wall"
        with pytest.raises(ValueError, match="no process makes"):
            workers.make(walk_name(1))
    finally:
        workers.close()
    assert not multiprocessing.active_children()


def test_a_trainer_learns_from_other_processes(
    sources: SourceShares, codec: Codec, tmp_path: Path
) -> None:
    shape = TransformerConfig(width=32, layers=1, heads=2, latent_channels=8, words=32)
    config = TrainerConfig(
        minutes=60,
        steps=4,
        photo_batch=2,
        walk_batch=2,
        joint_batch=2,
        context_shares=(0.5, 0.5),
        buffer=3,
        workers=1,
        save_every=4,
        entries=SIZE,
        joint=SIZE,
        mixture=MixtureConfig(photo=0.4, joint=0.3),
    )
    trainer = Trainer(new_model(codec, Tokenizer([]), shape), sources, config)
    reports = list(trainer.run(tmp_path / "out"))
    assert reports[-1].step == 4
    assert (tmp_path / "out" / "model.safetensors").is_file()
    assert not multiprocessing.active_children()


def test_what_a_process_cannot_use_is_said_here(sources: SourceShares, codec: Codec) -> None:
    long = replace(MAKING, most_contexts=4)  # with a target five views, of four that there are
    workers = EntryWorkers(1, sources, codec, long, (walk_name(4),), 0, CPU)
    try:
        with pytest.raises(ValueError, match="has the 5 views that lessons of 'walk 4'"):
            workers.make(walk_name(4))
    finally:
        workers.close()
    assert not multiprocessing.active_children()


def test_an_empty_queue_lets_an_old_entry_serve_again() -> None:
    made = iter([7, None, None, 8])
    buffer = ReplayBuffer(lambda: next(made), 3, 1.0, torch.Generator().manual_seed(0))
    assert [buffer.draw() for _ in range(3)] == [7, 7, 7]
    assert buffer.draw() == 8


def test_the_scarcest_kind_comes_first() -> None:
    assert scarcest(("a", "b", "c"), {"a": 3, "b": 1, "c": 1}) == "b"
    assert scarcest(("a", "b"), {"a": 1}) == "b"


def test_no_process_at_all_is_refused(sources: SourceShares, codec: Codec) -> None:
    with pytest.raises(ValueError, match="at least one process"):
        EntryWorkers(0, sources, codec, MAKING, ("photo",), 0, CPU)
