"""Depth of a photo alone, alike for left and right."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from engine.geometry.cameras import Camera, Intrinsics
from engine.queries import (
    Drawing,
    Engine,
    SamplerSettings,
    draw_depth_of_photo,
    drawing,
    finish,
)
from engine.queries.photo_depth import mirrored
from engine.queries.pictures import FloatArray

LENS = Intrinsics(0.9, 1.35, 0.4, 0.5)
CAMERA = Camera(np.eye(4), LENS)
SETTINGS = SamplerSettings(depth_steps=2)


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


def test_a_photo_needs_nothing_but_itself(engine: Engine) -> None:
    names, depth = passes(draw_depth_of_photo(engine, photo(), CAMERA, SETTINGS, noise()))
    assert names == ["DEPTH"] * 4  # two steps of the photo, two of its mirror image
    assert depth.shape == (32, 48)


def test_left_and_right_are_alike_to_a_photo(engine: Engine, monkeypatch) -> None:
    """Without noise, the depth of the mirror image is the mirror image of the depth."""
    monkeypatch.setattr(
        drawing, "standard_noise", lambda shape, _g, like: torch.zeros(shape, device=like.device)
    )
    rgb = photo()
    depth = finish(draw_depth_of_photo(engine, rgb, CAMERA, SETTINGS, noise()))
    turned = np.ascontiguousarray(rgb[:, ::-1])
    other = finish(draw_depth_of_photo(engine, turned, mirrored(CAMERA), SETTINGS, noise()))
    np.testing.assert_allclose(depth, other[:, ::-1], rtol=2e-3)
    assert depth.std() > 0


def test_a_size_that_is_no_multiple_of_16_is_refused(engine: Engine) -> None:
    with pytest.raises(ValueError, match="multiples of 16"):
        finish(draw_depth_of_photo(engine, photo(30, 48), CAMERA, SETTINGS, noise()))
