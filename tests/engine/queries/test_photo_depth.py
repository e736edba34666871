"""Depth of a photo alone, alike for left and right."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import engine.queries.answers as answers
import engine.sampling.joint as joint
from engine.geometry.cameras import Camera, Intrinsics
from engine.queries import Drawing, Engine, KnownView, SamplerSettings, draw_depth_of_photo, finish
from engine.queries.observed import Frame, observed_views
from engine.queries.photo_depth import size_for_depth
from engine.queries.query import FloatArray

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
        joint, "standard_noise", lambda shape, _g, like: torch.zeros(shape, device=like.device)
    )
    rgb = photo()
    depth = finish(draw_depth_of_photo(engine, rgb, CAMERA, SETTINGS, noise()))
    turned = np.ascontiguousarray(rgb[:, ::-1])
    other = finish(draw_depth_of_photo(engine, turned, CAMERA.mirrored(), SETTINGS, noise()))
    np.testing.assert_allclose(depth, other[:, ::-1], rtol=2e-3)
    assert depth.std() > 0


def test_a_size_that_is_no_multiple_of_16_is_refused(engine: Engine) -> None:
    with pytest.raises(ValueError, match="multiples of 16"):
        finish(draw_depth_of_photo(engine, photo(30, 48), CAMERA, SETTINGS, noise()))


@pytest.mark.parametrize(
    ("size", "drawn_at"),
    [
        ((144, 256), (256, 448)),
        ((160, 208), (304, 384)),
        ((32, 48), (64, 96)),  # no more than twice as large
        ((288, 512), (288, 512)),  # large as it is
    ],
)
def test_small_photos_are_drawn_larger(size: tuple[int, int], drawn_at: tuple[int, int]) -> None:
    assert size_for_depth(size) == drawn_at


@given(rows=st.integers(1, 60), columns=st.integers(1, 60))
def test_every_photo_keeps_about_its_shape(rows: int, columns: int) -> None:
    height, width = size_for_depth((16 * rows, 16 * columns))
    assert height % 16 == width % 16 == 0
    assert 16 * rows <= height <= 32 * rows
    assert 16 * columns <= width <= 32 * columns
    larger = (height / rows / 16, width / columns / 16)
    assert abs(larger[0] - larger[1]) <= 0.5 / min(rows, columns) + 0.5 / max(rows, columns)


def test_the_network_sees_the_enlarged_photo(engine: Engine, monkeypatch) -> None:
    seen = []

    def watched(engine: Engine, views: Sequence[KnownView], frame: Frame, *others: object):
        seen.append((frame.size, views[0].rgb))
        return observed_views(engine, views, frame, *others)

    monkeypatch.setattr(answers, "observed_views", watched)
    rgb = photo()
    finish(draw_depth_of_photo(engine, rgb, CAMERA, SETTINGS, noise()))
    assert [size for size, _ in seen] == [(64, 96)] * 2
    reference = cv2.resize(rgb, (96, 64), interpolation=cv2.INTER_CUBIC).clip(0, 1)
    np.testing.assert_allclose(seen[0][1], reference, atol=1e-4)
    np.testing.assert_array_equal(seen[1][1], seen[0][1][:, ::-1])
