"""Parts of a pipeline's folder, as `save_pretrained` leaves them: checked, then loaded.

Only safetensors are opened, nothing is fetched, and the libraries that read them are imported when
a part is loaded, never before.
"""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open

from engine.model.checkpoints import CheckpointError, file_hash

_INDEX = "*.safetensors.index.json"
_PICKLES = ("*.bin", "*.pt", "*.pth", "*.ckpt")
_LOADING = (OSError, ValueError, RuntimeError, KeyError, TypeError, ImportError, AttributeError)


@dataclass(frozen=True)
class Part:
    """One part of a pipeline.

    Attributes:
        path: its folder.
        library, class_name: what reads it.
        weights: its safetensors files, sorted; none for a tokenizer.
    """

    path: Path
    library: str
    class_name: str
    weights: tuple[Path, ...] = ()

    def bytes(self) -> int:
        """Of its files; read in a smaller type, it takes less memory than that."""
        return sum(path.stat().st_size for path in self.weights)

    def hash(self) -> str:
        """SHA-256 of the weights: of one file its own, of several that of their hashes in order."""
        if len(self.weights) == 1:
            return file_hash(self.weights[0])
        return hashlib.sha256("".join(map(file_hash, self.weights)).encode()).hexdigest()


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


def check_weights(path: Path, library: str, classes: Sequence[str]) -> Part:
    """A part with weights, of one of `classes`, whose files are whole as far as headers tell.

    Raises:
        CheckpointError: one sentence about what is missing, damaged, of another class, or not safe.
    """
    if not path.is_dir():
        raise CheckpointError(f"{path.parent} has no folder {path.name}; fetch the whole model")
    config = read_object(path / "config.json")
    architectures = config.get("architectures") or [config.get("_class_name", "")]
    name = str(architectures[0])
    if name not in classes:
        raise CheckpointError(
            f"{path} holds {f'a {name}' if name else 'a model of no known class'}; "
            f"Photowalk reads {' or '.join(classes)} there"
        )
    return Part(path, library, name, _weights(path))


def _weights(path: Path) -> tuple[Path, ...]:
    found = tuple(sorted(path.glob("*.safetensors")))
    if not found:
        pickles = sorted(p.name for pattern in _PICKLES for p in path.glob(pattern))
        if pickles:
            raise CheckpointError(
                f"{path} holds its weights only as {pickles[0]}, a format that can run code when "
                "it is opened; save it as safetensors"
            )
        raise CheckpointError(f"{path} holds no weights (*.safetensors); fetch them again")
    for index in path.glob(_INDEX):
        named = dict(read_object(index).get("weight_map", {})).values()
        missing = sorted({str(name) for name in named if not (path / str(name)).is_file()})
        if missing:
            raise CheckpointError(f"{path} lacks {missing[0]}, which {index.name} names")
    for file in found:
        try:
            with safe_open(str(file), framework="pt") as opened:
                opened.keys()
        except (SafetensorError, OSError) as error:
            raise CheckpointError(f"{file} is damaged ({error}); fetch it again") from error
    return found


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


def load_weights(part: Part, precision: torch.dtype) -> Any:
    """The model of a part, on the CPU.

    Raises:
        CheckpointError: its library cannot read it, or its file lacks weights.
    """
    # Not by `torch_dtype` alone: the libraries call it by different names.
    named = {"diffusers": "torch_dtype", "transformers": "dtype"}[part.library]
    try:
        # Weights are drawn at random before they are read; nobody else's numbers may change.
        with torch.random.fork_rng(devices=[]), quiet(part.library):
            wanted = getattr(importlib.import_module(part.library), part.class_name)
            model, report = wanted.from_pretrained(
                str(part.path),
                use_safetensors=True,
                local_files_only=True,
                output_loading_info=True,
                **{named: precision},
            )
    except _LOADING as error:
        raise CheckpointError(
            f"{part.library} cannot read {part.path} ({first_line(error)})"
        ) from error
    for fault in ("missing_keys", "mismatched_keys"):
        if keys := sorted(map(str, report.get(fault) or ())):
            # The libraries would go on with random numbers in their place.
            raise CheckpointError(
                f"the weights in {part.path} do not fit its config.json (first difference: "
                f"{keys[0]}); fetch it again"
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


def first_line(error: Exception) -> str:
    """Enough of a library's explanation to go on with."""
    lines = str(error).strip().splitlines()
    text = lines[0].rstrip(".") if lines else type(error).__name__
    return text if len(text) <= 160 else text[:157] + "..."
