"""Settings of a walk as JSON values, and back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, fields
from typing import Any

from engine.queries import SamplerSettings
from explorer.walk.records import WalkSettings


def settings_to_json(settings: WalkSettings) -> dict[str, Any]:
    """Values that JSON can hold."""
    return asdict(settings)


def settings_from_json(values: Mapping[str, Any]) -> WalkSettings:
    """Settings that an older or newer version wrote: what it did not know has its default, and
    what this version does not know is left out.

    Raises:
        ValueError: a value that makes no sense.
    """
    known = _known(WalkSettings, values)
    known["sampler"] = SamplerSettings(**_known(SamplerSettings, values.get("sampler", {})))
    return WalkSettings(**known)


def _known(of: Any, values: Mapping[str, Any]) -> dict[str, Any]:
    names = {field.name for field in fields(of)}
    return {name: value for name, value in values.items() if name in names}
