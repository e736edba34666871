"""Folders of models as the store sees them: whatever is wrong with one is a `StoreError`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from engine.model import weights_folder
from engine.model.errors import CheckpointError
from engine.model.weights_folder import WeightsFolder
from explorer.store.errors import StoreError


def open_folder(folder: Path) -> WeightsFolder:
    """A model as `save_pretrained` leaves it: config.json beside safetensors, whole or in shards.

    Raises:
        StoreError: one sentence about what is missing, damaged, or not safe to open.
    """
    if not folder.is_dir():
        raise StoreError(f"{folder} is not a folder")
    with _told():
        return weights_folder.open_folder(folder)


def folder_faults(folder: Path) -> list[str]:
    """What is wrong with a model's folder or a pipeline's; empty when all is well."""
    if (folder / "model_index.json").is_file():
        parts = sorted(
            {p.parent for p in folder.glob("*/*") if p.suffix in (".safetensors", ".bin")}
        )
        faults = [fault for part in parts for fault in folder_faults(part)]
        return faults or ([] if parts else [f"{folder} holds no weights in any of its folders"])
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
    with _told():
        return weights_folder.read_object(path)


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except CheckpointError as error:
        raise StoreError(str(error)) from error
