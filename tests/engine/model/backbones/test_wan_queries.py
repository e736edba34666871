"""A Wan model in the engine's hands: walks and the other queries, as with the embedded one."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from engine.geometry.cameras import Camera, Intrinsics
from engine.model.backbones.wan.adaptation import adapt
from engine.model.backbones.wan.adapted import Adapted, WanAdaptation
from engine.model.kinds import Kind
from engine.model.model import Model
from engine.model.storage import read_model, save_model
from engine.queries import (
    Engine,
    Hint,
    SamplerSettings,
    draw_depth,
    draw_depth_of_photo,
    draw_view,
    finish,
    open_context,
)
from engine.queries.answers import ask
from engine.queries.generate import GenerationConfig, generate
from engine.queries.interpolate import InterpolationConfig, interpolate_pictures
from engine.queries.query import KnownView, Query
from engine.sampling.joint import JointSampling
from engine.sampling.keys import keyed_generator, noise_of

SIZE = (32, 48)
LENS = Intrinsics.from_fov(60, 48 / 32)
ONE = SamplerSettings(rgb_steps=1, depth_steps=1, caption="a room")


def camera(x: float) -> Camera:
    T = np.eye(4)
    T[0, 3] = x
    return Camera(T, LENS)


def photo(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).random((*SIZE, 3), dtype=np.float32)


@pytest.fixture(scope="module", params=[Adapted.LORA, Adapted.DECOUPLED])
def engine(
    request: pytest.FixtureRequest,
    kit: SimpleNamespace,
    pipeline: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Engine:
    """As a user has it: trained, written, and loaded by its path."""
    base = read_model(pipeline)
    network = adapt(base.transformer, WanAdaptation(request.param, rank=2, links=1))
    kit.randomise(network)
    folder = tmp_path_factory.mktemp("trained")
    save_model(Model(base.codec, network, base.tokenizer), folder / "walk.safetensors", False)
    return Engine.load(folder)


def noise(seed: int = 0) -> torch.Generator:
    return keyed_generator(seed, "noise")


def test_two_views_of_a_walk(engine: Engine) -> None:
    """Each with its depth; the second sees the first, and its hint."""
    assert len(engine.weights_hash) == 64
    depth = finish(draw_depth_of_photo(engine, photo(), camera(0), ONE, noise()))
    views = [KnownView(photo(), depth, camera=camera(0))]
    pictures = []
    for index in range(2):
        where = camera(0.1 * (index + 1))
        shown = Hint(photo(), depth, np.full(SIZE, 0.7, np.float32))
        context = open_context(engine, views)
        drawn = finish(draw_view(engine, context, where, shown, ONE, noise(index)))
        asked = draw_depth(engine, context, where, drawn, shown, ONE, noise(index))
        depth = finish(asked)
        assert drawn.shape == (*SIZE, 3)
        assert depth.shape == SIZE
        assert (depth > 0).all()
        views.append(KnownView(drawn, depth, camera=where))
        pictures.append(drawn)
    assert (pictures[0] - pictures[1]).abs().max() > 1e-3
    blind = open_context(engine, views[:1], use_depth=False)
    other = finish(draw_view(engine, blind, camera(0.1), shown, ONE, noise(0)))
    assert (other - pictures[0]).abs().max() > 1e-5


def test_interpolation_and_reconstruction(engine: Engine) -> None:
    few = InterpolationConfig(JointSampling(steps=1))
    between = finish(
        interpolate_pictures(engine, (photo(0), photo(1)), 1, few, noise_of(0, "test"))
    )
    assert between[0].rgb.shape == (*SIZE, 3)
    assert between[0].depth is not None
    views = (KnownView(rgb=photo(0)), KnownView(rgb=photo(1)))
    asked = ((Kind.DEPTH, 0), (Kind.XYZ, 1), (Kind.RAYS, 0), (Kind.RAYS, 1))
    answer = finish(ask(engine, Query(SIZE, views, asked), JointSampling(steps=2), noise()))
    assert answer[0].depth is not None
    assert answer[1].points is not None
    assert answer[1].rays is not None
    assert answer[1].rays.shape == (6, 2, 3)


def test_partly_seen_pictures_keep_what_is_seen(engine: Engine) -> None:
    seen = np.zeros(SIZE, bool)
    seen[:, :32] = True
    views = (KnownView(rgb=photo(0)), KnownView(rgb=photo(0), seen=seen))
    plain = JointSampling(steps=2)
    answer = finish(ask(engine, Query(SIZE, views), plain, noise()))[1]
    assert answer.rgb is not None
    assert answer.rgb.shape == (*SIZE, 3)


def test_words_alone_make_a_scene(engine: Engine) -> None:
    few = GenerationConfig(SIZE, sampling=JointSampling(steps=1, guidance=2.0))
    scene = finish(generate(engine, "a room with doors", few, noise()))
    assert scene.rgb.shape == (*SIZE, 3)
    with pytest.raises(ValueError, match="knows no word of 'zebra'"):
        finish(generate(engine, "zebra", few, noise()))


def test_an_untrained_folder_walks_too(pipeline: Path) -> None:
    engine = Engine.load(pipeline)
    assert len(engine.weights_hash) == 64
    context = open_context(engine, [KnownView(photo(), camera=camera(0))])
    drawn = finish(draw_view(engine, context, camera(0.1), None, ONE, noise()))
    assert drawn.isfinite().all()
