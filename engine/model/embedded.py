"""The weights that are installed with the program."""

from __future__ import annotations

from pathlib import Path


def embedded_weights() -> Path:
    """Their file."""
    return Path(__file__).resolve().parents[2] / "assets" / "photowalk.safetensors"
