"""Adapters on disk: safetensors whose header names the weights that they belong to."""

from __future__ import annotations

import json
import os
from dataclasses import asdict
from pathlib import Path
from typing import Protocol

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from engine.model.checkpoints import CheckpointError

_FORMAT = "photowalk adapters 1"


class Adapted(Protocol):
    """A network with something trained beside frozen weights."""

    def trained(self) -> dict[str, Tensor]: ...


def save_adapters(network: Adapted, path: Path, base_hash: str, config: object) -> None:
    """Writes what was trained; whole or not at all.

    Args:
        base_hash: of the weights that stayed frozen.
        config: a dataclass, stored for whoever builds the network again.
    """
    header = {
        "format": _FORMAT,
        "network": type(network).__name__,
        "base": base_hash,
        "config": json.dumps(asdict(config)),  # type: ignore[call-overload]
    }
    tensors = {name: t.detach().contiguous().cpu() for name, t in network.trained().items()}
    temporary = path.with_name(path.name + ".part")
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        save_file(tensors, str(temporary), header)
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def load_adapters(network: Adapted, path: Path, base_hash: str) -> None:
    """Fills a network of the same shape with stored adapters.

    Raises:
        CheckpointError: no such file, another format, another network, other frozen weights.
    """
    try:
        with safe_open(str(path), framework="pt") as file:
            header = file.metadata() or {}
            stored = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (OSError, SafetensorError) as error:
        raise CheckpointError(f"{path} holds no adapters that can be read ({error})") from error
    if header.get("format") != _FORMAT:
        raise CheckpointError(f"{path} holds no adapters of this program")
    if header.get("network") != type(network).__name__:
        raise CheckpointError(f"{path} was trained for a {header.get('network')}")
    if header.get("base") != base_hash:
        raise CheckpointError(
            f"{path} belongs to other weights ({str(header.get('base'))[:12]}…); load those"
        )
    _fill(network.trained(), stored, path)


def _fill(own: dict[str, Tensor], stored: dict[str, Tensor], path: Path) -> None:
    different = own.keys() ^ stored.keys() or {
        name for name in own if own[name].shape != stored[name].shape
    }
    if different:
        raise CheckpointError(
            f"{path} was trained with another rank or other links ({sorted(different)[0]})"
        )
    with torch.no_grad():
        for name, tensor in own.items():
            tensor.copy_(stored[name])
