"""An autoencoder's folder, as `save_pretrained` leaves it: found, checked, and read.

Only safetensors are opened, nothing is fetched, and diffusers is imported when a folder is read,
never before.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn

from engine.model.checkpoints import file_hash
from engine.model.codecs.diffusers_codec import KINDS, DiffusersCodec, DiffusersCodecConfig
from engine.model.codecs.picture_codec import DOWNSCALE, CodecError

_WEIGHTS = "diffusion_pytorch_model.safetensors"
_INDEX = _WEIGHTS + ".index.json"
_PICKLES = ("*.bin", "*.pt", "*.pth", "*.ckpt")
#: Side of the picture on which a codec's downscale is measured, in pixels.
_PROBE = 4 * DOWNSCALE


@dataclass(frozen=True)
class _Folder:
    """An autoencoder's own folder, its config.json and its weights files."""

    path: Path
    config: dict[str, Any]
    weights: tuple[Path, ...]

    @property
    def class_name(self) -> str:
        return str(self.config.get("_class_name", ""))


def read_diffusers_codec(folder: Path) -> DiffusersCodec:
    """A codec from an autoencoder's folder, or from the `vae` folder of a pipeline.

    Raises:
        CodecError: one sentence: a file is missing or damaged, the weights are pickles, the class
            is no codec, its latents are not 8 times smaller, or diffusers is not installed.
    """
    found = _opened(folder)
    kind = KINDS[found.class_name]
    autoencoder = _loaded(found)
    full: Any = autoencoder.config
    try:
        channels = int(full[kind.channels])
        normalisation = kind.normalisation(full, channels)
    except (CodecError, KeyError, TypeError, ValueError) as error:
        raise CodecError(f"{found.path} cannot be a codec: {error}") from error
    config = DiffusersCodecConfig(
        name=folder.resolve().name,
        class_name=found.class_name,
        latent_channels=channels,
        normalisation=normalisation,
        sha256=_hash(found.weights),
        source=str(folder.resolve()),
    )
    codec = DiffusersCodec(autoencoder, config).eval()
    _check_downscale(codec, found.path)
    return codec


def _opened(folder: Path) -> _Folder:
    if not folder.is_dir():
        raise CodecError(f"there is no codec folder {folder}")
    path = folder
    if (folder / "model_index.json").is_file() or (
        not (folder / "config.json").is_file() and (folder / "vae").is_dir()
    ):
        path = folder / "vae"
        if not path.is_dir():
            raise CodecError(f"the pipeline in {folder} has no vae folder; name a codec's own")
    config = _json(path / "config.json")
    found = _Folder(path, config, ())
    if found.class_name not in KINDS:
        what = f"the class {found.class_name}" if found.class_name else "no model of diffusers"
        raise CodecError(f"{path} holds {what}; a codec is one of {', '.join(KINDS)}")
    return _Folder(path, config, _weights_files(path))


def _json(path: Path) -> dict[str, Any]:
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise CodecError(f"{path.parent} has no {path.name}; it is no whole codec") from error
    except (OSError, ValueError) as error:
        raise CodecError(f"{path} is not readable JSON; fetch or save the codec again") from error
    if not isinstance(document, dict):
        raise CodecError(f"{path} is not a JSON object; fetch or save the codec again")
    return document


def _weights_files(path: Path) -> tuple[Path, ...]:
    single = path / _WEIGHTS
    files: tuple[Path, ...] = (single,)
    if not single.is_file():
        if not (path / _INDEX).is_file():
            raise CodecError(_why_no_weights(path))
        names = _json(path / _INDEX).get("weight_map", {})
        files = tuple(sorted({path / str(name) for name in dict(names).values()}))
    for file in files:
        _check_safetensors(file)
    return files


def _why_no_weights(path: Path) -> str:
    pickles = sorted(found.name for pattern in _PICKLES for found in path.glob(pattern))
    if pickles:
        return (
            f"{path} holds its weights only as {pickles[0]}, a format that can run code when it is "
            "opened; save it as safetensors"
        )
    return f"{path} has no {_WEIGHTS}; fetch or save the codec again"


def _check_safetensors(file: Path) -> None:
    if not file.is_file():
        raise CodecError(f"{file.parent} lacks {file.name}, which {_INDEX} names")
    try:
        with safe_open(str(file), framework="pt") as opened:
            opened.keys()
    except (SafetensorError, OSError) as error:
        raise CodecError(f"{file} is damaged ({error}); fetch or save it again") from error


def _loaded(found: _Folder) -> nn.Module:
    try:
        import diffusers
    except ImportError as error:
        raise CodecError(
            f"the {found.class_name} in {found.path} needs diffusers ({_first_line(error)}); "
            'install it with: pip install "photowalk[models]"'
        ) from error
    wanted = getattr(diffusers, found.class_name, None)
    if wanted is None:
        raise CodecError(
            f"diffusers {diffusers.__version__} has no {found.class_name}; update it with: "
            'pip install -U "photowalk[models]"'
        )
    try:
        # Weights are drawn at random before they are read; nobody else's numbers may change.
        with torch.random.fork_rng(devices=[]), _quiet():
            autoencoder, report = wanted.from_pretrained(
                str(found.path),
                use_safetensors=True,
                local_files_only=True,
                torch_dtype=torch.float32,
                low_cpu_mem_usage=False,
                output_loading_info=True,
            )
    except (OSError, ValueError, RuntimeError, KeyError, TypeError) as error:
        raise CodecError(
            f"diffusers cannot read the codec in {found.path} ({_first_line(error)})"
        ) from error
    _check_keys(report, found.path)
    loaded: nn.Module = autoencoder
    return loaded


def _check_keys(report: dict[str, Any], path: Path) -> None:
    """diffusers gives random weights where the file has none."""
    for fault, keys in (
        ("lack", report.get("missing_keys")),
        ("have another shape for", report.get("mismatched_keys")),
    ):
        if keys:
            raise CodecError(
                f"the weights in {path} {fault} {sorted(map(str, keys))[0]} and do not fit its "
                "config.json; fetch or save the codec again"
            )


@contextmanager
def _quiet() -> Iterator[None]:
    """What diffusers would say beside the sentences above is no news to the user."""
    from diffusers.utils import logging

    before = logging.get_verbosity()
    logging.set_verbosity_error()
    try:
        yield
    finally:
        logging.set_verbosity(before)


@torch.no_grad()
def _check_downscale(codec: DiffusersCodec, path: Path) -> None:
    """Encodes and decodes one small picture: configs do not state the downscale alike."""
    picture = torch.zeros(1, 3, _PROBE, _PROBE)
    try:
        latent = codec.encode(picture)
    except RuntimeError as error:
        raise CodecError(f"{path} encodes no RGB pictures ({_first_line(error)})") from error
    factor = _PROBE / latent.shape[-1]
    if factor != DOWNSCALE:
        raise CodecError(
            f"latents of {path} are {factor:g} times smaller than pictures; Photowalk needs a "
            f"codec with {DOWNSCALE}"
        )
    decoded = codec.decode(latent)
    if decoded.shape != picture.shape:
        raise CodecError(f"{path} decodes to {tuple(decoded.shape)} instead of an RGB picture")
    if not (_finite(latent) and _finite(decoded)):
        raise CodecError(f"the weights in {path} give no finite numbers; fetch the codec again")


def _finite(values: Tensor) -> bool:
    return bool(values.isfinite().all())


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]


def _hash(files: tuple[Path, ...]) -> str:
    """Of one file its SHA-256, as the hub states it; of several, that of their hashes in order."""
    if len(files) == 1:
        return file_hash(files[0])
    return hashlib.sha256("".join(file_hash(file) for file in files).encode()).hexdigest()
