"""Checkpoints are chosen by what a walk would draw."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from engine.geometry.cameras import Camera, Intrinsics
from engine.queries import Engine, SamplerSettings, draw_depth_of_photo, finish
from engine.training import held_out
from engine.training.entries import EntryConfig
from engine.training.held_out import HeldOutScore, held_out_score
from engine.training.sequences import PosedSequence
from tests.tiny_model import tiny_model

SIZE = (32, 48)
CONFIG = EntryConfig(size=SIZE, targets=1)
CPU = torch.device("cpu")


@pytest.fixture
def sequence() -> PosedSequence:
    generator = torch.Generator().manual_seed(0)
    cameras = []
    for index in range(4):
        T = np.eye(4)
        T[0, 3] = 0.2 * index
        cameras.append(Camera(T, Intrinsics.from_fov(60, 1.5)))
    depth = 1 + torch.rand(4, 1, *SIZE, generator=generator)
    return PosedSequence(torch.rand(4, 3, *SIZE, generator=generator), depth, tuple(cameras), "a")


def test_a_photos_depth_is_scored_as_a_walk_draws_it(sequence: PosedSequence) -> None:
    model = tiny_model()
    score = held_out_score(model, [sequence], CONFIG, CPU)
    rgb = np.ascontiguousarray(sequence.rgb[0].permute(1, 2, 0).numpy())
    camera = Camera(np.eye(4), sequence.cameras[0].intrinsics)
    asked = draw_depth_of_photo(
        Engine.of(model), rgb, camera, SamplerSettings(), torch.Generator().manual_seed(7)
    )
    depth, truth = finish(asked), sequence.depth[0, 0].numpy()
    known = np.isfinite(depth)
    ratio = depth[known] / truth[known]
    ratio /= np.median(ratio)
    assert score.photo_abs_rel == pytest.approx(float(np.abs(ratio - 1).mean()), rel=1e-4)
    again = held_out_score(model, [sequence], CONFIG, CPU)
    np.testing.assert_allclose(list(vars(again).values()), list(vars(score).values()))


def test_views_are_asked_for_by_the_walks_own_queries(
    sequence: PosedSequence, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []
    plain = held_out.draw_view

    def watched(engine, context, camera, hint, settings, generator):
        asked.append((context.slots, hint is not None, settings))
        return plain(engine, context, camera, hint, settings, generator)

    monkeypatch.setattr(held_out, "draw_view", watched)
    score = held_out_score(tiny_model(), [sequence], CONFIG, CPU)
    assert isinstance(score, HeldOutScore)
    assert asked == [(2, True, SamplerSettings()), (2, False, SamplerSettings())]
    assert score.view_psnr != score.blind_psnr
