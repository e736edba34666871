"""Depth of a photo alone: from coarse to fine, alike for left and right."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from engine.geometry.cameras import Camera, Intrinsics
from engine.queries import (
    Drawing,
    Engine,
    SamplerSettings,
    draw_depth_of_photo,
    drawing,
    finish,
    photo_depth,
)
from engine.queries.photo_depth import COARSEST, mirrored, sizes_to_draw
from engine.queries.pictures import FloatArray, depth_picture_tensor

LENS = Intrinsics(0.9, 1.35, 0.4, 0.5)
CAMERA = Camera(np.eye(4), LENS)
SETTINGS = SamplerSettings(depth_steps=2, coarse_to_fine=True)


def photo(height: int = 32, width: int = 48) -> FloatArray:
    return np.random.default_rng(0).random((height, width, 3), dtype=np.float32)


def noise() -> torch.Generator:
    return torch.Generator().manual_seed(0)


def passes(drawn: Drawing[FloatArray]) -> tuple[list[str], FloatArray]:
    names = []
    while True:
        try:
            names.append(next(drawn).picture)
        except StopIteration as stop:
            return names, stop.value


def test_a_small_photo_is_drawn_at_its_own_size_alone(engine: Engine) -> None:
    names, depth = passes(draw_depth_of_photo(engine, photo(), CAMERA, SETTINGS, noise()))
    assert names == ["DEPTH"] * 4  # two steps of the photo, two of its mirror image
    assert depth.shape == (32, 48)


def test_a_large_photo_is_drawn_small_first(engine: Engine) -> None:
    names, depth = passes(draw_depth_of_photo(engine, photo(128, 144), CAMERA, SETTINGS, noise()))
    assert names == ["DEPTH"] * 8
    assert depth.shape == (128, 144)


def test_unless_it_is_asked_for_there_is_one_size(engine: Engine) -> None:
    plain = SamplerSettings(depth_steps=2)
    names, _ = passes(draw_depth_of_photo(engine, photo(128, 144), CAMERA, plain, noise()))
    assert names == ["DEPTH"] * 4


@given(st.integers(1, 80), st.integers(1, 80))
def test_sizes_double_from_the_coarsest_to_the_photo(rows: int, columns: int) -> None:
    sizes = sizes_to_draw((16 * rows, 16 * columns))
    assert sizes[-1] == (16 * rows, 16 * columns)
    assert len(sizes) == 1 or min(sizes[0]) >= COARSEST
    assert min(sizes[0]) < 2 * COARSEST
    for small, large in itertools.pairwise(sizes):
        for a, b in zip(small, large, strict=True):
            assert a % 16 == 0
            assert abs(2 * a - b) <= 16
    assert sizes_to_draw((144, 256)) == [(80, 128), (144, 256)]


def test_the_large_drawing_stands_on_the_small_one(engine: Engine, monkeypatch) -> None:
    """What is drawn at half the size reaches the drawing at the whole, half hidden by noise."""
    starts = []

    def record(predict, start, flow, name):
        starts.append((start, flow.start))
        return euler(predict, start, flow, name)

    euler = drawing.euler
    monkeypatch.setattr(drawing, "euler", record)
    monkeypatch.setattr(
        drawing, "standard_noise", lambda shape, _g, like: torch.zeros(shape, device=like.device)
    )
    flat = torch.full((1, 1, 64, 80), 2.0)
    drawn = depth_picture_tensor(flat, 2.0)
    monkeypatch.setattr(
        engine.codec, "decode", lambda latent: drawn if latent.shape[-2:] == (8, 10) else latent
    )
    monkeypatch.setattr(photo_depth, "depth_array", lambda picture, rgb, scale: rgb[..., 0])
    one = SamplerSettings(depth_steps=1, coarse_to_fine=True)
    finish(draw_depth_of_photo(engine, photo(128, 160), CAMERA, one, noise()))
    assert [level for _, level in starts] == [1.0, 1.0, photo_depth.REDRAWN, photo_depth.REDRAWN]
    assert not starts[0][0].any()
    large = torch.nn.functional.interpolate(drawn, size=(128, 160))
    expected = (1 - photo_depth.REDRAWN) * engine.codec.encode(large)
    torch.testing.assert_close(starts[2][0], expected, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("size", [(32, 48), (128, 144)])
def test_left_and_right_are_alike_to_a_photo(
    engine: Engine, monkeypatch, size: tuple[int, int]
) -> None:
    """Without noise, the depth of the mirror image is the mirror image of the depth."""
    monkeypatch.setattr(
        drawing, "standard_noise", lambda shape, _g, like: torch.zeros(shape, device=like.device)
    )
    rgb = photo(*size)
    depth = finish(draw_depth_of_photo(engine, rgb, CAMERA, SETTINGS, noise()))
    turned = np.ascontiguousarray(rgb[:, ::-1])
    other = finish(draw_depth_of_photo(engine, turned, mirrored(CAMERA), SETTINGS, noise()))
    np.testing.assert_allclose(depth, other[:, ::-1], rtol=2e-3)
    assert depth.std() > 0


def test_a_size_that_is_no_multiple_of_16_is_refused(engine: Engine) -> None:
    with pytest.raises(ValueError, match="multiples of 16"):
        finish(draw_depth_of_photo(engine, photo(30, 48), CAMERA, SETTINGS, noise()))
