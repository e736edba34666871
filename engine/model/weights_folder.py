"""A folder with a model in it, as `save_pretrained` leaves it: is it whole, is it safe to open?

Looks at names and headers alone, and needs no torch: what only lists or fetches models starts fast.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open

from engine.model.errors import CheckpointError
from engine.model.inner_files import OutsideError, plain_name

PICKLES = ("*.bin", "*.pt", "*.pth", "*.ckpt", "*.pkl")
#: Without their ending, the files that transformers and diffusers look for, in this order.
_STEMS = ("model", "diffusion_pytorch_model")
_INDEX = ".safetensors.index.json"


@dataclass(frozen=True)
class WeightsFolder:
    """A folder that was looked through.

    Attributes:
        path: where it is.
        config: its config.json.
        weights: its safetensors files, sorted.
    """

    path: Path
    config: dict[str, Any]
    weights: tuple[Path, ...]

    @property
    def class_name(self) -> str:
        """The class that saved it; empty where it does not say."""
        return class_named(self.config)

    @property
    def bytes(self) -> int:
        """Of the files; read in a smaller type, the weights take less memory than that."""
        return sum(path.stat().st_size for path in self.weights)

    def hash(self) -> str:
        """SHA-256 of the weights: of one file its own, as the hub states it; of several that of
        their hashes in order."""
        hashes = [file_hash(path) for path in self.weights]
        return (
            hashes[0] if len(hashes) == 1 else hashlib.sha256("".join(hashes).encode()).hexdigest()
        )


def open_folder(path: Path, classes: Sequence[str] = ()) -> WeightsFolder:
    """config.json beside safetensors, whole or in shards, that are sound as far as headers tell.

    Args:
        classes: one of these must have saved it; any may where none is named.

    Raises:
        CheckpointError: one sentence about what is missing, damaged, of another class, or not safe
            to open.
    """
    if not path.is_dir():
        raise CheckpointError(f"{path.parent} has no folder {path.name}; fetch the whole model")
    config = read_object(path / "config.json")
    name = class_named(config)
    if classes and name not in classes:
        raise CheckpointError(
            f"{path} holds {f'a {name}' if name else 'a model of no known class'}; "
            f"Photowalk reads {' or '.join(classes)} there"
        )
    weights = _weights(path)
    for file in weights:
        check_safetensors(file)
    return WeightsFolder(path, config, weights)


def class_named(config: dict[str, Any]) -> str:
    """The class that a config.json of transformers or diffusers names; empty where none."""
    architectures = config.get("architectures")
    if isinstance(architectures, list) and architectures:
        return str(architectures[0])
    return str(config.get("_class_name", ""))


def read_object(path: Path) -> dict[str, Any]:
    """An object from a JSON file.

    Raises:
        CheckpointError: it is missing, or something else.
    """
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise CheckpointError(
            f"{path.parent} has no {path.name}; it is no whole model, fetch or save it again"
        ) from error
    except (OSError, ValueError) as error:
        raise CheckpointError(f"{path} is not readable JSON; fetch or save it again") from error
    if not isinstance(document, dict):
        raise CheckpointError(f"{path} is not a JSON object; fetch or save it again")
    return document


def check_safetensors(path: Path) -> None:
    """Reads the header, and whether the file is as long as that says.

    Raises:
        CheckpointError: it is damaged.
    """
    try:
        with safe_open(str(path), framework="np") as opened:
            opened.keys()
    except (SafetensorError, OSError) as error:
        raise CheckpointError(f"{path} is damaged ({error}); fetch or save it again") from error


def file_hash(path: Path) -> str:
    """SHA-256 of a file, hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _weights(path: Path) -> tuple[Path, ...]:
    for stem in _STEMS:
        single, index = path / f"{stem}.safetensors", path / f"{stem}{_INDEX}"
        if single.is_file():
            return (single,)
        if index.is_file():
            return _shards(index)
    if loose := sorted(path.glob("*.safetensors")):
        raise CheckpointError(
            f"{path} holds {loose[0].name}, but no {_STEMS[0]}.safetensors and no index that names "
            "its parts; fetch the whole model"
        )
    pickles = sorted(found.name for pattern in PICKLES for found in path.glob(pattern))
    if pickles:
        raise CheckpointError(
            f"{path} holds its weights only as {pickles[0]}, a format that can run code when it is "
            "opened; save it as safetensors"
        )
    names = " or ".join(f"{stem}.safetensors" for stem in _STEMS)
    raise CheckpointError(f"{path} holds no weights ({names}); fetch or save them again")


def _shards(index: Path) -> tuple[Path, ...]:
    named = read_object(index).get("weight_map")
    if not isinstance(named, dict) or not named:
        raise CheckpointError(f"{index} names no weights; fetch or save it again")
    try:
        names = sorted({plain_name(name) for name in named.values()})
    except OutsideError as error:
        raise CheckpointError(f"{index} names a file outside its folder ({error})") from error
    missing = [name for name in names if not (index.parent / name).is_file()]
    if missing:
        raise CheckpointError(f"{index.parent} lacks {missing[0]}, which {index.name} names")
    return tuple(index.parent / name for name in names)
