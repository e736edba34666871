"""A folder with a model in it, whoever put it there: is it whole, and is it safe to open?"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from explorer.store.errors import StoreError

PICKLES = ("*.bin", "*.pt", "*.pth", "*.ckpt", "*.pkl")


@dataclass(frozen=True)
class ModelFolder:
    """Attributes:
    folder: where it is.
    config: its config.json.
    weights: its safetensors files, sorted.
    """

    folder: Path
    config: dict[str, Any]
    weights: tuple[Path, ...]

    @property
    def class_name(self) -> str:
        """The class that saved it; empty where it does not say."""
        architectures = self.config.get("architectures")
        if isinstance(architectures, list) and architectures:
            return str(architectures[0])
        return str(self.config.get("_class_name", ""))

    @property
    def size(self) -> int:
        """Bytes of the weights."""
        return sum(path.stat().st_size for path in self.weights)


def open_folder(folder: Path) -> ModelFolder:
    """A model as `save_pretrained` leaves it: config.json beside safetensors, whole or sharded.

    Raises:
        StoreError: one sentence about what is missing, damaged, or not safe to open.
    """
    if not folder.is_dir():
        raise StoreError(f"{folder} is not a folder")
    config = read_json(folder / "config.json")
    weights = tuple(sorted(folder.glob("*.safetensors")))
    if not weights:
        pickles = sorted(path.name for pattern in PICKLES for path in folder.glob(pattern))
        if pickles:
            raise StoreError(
                f"{folder} holds its weights only as {pickles[0]}, a format that can run code "
                "when it is opened; save it as safetensors"
            )
        raise StoreError(f"{folder} holds no weights (*.safetensors)")
    _check_shards(folder)
    for path in weights:
        check_safetensors(path)
    return ModelFolder(folder, config, weights)


def folder_faults(folder: Path) -> list[str]:
    """What is wrong with a model's folder or a pipeline's; empty when all is well."""
    if (folder / "model_index.json").is_file():
        parts = sorted(
            {p.parent for p in folder.glob("*/*") if p.suffix in (".safetensors", ".bin")}
        )
        faults = [fault for part in parts for fault in folder_faults(part)]
        return faults or ([] if parts else [f"{folder} holds no weights (*.safetensors)"])
    try:
        open_folder(folder)
    except StoreError as error:
        return [str(error)]
    return []


def read_json(path: Path) -> dict[str, Any]:
    """An object from a JSON file.

    Raises:
        StoreError: it is missing, or is something else.
    """
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise StoreError(f"{path.parent} has no {path.name}; it is no whole model") from error
    except ValueError as error:
        raise StoreError(f"{path} is not JSON; fetch or save the model again") from error
    if not isinstance(document, dict):
        raise StoreError(f"{path} is not a JSON object; fetch or save the model again")
    return document


def check_safetensors(path: Path) -> None:
    """Reads the header, and whether the file is as long as that says.

    Raises:
        StoreError: it is damaged.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="np") as file:
            file.keys()
    except (SafetensorError, OSError) as error:
        raise StoreError(f"{path} is damaged ({error}); fetch or save it again") from error


def _check_shards(folder: Path) -> None:
    for index in folder.glob("*.safetensors.index.json"):
        named = read_json(index).get("weight_map", {})
        missing = sorted({str(n) for n in named.values() if not (folder / str(n)).is_file()})
        if missing:
            raise StoreError(f"{folder} lacks {missing[0]}, which {index.name} names")
