"""Noise that depends on what is drawn, never on what was drawn before."""

from __future__ import annotations

import hashlib
from typing import Literal

import torch

PictureKind = Literal["rgb", "depth"]


def noise_seed(walk_seed: int, view_id: int, kind: PictureKind) -> int:
    """A seed of 63 bits, from a cryptographic hash: neighbouring inputs share nothing."""
    digest = hashlib.blake2b(f"{walk_seed}/{view_id}/{kind}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little") >> 1


def noise_generator(walk_seed: int, view_id: int, kind: PictureKind) -> torch.Generator:
    """The only source of chance for one picture of one view.

    It always lives on the CPU, so that another device draws from the same noise.
    """
    generator = torch.Generator(device="cpu")
    generator.manual_seed(noise_seed(walk_seed, view_id, kind))
    return generator
