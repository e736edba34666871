"""An autoencoder's folder, as `save_pretrained` leaves it: found, checked, and read.

Only safetensors are opened, nothing is fetched, and diffusers is imported when a folder is read,
never before.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from engine.model.codecs.diffusers_codec import KINDS, DiffusersCodec, DiffusersCodecConfig
from engine.model.codecs.picture_codec import DOWNSCALE, CodecError
from engine.model.errors import first_line
from engine.model.pretrained import load_weights, require_libraries
from engine.model.weights_folder import open_folder

#: Side of the picture on which a codec's downscale is measured, in pixels.
_PROBE = 4 * DOWNSCALE


def read_diffusers_codec(folder: Path) -> DiffusersCodec:
    """A codec from an autoencoder's folder, or from the `vae` folder of a pipeline.

    Raises:
        CheckpointError: one sentence: a file is missing or damaged, the weights are pickles, the
            class is no codec, its latents are not 8 times smaller, or diffusers is not installed.
    """
    found = open_folder(_place(folder), tuple(KINDS))
    kind = KINDS[found.class_name]
    require_libraries(found.path, "diffusers")
    autoencoder = load_weights(found, "diffusers", torch.float32)
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
        sha256=found.hash(),
        source=str(folder.resolve()),
    )
    codec = DiffusersCodec(autoencoder, config).eval()
    _check_downscale(codec, found.path)
    return codec


def _place(folder: Path) -> Path:
    """Of the autoencoder: the folder, or the `vae` folder in that of a pipeline."""
    if not folder.is_dir():
        raise CodecError(f"there is no codec folder {folder}")
    own = (folder / "config.json").is_file() and not (folder / "model_index.json").is_file()
    if own or not ((folder / "model_index.json").is_file() or (folder / "vae").is_dir()):
        return folder
    if not (folder / "vae").is_dir():
        raise CodecError(f"the pipeline in {folder} has no vae folder; name a codec's own")
    return folder / "vae"


@torch.no_grad()
def _check_downscale(codec: DiffusersCodec, path: Path) -> None:
    """Encodes and decodes one small picture: configs do not state the downscale alike."""
    picture = torch.zeros(1, 3, _PROBE, _PROBE)
    try:
        latent = codec.encode(picture)
    except RuntimeError as error:
        raise CodecError(f"{path} encodes no RGB pictures ({first_line(error)})") from error
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
