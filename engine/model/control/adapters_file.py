"""Adapters on disk: safetensors whose header names the weights that they belong to."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from engine.model.errors import CheckpointError

FORMAT = "photowalk-adapters-1"


@dataclass(frozen=True)
class StoredAdapters:
    """Attributes:
    path: where they were read.
    base: hash of the weights that stayed frozen.
    config: how the adapted network is built, as JSON has it.
    tensors: what was trained, by name.
    """

    path: Path
    base: str
    config: Mapping[str, Any]
    tensors: Mapping[str, Tensor]

    def check_base(self, base: str) -> None:
        """
        Raises:
            CheckpointError: the adapters were trained beside other weights.
        """
        if base != self.base:
            raise CheckpointError(
                f"{self.path} belongs to weights {self.base[:12]}, not to {base[:12]}; "
                "load the model that it was trained on"
            )

    def fill(self, trained: Mapping[str, Tensor]) -> None:
        """Copies the stored values into the tensors of a network.

        Raises:
            CheckpointError: names or shapes differ; nothing is changed then.
        """
        different = trained.keys() ^ self.tensors.keys() or {
            name for name, own in trained.items() if own.shape != self.tensors[name].shape
        }
        if different:
            raise CheckpointError(
                f"{self.path} does not fit this network (first difference: {min(different)}); "
                "it was trained by another version"
            )
        with torch.no_grad():
            for name, own in trained.items():
                own.copy_(self.tensors[name])


def weights_hash(module: nn.Module) -> str:
    """SHA-256 of names, shapes, types and bytes of all parameters and buffers, hex."""
    digest = hashlib.sha256()
    for name, tensor in sorted(module.state_dict().items()):
        digest.update(f"{name} {tuple(tensor.shape)} {tensor.dtype}\n".encode())
        # As bytes, because numpy has no bfloat16.
        raw = tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8)
        digest.update(raw.numpy().data)
    return digest.hexdigest()


def save_adapters(
    path: Path, trained: Mapping[str, Tensor], base: str, config: Mapping[str, Any]
) -> None:
    """Writes atomically.

    Args:
        base: see `weights_hash`.
        config: must be JSON.
    """
    tensors = {name: t.detach().cpu().contiguous() for name, t in trained.items()}
    header = {"format": FORMAT, "base": base, "config": json.dumps(dict(config))}
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(path.name + ".part")
    try:
        save_file(tensors, str(temporary), metadata=header)
        # safetensors writes for the owner alone; shared weights are for all users.
        temporary.chmod(0o644)
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def read_adapters(path: Path) -> StoredAdapters:
    """
    Raises:
        CheckpointError: missing, damaged, or another kind of file.
    """
    if not path.is_file():
        raise CheckpointError(f"there is no adapters file {path}; check the path")
    try:
        with safe_open(str(path), framework="pt") as file:
            header = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError) as error:
        raise CheckpointError(
            f"{path} is not a readable safetensors file ({error}); fetch or train it again"
        ) from error
    if header.get("format") != FORMAT:
        raise CheckpointError(
            f"{path} holds no adapters of Photowalk (format {header.get('format')!r}); "
            "whole models are loaded as models"
        )
    broken = [name for name, t in tensors.items() if not bool(t.isfinite().all())]
    if broken:
        raise CheckpointError(f"{path} is damaged ({broken[0]} is not finite); train it again")
    return StoredAdapters(path, header.get("base", ""), _config(path, header), tensors)


def _config(path: Path, header: Mapping[str, str]) -> Mapping[str, Any]:
    try:
        config = json.loads(header["config"])
    except (KeyError, json.JSONDecodeError) as error:
        raise CheckpointError(f"{path} has a damaged header ({error}); train it again") from error
    if not isinstance(config, dict):
        raise CheckpointError(f"{path} has a damaged header (no configuration); train it again")
    return config
