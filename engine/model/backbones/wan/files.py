"""Wan models on disk: a pipeline's folder of diffusers, and files of what was trained on it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path

import torch
from torch import Tensor, nn

from engine.model.backbones.family import PIPELINE_INDEX
from engine.model.backbones.text import PieceTokenizer, TextEncoder
from engine.model.backbones.wan.adaptation import adapt, adapted_parameters, wan_of
from engine.model.backbones.wan.adapted import WanAdaptation
from engine.model.backbones.wan.network import TEXT_LENGTH, WanBackbone
from engine.model.codecs.folder import read_diffusers_codec
from engine.model.codecs.picture_codec import PictureCodec
from engine.model.codecs.stored import PREFIX, codec_header, codec_tensors, restored_codec
from engine.model.control.adapters_file import StoredAdapters, read_adapters, save_adapters
from engine.model.errors import CheckpointError
from engine.model.model import Model
from engine.model.pretrained import (
    load_tokenizer,
    load_weights,
    require_libraries,
)
from engine.model.weights_folder import file_hash, open_folder, read_object

#: What a pipeline's folder must hold.
TRANSFORMERS = ("WanTransformer3DModel",)
_TEXT = ("UMT5EncoderModel",)
_NETWORK = "network."


def read_backbone(
    folder: Path,
    precision: torch.dtype = torch.float32,
    codec: Path | PictureCodec | None = None,
) -> Model:
    """A pipeline's folder of diffusers as a model whose gates are untrained.

    The text encoder is checked here and loaded when a prompt is first asked about.

    Args:
        precision: of Wan's weights; what we put beside them is float32.
        codec: another one than the folder's own.

    Raises:
        CheckpointError: one sentence: a part is missing, damaged or of another class, its weights
            are pickles, or diffusers or transformers is not installed.
    """
    if not folder.is_dir():
        raise CheckpointError(f"there is no folder {folder}; check the path")
    _check_index(folder)
    transformer = open_folder(folder / "transformer", TRANSFORMERS)
    encoder = open_folder(folder / "text_encoder", _TEXT)
    require_libraries(folder, "diffusers", "transformers", "accelerate")
    pieces = PieceTokenizer(load_tokenizer(folder / "tokenizer"), TEXT_LENGTH)
    load: partial[nn.Module] = partial(load_weights, encoder, "transformers", precision)
    text = TextEncoder(load, pieces.pad, pieces.encode(()).ids, encoder.bytes)
    own = codec if isinstance(codec, PictureCodec) else read_diffusers_codec(codec or folder)
    try:
        loaded = load_weights(transformer, "diffusers", precision)
        network = WanBackbone(loaded, text, identity=transformer.hash())
    except ValueError as error:
        raise CheckpointError(f"{transformer.path}: {error}") from error
    network.folder = folder.resolve()
    _check_channels(network, own, folder)
    told = [network.identity, *map(str, codec_header(own).values()), *_text_names(folder)]
    whole = hashlib.sha256("\n".join(told).encode()).hexdigest()
    return Model(own.eval(), network.eval(), pieces, weights_hash=whole)


def _check_index(folder: Path) -> None:
    second = read_object(folder / PIPELINE_INDEX).get("transformer_2")
    if isinstance(second, list) and second and second[-1]:
        raise CheckpointError(
            f"the pipeline in {folder} shares its noise levels between two transformers; Photowalk "
            "reads pipelines with one, such as Wan2.1-T2V-1.3B"
        )


def _check_channels(network: WanBackbone, codec: PictureCodec, folder: Path) -> None:
    wanted, found = network.config.latent_channels, codec.config.latent_channels
    if wanted != found:
        raise CheckpointError(
            f"the transformer in {folder} draws latents of {wanted} channels, and the codec "
            f"{codec.config.name} has {found}; name the codec that it was trained with"
        )


def _text_names(folder: Path) -> list[str]:
    """Hashes of the small files of tokenizer and text encoder: the latter's weights have many
    gigabytes, and would take longer to hash than to use."""
    parts = (folder / "tokenizer", folder / "text_encoder")
    return [file_hash(path) for part in parts for path in sorted(part.glob("*.json"))]


def save_wan(model: Model, path: Path) -> None:
    """Writes what `adapt` made trainable, with the name and the hash of what stayed as it was.

    Raises:
        ValueError: the model is no Wan model.
    """
    network = wan_of(model.transformer)
    tensors: dict[str, Tensor] = {
        f"{_NETWORK}{name}": p for name, p in adapted_parameters(model.transformer).items()
    }
    tensors |= {f"{PREFIX}{name}": t for name, t in codec_tensors(model.codec).items()}
    config = {
        "wan": {"folder": str(network.folder or "")},
        "adaptation": network.adaptation.as_json(),
        "codec": codec_header(model.codec),
    }
    save_adapters(path, tensors, network.frozen_hash(), config)


def read_wan(
    path: Path,
    precision: torch.dtype = torch.float32,
    codec: Path | PictureCodec | None = None,
    base: Path | None = None,
) -> Model:
    """What was trained, on the folder that it was trained on; nothing is trainable.

    Args:
        codec: where the codec lies now; None where it lay.
        base: where Wan's own folder lies now; None where it lay, or beside `path` under its name.

    Raises:
        CheckpointError: no such file, a base or codec that is missing or another one.
    """
    stored = read_adapters(path)
    try:
        folder = base or _place(Path(stored.config["wan"]["folder"]), path)
        adaptation = WanAdaptation.from_json(stored.config["adaptation"])
        own = restored_codec(stored.config["codec"], _part(stored, PREFIX), path, codec)
    except (KeyError, TypeError, RuntimeError) as error:
        raise CheckpointError(
            f"{path} holds no trained Wan model of this version ({error})"
        ) from error
    whole = read_backbone(folder, precision, own)
    network = wan_of(whole.transformer)
    stored.check_base(network.identity)
    try:
        adapted = adapt(network, adaptation)
    except ValueError as error:
        raise CheckpointError(f"{path} does not fit {folder}: {error}") from error
    replace(stored, tensors=_part(stored, _NETWORK)).fill(adapted_parameters(adapted))
    adapted.eval().requires_grad_(False)
    return Model(own, adapted, whole.tokenizer, weights_hash=file_hash(path))


def _part(stored: StoredAdapters, prefix: str) -> Mapping[str, Tensor]:
    return {
        name.removeprefix(prefix): tensor
        for name, tensor in stored.tensors.items()
        if name.startswith(prefix)
    }


def _place(named: Path, path: Path) -> Path:
    places = (named, path.resolve().parent / named.name)
    for place in places:
        if named.name and place.is_dir():
            return place
    raise CheckpointError(
        f"{path} was trained on the Wan model {named.name or 'of no folder'}, which is neither at "
        f"{places[0]} nor at {places[1]}; put it there"
    )
