"""Depth and pictures against the strength of the caption."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from engine.model.kinds import Kind
from engine.queries.answers import AnsweredView
from explorer.evaluation.systems import guidance, points


def answers(sample):
    """The truth, as a model would answer it."""
    first = sample.views[0]
    return tuple(
        AnsweredView(
            {
                Kind.RGB: torch.as_tensor(view.rgb),
                Kind.XYZ: torch.as_tensor(points._in_first_frame(view.depth, view, first)),
            }
        )
        for view in sample.views
    )


def test_points_of_all_views_are_read_in_their_own_frame(samples):
    for sample in samples:
        for view, answer in zip(sample.views, answers(sample), strict=True):
            found = guidance.depth_in(view.camera, sample, answer)
            np.testing.assert_allclose(found, view.depth, atol=1e-4)


def test_sky_and_what_lies_behind_the_camera_is_far(samples):
    sample = samples[0]
    points = answers(sample)[0].points.copy()
    points[0, 0], points[0, 1] = np.inf, (0.0, 0.0, -1.0)
    found = guidance.depth_in(
        sample.views[0].camera, sample, AnsweredView({Kind.XYZ: torch.as_tensor(points)})
    )
    assert np.isposinf(found[0, :2]).all()
    assert np.isfinite(found[1:]).all()


def darkened(answer):
    return AnsweredView({**answer.drawn, Kind.RGB: answer.drawn[Kind.RGB] * 0.5})


def test_the_truth_scores_best(engine, samples, monkeypatch):
    def drawn(_engine, sample, scale, _options):
        true = answers(sample)
        return true if scale == 1 else tuple(darkened(a) for a in true)

    monkeypatch.setattr(guidance, "drawn_from_one", drawn)
    options = guidance.GuidanceOptions(scales=(1.0, 3.0))
    found = guidance.guidance_table(engine, samples, options, lambda: None)
    best, darker = found.rows
    assert best.values[:4] == pytest.approx((0.0, 1.0, 60.0, 0.0), abs=1e-4)
    assert darker.values[2] < 20
    assert darker.values[3] > 0
    assert [row.name for row in found.rows] == ["guidance 1", "guidance 3"]


def test_the_caption_guides_as_strongly_as_it_is_told(engine, samples):
    sample = replace(samples[0], caption="a room")
    options = guidance.GuidanceOptions(steps=2)
    one, again, more = (
        guidance.drawn_from_one(engine, sample, scale, options)[1].rgb for scale in (1.0, 1.0, 6.0)
    )
    np.testing.assert_array_equal(one, again)
    assert np.abs(one - more).max() > 1e-3
