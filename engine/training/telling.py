"""Small words that the training commands share."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path


def listed(values: Mapping[str, float], digits: int = 4) -> str:
    """Names and numbers on one line."""
    return "  ".join(f"{name} {value:.{digits}f}" for name, value in sorted(values.items()))


def log_entry(path: Path, entry: dict[str, object]) -> None:
    """One more line of JSON."""
    with path.open("a") as log:
        log.write(json.dumps(entry) + "\n")


def picture_size(text: str, option: str = "--size") -> tuple[int, int]:
    """(width, height) of `WIDTHxHEIGHT`, both multiples of 16; `option` is who gave it.

    Raises:
        ValueError: it is not written so.
    """
    parts = text.lower().split("x")
    if len(parts) != 2 or not all(p.isdigit() and int(p) > 0 and int(p) % 16 == 0 for p in parts):
        raise ValueError(f"{option} must be WIDTHxHEIGHT in multiples of 16, not {text!r}")
    return int(parts[0]), int(parts[1])
