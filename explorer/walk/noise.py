"""Noise that depends on what is drawn, never on what was drawn before."""

from __future__ import annotations

from typing import Literal

import torch

from engine.sampling.keys import keyed_generator

PictureKind = Literal["rgb", "depth"]


def noise_generator(walk_seed: int, view_id: int, kind: PictureKind) -> torch.Generator:
    """The only source of chance for one picture of one view."""
    return keyed_generator(walk_seed, view_id, kind)
