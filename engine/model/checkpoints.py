"""Weights on disk: safetensors with their configuration in the header, 8-bit per row or float32.

Matrices are stored as int8 with one float16 scale for each row (`NAME.scale` beside `NAME`);
vectors and small tensors stay float32. Nothing is ever unpickled.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from engine.model.errors import CheckpointError

_SCALE = ".scale"
_SMALL = 4096
FORMAT = "photowalk-1"
#: How all formats of weights that Photowalk writes begin.
_FORMATS = "photowalk-"


@dataclass(frozen=True)
class Checkpoint:
    """Tensors as float32 with the configuration that they were trained with."""

    tensors: dict[str, Tensor]
    config: dict[str, Any]


def quantise_rows(weight: Tensor) -> tuple[Tensor, Tensor]:
    """int8 values like `weight` and a float16 scale for each row of its first axis."""
    flat = weight.detach().float().flatten(1)
    scale = (flat.abs().amax(1) / 127.0).clamp_min(6e-8).half()
    # A scale rounded down may push the largest value past 127; the clamp costs half a step.
    values = (flat / scale.float()[:, None]).round().clamp(-127, 127).to(torch.int8)
    return values.view_as(weight), scale


def dequantise_rows(values: Tensor, scale: Tensor) -> Tensor:
    return values.float() * scale.float().view(-1, *[1] * (values.ndim - 1))


def save_checkpoint(
    path: Path, tensors: Mapping[str, Tensor], config: Mapping[str, Any], eight_bit: bool = True
) -> None:
    """Writes atomically; `config` must be JSON."""
    stored: dict[str, Tensor] = {}
    for name, tensor in tensors.items():
        tensor = tensor.detach().cpu().contiguous()
        if eight_bit and tensor.ndim >= 2 and tensor.numel() >= _SMALL:
            stored[name], stored[name + _SCALE] = quantise_rows(tensor)
        else:
            stored[name] = tensor.float() if tensor.is_floating_point() else tensor
    header = {"format": FORMAT, "config": json.dumps(dict(config))}
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(path.name + ".part")
    save_file(stored, str(temporary), metadata=header)
    # safetensors writes for the owner alone; installed weights are for all users.
    temporary.chmod(0o644)
    os.replace(temporary, path)


def require_own(path: Path) -> None:
    """What would be replaced there is nothing, or weights of Photowalk's.

    Raises:
        CheckpointError: it is something else.
    """
    if path.is_symlink() or (path.exists() and not stored_header(path).format.startswith(_FORMATS)):
        raise CheckpointError(
            f"{path} holds no weights of Photowalk's and would be replaced; choose another --out, "
            "or move it away"
        )


@dataclass(frozen=True)
class Header:
    """What the header of a safetensors file says, as far as it can be read."""

    format: str = ""
    config: Mapping[str, Any] = field(default_factory=dict)


def stored_header(path: Path) -> Header:
    """Of any file; one that is missing or damaged says nothing, and whoever reads it says why."""
    try:
        with safe_open(str(path), framework="pt") as file:
            found = file.metadata() or {}
        config = json.loads(found.get("config", "{}"))
    except (SafetensorError, OSError):
        return Header()
    except json.JSONDecodeError:
        config = {}
    return Header(found.get("format", ""), config if isinstance(config, dict) else {})


def read_checkpoint(path: Path, device: str = "cpu") -> Checkpoint:
    """Reads either storage form.

    Raises:
        CheckpointError: missing file, not safetensors, or another program's weights.
    """
    if not path.is_file():
        raise CheckpointError(f"there is no weights file {path}; check the path or reinstall")
    try:
        with safe_open(str(path), framework="pt", device=device) as file:
            header = file.metadata() or {}
            stored = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError) as error:
        raise CheckpointError(
            f"{path} is not a readable safetensors file ({error}); fetch it again"
        ) from error
    if header.get("format") != FORMAT:
        raise CheckpointError(
            f"{path} holds no Photowalk weights (format {header.get('format')!r})"
        )
    tensors = {
        name: dequantise_rows(value, stored[name + _SCALE]) if name + _SCALE in stored else value
        for name, value in stored.items()
        if not name.endswith(_SCALE)
    }
    return Checkpoint(tensors, json.loads(header["config"]))
