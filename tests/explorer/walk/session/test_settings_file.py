"""Settings as a walk file has them, from whomever."""

from __future__ import annotations

from typing import Any

import pytest

from engine.queries import SamplerSettings
from explorer.walk.records import WalkSettings
from explorer.walk.session.settings_file import settings_from_json, settings_to_json


def test_settings_come_back() -> None:
    settings = WalkSettings(depth_every=3, raw=True, sampler=SamplerSettings(caption="a room"))
    assert settings_from_json(settings_to_json(settings)) == settings


def test_what_is_not_said_or_not_known_has_its_default() -> None:
    assert settings_from_json({"seed": 4, "of a later version": 1}) == WalkSettings(seed=4)


@pytest.mark.parametrize(
    "values",
    [
        {"depth_every": "often"},
        {"depth_every": True},
        {"seed": 1.5},
        {"strategy": ["coverage"]},
        {"raw": 1},
        {"sampler": [1]},
        {"sampler": {"rgb_steps": None}},
        {"sampler": {"caption": 3}},
    ],
)
def test_values_without_sense_are_one_sentence(values: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="of a walk"):
        settings_from_json(values)
