"""Writes reports: dataclasses as JSON, sheets and curves as PNG, each whole or not at all."""

from __future__ import annotations

import dataclasses
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from explorer.walk.results import write_result


def as_json(value: Any) -> Any:
    """Dataclasses, paths and numbers as JSON values; what is not finite becomes null."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: as_json(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, dict):
        return {str(key): as_json(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [as_json(item) for item in value]
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def write_json(report: Any, path: Path) -> None:
    """Writes a report dataclass whole or not at all; nothing of the user's is replaced."""
    text = json.dumps(as_json(report), indent=1) + "\n"
    write_result(path, lambda temporary: temporary.write_text(text, encoding="utf-8"))


def write_picture(rgb: NDArray[np.uint8], path: Path) -> None:
    """Writes (H, W, 3) uint8 as a PNG, as `write_json` does."""
    write_result(path, lambda temporary: Image.fromarray(rgb).save(temporary, format="PNG"))
