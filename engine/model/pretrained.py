"""Models of diffusers and transformers: a folder that was checked is loaded.

Only safetensors are opened, no code of the folder's is run (without being told so, transformers
asks on the terminal), nothing is fetched, and the libraries that read them are imported when
a model is loaded, never before.
"""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

from engine.model.errors import CheckpointError, first_line
from engine.model.weights_folder import WeightsFolder

_LOADING = (OSError, ValueError, RuntimeError, KeyError, TypeError, ImportError, AttributeError)


def require_libraries(folder: Path, *libraries: str) -> None:
    """
    Raises:
        CheckpointError: one is not installed.
    """
    missing = [name for name in libraries if importlib.util.find_spec(name) is None]
    if missing:
        raise CheckpointError(
            f'{folder} needs {" and ".join(missing)}; install with: pip install "photowalk[models]"'
        )


def load_weights(folder: WeightsFolder, library: str, precision: torch.dtype) -> Any:
    """The model of a folder by its library, diffusers or transformers, on the CPU.

    Raises:
        CheckpointError: its library cannot read it, or its file lacks weights.
    """
    # Not by `torch_dtype` alone: the libraries call it by different names.
    named = {"diffusers": "torch_dtype", "transformers": "dtype"}[library]
    try:
        # Weights are drawn at random before they are read; nobody else's numbers may change.
        with torch.random.fork_rng(devices=[]), quiet(library):
            wanted = getattr(importlib.import_module(library), folder.class_name)
            model, report = wanted.from_pretrained(
                str(folder.path),
                use_safetensors=True,
                local_files_only=True,
                trust_remote_code=False,
                output_loading_info=True,
                **{named: precision},
            )
    except _LOADING as error:
        raise CheckpointError(
            f"{library} cannot read {folder.path} ({first_line(error)})"
        ) from error
    for told, keys in (
        ("lack", report.get("missing_keys")),
        ("have another shape for", report.get("mismatched_keys")),
    ):
        if keys:
            # The libraries would go on with random numbers in their place.
            raise CheckpointError(
                f"the weights in {folder.path} {told} {min(map(str, keys))} and do not fit its "
                "config.json; fetch or save them again"
            )
    return model.eval()


def load_tokenizer(path: Path) -> Any:
    """A tokenizer of transformers.

    Raises:
        CheckpointError: it is missing, cannot be read, or knows no padding.
    """
    if not path.is_dir():
        raise CheckpointError(f"{path.parent} has no folder {path.name}; fetch the whole model")
    try:
        with quiet("transformers"):
            transformers = importlib.import_module("transformers")
            found = transformers.AutoTokenizer.from_pretrained(
                str(path), local_files_only=True, trust_remote_code=False
            )
    except _LOADING as error:
        raise CheckpointError(
            f"transformers cannot read the tokenizer in {path} ({first_line(error)})"
        ) from error
    if found.pad_token_id is None:
        raise CheckpointError(f"the tokenizer in {path} has no padding; it is not Wan's")
    return found


@contextmanager
def quiet(library: str) -> Iterator[None]:
    """No bars and no advice on the terminal; what it was before comes back."""
    logging = importlib.import_module(f"{library}.utils").logging
    level, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(level)
        if bars:
            logging.enable_progress_bar()
