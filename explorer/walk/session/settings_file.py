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
    known = _known(WalkSettings(), values)
    known["sampler"] = SamplerSettings(**_known(SamplerSettings(), values.get("sampler", {})))
    return WalkSettings(**known)


def _known(default: Any, values: object) -> dict[str, Any]:
    """Those of a settings' values that are plain, each of the type of its default."""
    if not isinstance(values, Mapping):
        raise ValueError(f"{str(values)[:40]!r} are no settings of a walk")
    plain = {f.name: getattr(default, f.name) for f in fields(default) if f.name != "sampler"}
    found = {name: value for name, value in values.items() if name in plain}
    for name, value in found.items():
        if type(value) is not type(plain[name]):
            raise ValueError(f"{str(value)[:40]!r} is no {name} of a walk")
    return found
