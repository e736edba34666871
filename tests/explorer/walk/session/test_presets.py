from __future__ import annotations

from dataclasses import replace

import pytest

from explorer.walk.records import WalkSettings
from explorer.walk.session.presets import PRESETS, SecondsModel


def test_estimates_rise_from_draft_to_best() -> None:
    model = SecondsModel()
    seconds = [model.estimate(p.applied(WalkSettings()), p.size) for p in PRESETS]
    assert seconds == sorted(seconds)
    assert not model.measured


def test_what_was_measured_is_what_is_told_and_scales_with_steps() -> None:
    model = SecondsModel()
    settings = PRESETS[1].applied(WalkSettings())
    model.learn({"context": 0.02, "steps": 0.02, "decode": 0.01}, 2, (256, 144))
    assert model.estimate(settings, (256, 144)) == pytest.approx(0.05)
    assert model.estimate(settings, (512, 288)) == pytest.approx(0.2)
    four = replace(settings, sampler=replace(settings.sampler, rgb_steps=4, depth_steps=2))
    assert model.estimate(four, (256, 144)) == pytest.approx(0.03 + 6 * 0.01)


def test_a_preset_leaves_seed_and_caption() -> None:
    settings = WalkSettings(seed=7, strategy="pose")
    applied = PRESETS[0].applied(settings)
    assert (applied.seed, applied.strategy) == (7, "pose")
    assert applied.depth_every == PRESETS[0].depth_every
