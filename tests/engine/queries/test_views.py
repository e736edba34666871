"""The walk's queries on a small random model: units, frames, stopping, the cached context."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from engine.geometry.cameras import Camera, Intrinsics
from engine.model.kinds import Kind
from engine.queries import (
    Engine,
    Hint,
    JointSampling,
    KnownView,
    Query,
    SamplerSettings,
    ask,
    draw_depth,
    draw_view,
    finish,
    open_context,
)

SIZE = (32, 48)
LENS = Intrinsics.from_fov(60, 48 / 32)
SETTINGS = SamplerSettings(rgb_steps=2, depth_steps=2)


def camera(x: float = 0.0, scale: float = 1.0) -> Camera:
    T = np.eye(4)
    T[0, 3] = x * scale
    return Camera(T, LENS)


def view(seed: int, x: float = 0.0, scale: float = 1.0) -> KnownView:
    rng = np.random.default_rng(seed)
    rgb = rng.random((*SIZE, 3), dtype=np.float32)
    depth = (1 + rng.random(SIZE, dtype=np.float32)) * scale
    return KnownView(rgb, depth.astype(np.float32), camera=camera(x, scale))


def noise(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def hint(scale: float = 1.0) -> Hint:
    rng = np.random.default_rng(9)
    coverage = np.ones(SIZE, np.float32)
    coverage[:, :10] = 0
    depth = np.full(SIZE, 2.0 * scale, np.float32)
    depth[:, :10] = np.nan
    depth[:5, 20:] = np.inf
    return Hint(rng.random((*SIZE, 3), dtype=np.float32), depth, coverage)


def test_answers_have_the_units_and_shapes_promised(engine: Engine) -> None:
    context = open_context(engine, [view(0), view(1, 0.2)])
    drawn = finish(draw_view(engine, context, camera(0.1), hint(), SETTINGS, noise()))
    depth = finish(draw_depth(engine, context, camera(0.1), drawn, hint(), SETTINGS, noise()))
    assert drawn.shape == (*SIZE, 3)
    assert drawn.dtype == depth.dtype == torch.float32
    assert 0 <= drawn.min() <= drawn.max() <= 1
    assert depth.shape == SIZE
    assert not depth.isnan().any()
    assert (depth > 0).all()


@pytest.mark.parametrize("scale", [0.01, 300.0])
def test_the_scale_of_the_scene_does_not_reach_the_network(engine: Engine, scale: float) -> None:
    """A doll's house and a valley of the same look are drawn the same, in their units."""
    pictures, depths = [], []
    for size in (1.0, scale):
        context = open_context(engine, [view(0, 0.0, size), view(1, 0.2, size)])
        drawn = finish(draw_view(engine, context, camera(0.1, size), hint(size), SETTINGS, noise()))
        asked = draw_depth(engine, context, camera(0.1, size), drawn, hint(size), SETTINGS, noise())
        pictures.append(drawn)
        depths.append(finish(asked) / size)
    np.testing.assert_allclose(pictures[0], pictures[1], atol=1e-3)
    near = depths[0] < 20
    np.testing.assert_allclose(depths[0][near], depths[1][near], rtol=0.02)


def test_where_the_world_lies_does_not_reach_the_network(engine: Engine) -> None:
    """Everything is relative to the anchor: a moved and turned world gives the same picture."""
    angle = 0.7
    T_moved_world = np.array(
        [
            [np.cos(angle), 0, np.sin(angle), 100.0],
            [0, 1, 0, -7.0],
            [-np.sin(angle), 0, np.cos(angle), 3.0],
            [0, 0, 0, 1],
        ]
    )

    def moved(camera_: Camera) -> Camera:
        return Camera(T_moved_world @ camera_.T_world_camera, camera_.intrinsics)

    views = [view(0), view(1, 0.2)]
    here = open_context(engine, views)
    there = open_context(engine, [replace(v, camera=moved(v.camera)) for v in views])
    a = finish(draw_view(engine, here, camera(0.1), None, SETTINGS, noise()))
    b = finish(draw_view(engine, there, moved(camera(0.1)), None, SETTINGS, noise()))
    np.testing.assert_allclose(a, b, atol=2e-3)


def test_noise_and_every_input_matter(engine: Engine) -> None:
    context = open_context(engine, [view(0), view(1, 0.2)])

    def draw(**changes: object) -> np.ndarray:
        given = {"context": context, "camera": camera(0.1), "hint": hint(), "noise": noise()}
        given |= changes
        asked = draw_view(
            engine, given["context"], given["camera"], given["hint"], SETTINGS, given["noise"]
        )
        return finish(asked).numpy()

    plain = draw()
    np.testing.assert_array_equal(plain, draw(noise=noise()))
    others = {
        "noise": draw(noise=noise(1)),
        "camera": draw(camera=camera(0.4)),
        "hint": draw(hint=None),
        "context": draw(context=open_context(engine, [view(0)])),
        "depth": draw(context=open_context(engine, [view(0), view(1, 0.2)], use_depth=False)),
    }
    for name, picture in others.items():
        assert np.abs(plain - picture).max() > 1e-5, name


def test_a_hint_that_shows_nothing_is_no_hint(engine: Engine) -> None:
    context = open_context(engine, [view(0)])
    nothing = np.zeros(SIZE, np.float32)
    empty = Hint(np.zeros((*SIZE, 3), np.float32), nothing * np.nan, nothing)
    a = finish(draw_view(engine, context, camera(), empty, SETTINGS, noise()))
    b = finish(draw_view(engine, context, camera(), None, SETTINGS, noise()))
    np.testing.assert_array_equal(a, b)


def test_the_anchor_goes_first(engine: Engine) -> None:
    views = [view(0), view(1, 0.2, scale=3.0)]
    assert open_context(engine, views).scale == pytest.approx(1.5, abs=0.1)
    second = open_context(engine, views, anchor=1)
    assert second.scale == pytest.approx(4.5, abs=0.3)
    np.testing.assert_allclose(second.anchor.position, views[1].camera.position)


def test_a_simulated_warp_is_a_picture(engine: Engine) -> None:
    context = open_context(engine, [view(0)])
    asked = Query(SIZE, (KnownView(camera=camera(0.1)),), ((Kind.WARP, 0),), context=context)
    warp = finish(ask(engine, asked, JointSampling(2), noise()))[0].warp
    assert warp.shape == (*SIZE, 3)
    # Known, it is what the view is drawn from (seed 003, eq. 9 and variant 2).
    pictures = []
    for shown in (warp, 1 - warp):
        known = KnownView(camera=camera(0.1), warp=shown)
        query = Query(SIZE, (known,), ((Kind.RGB, 0),), context=context)
        pictures.append(finish(ask(engine, query, JointSampling(2), noise()))[0].rgb)
    assert np.abs(pictures[0] - pictures[1]).max() > 1e-5


def test_bad_sizes_are_refused(engine: Engine) -> None:
    small = KnownView(np.zeros((16, 16, 3), np.float32), camera=camera())
    with pytest.raises(ValueError, match="one size"):
        open_context(engine, [view(0), small])
    with pytest.raises(ValueError, match="needs the size"):
        open_context(engine, [])


def test_read_only_arrays_are_welcome(engine: Engine) -> None:
    frozen = view(0)
    frozen.rgb.setflags(write=False)
    assert frozen.depth is not None
    frozen.depth.setflags(write=False)
    assert open_context(engine, [frozen]).slots == 1
