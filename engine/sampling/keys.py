"""Noise by name: the same seed and name give the same noise, whatever was drawn in between."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

import torch

Noise = Callable[[int], torch.Generator]
"""The generator of picture or sample 0, 1, …"""


def keyed_seed(*parts: int | str) -> int:
    """A seed of 63 bits, from a cryptographic hash: neighbouring parts share nothing."""
    name = "/".join(str(part) for part in parts)
    digest = hashlib.blake2b(name.encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little") >> 1


def keyed_generator(*parts: int | str) -> torch.Generator:
    """A generator that depends on nothing but `parts`.

    It always lives on the CPU, so that another device draws from the same noise.
    """
    generator = torch.Generator(device="cpu")
    generator.manual_seed(keyed_seed(*parts))
    return generator


def noise_of(seed: int, name: str) -> Noise:
    """Generators of the pictures of one query."""
    return lambda index: keyed_generator(seed, name, index)
